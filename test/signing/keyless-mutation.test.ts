// A keyless bundle with any field dropped or any byte flipped: it verifies no more, or proves the very same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest, stack, verdictOfJson } from './keyless.ts';

// Earlier entries in the log, so that an inclusion proof has an index and hashes to check.
for (let i = 0; i < 5; i++) stack.bundle({ digest });

test('drop any field of a keyless bundle: nothing that is read may go', () => {
  const good = stack.bundle({ digest, stamp: true });
  const survived: string[] = [];
  const walk = (value: unknown, at: string[]) => {
    if (typeof value !== 'object' || value === null) return;
    for (const field of Object.keys(value)) {
      const copy = structuredClone(good);
      let parent = copy as unknown as Record<string, unknown>;
      for (const step of at) parent = parent[step] as Record<string, unknown>;
      delete parent[field];
      const { kind } = verdictOfJson(copy);
      if (kind === 'verified') survived.push([...at, field].join('.'));
      walk((value as Record<string, unknown>)[field], [...at, field]);
    }
  };
  walk(good, []);
  assert.deepEqual(survived, [
    // Promise and timestamp both state the time: one of them is enough where the policy asks for neither by name.
    'verificationMaterial.tlogEntries.0.inclusionPromise',
    // Root and size come from the signed checkpoint; what the bundle says of them is not read.
    'verificationMaterial.tlogEntries.0.inclusionProof.rootHash',
    'verificationMaterial.tlogEntries.0.inclusionProof.treeSize',
    'verificationMaterial.timestampVerificationData',
    'verificationMaterial.timestampVerificationData.rfc3161Timestamps',
    'dsseEnvelope.signatures.0.keyid',
  ]);
});

/** Read by nobody: a hint; root and size, which come from the signed checkpoint. */
const UNREAD = /signatures\.0\.keyid$|inclusionProof\.(rootHash|treeSize)$/;
/** Bytes of a timestamp's wrapping that CMS leaves unsigned, and the spare bits of base64 in a note, may change; what they prove may not. */
const WRAPPED = /signedTimestamp$|checkpoint\.envelope$/;

test('flip a byte anywhere in the signed material: it verifies no more, or proves the very same', () => {
  const good = stack.bundle({ digest, stamp: true });
  const before = verdictOfJson(good);
  assert.equal(before.kind, 'verified');
  const paths: string[][] = [];
  const walk = (value: unknown, at: string[]) => {
    if (typeof value === 'string') paths.push(at);
    else if (typeof value === 'object' && value !== null)
      for (const [field, item] of Object.entries(value)) walk(item, [...at, field]);
  };
  walk(good, []);
  for (const at of paths) {
    const name = at.join('.');
    if (name === 'mediaType' || UNREAD.test(name)) continue;
    const original = at.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], good) as string;
    const binary = /rawBytes|sig$|payload$|signedTimestamp|signedEntry|canonicalizedBody|hashes|keyId/.test(name);
    const bytes = Buffer.from(original, binary ? 'base64' : 'utf8');
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i] = (flipped[i] as number) ^ 1;
      const copy = structuredClone(good);
      const parent = at.slice(0, -1).reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], copy);
      (parent as Record<string, unknown>)[at.at(-1) as string] = flipped.toString(binary ? 'base64' : 'utf8');
      const verdict = verdictOfJson(copy);
      if (verdict.kind !== 'verified') continue;
      assert.ok(WRAPPED.test(name), `${name} byte ${i}`);
      assert.deepEqual(verdict, before, `${name} byte ${i}`);
    }
  }
});
