import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { KEY_AUTHORITY } from '../../test/signing/authority.ts';
import { mine, pem, subject, theirs } from '../../test/signing/by-key.ts';
import { Problem } from '../problem.ts';
import type { SignatureClient } from './verifier.ts';
import { describeSigner, gatherVerdicts, loadSigners, trustVersion, type Verifiers } from './verify.ts';

test('keys that cannot be used safely are refused, with the name of their authority', async () => {
  const weak = pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
  const curve = pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey);
  for (const [key, message] of [
    [weak, /at least 2048 bits, got 1024/],
    [curve, /P-256, P-384 or P-521/],
    ['-----BEGIN PUBLIC KEY-----\nx', /expected a public key/],
  ] as const) {
    await assert.rejects(
      loadSigners({ release: { ...KEY_AUTHORITY, keys: [key] } }),
      (error) => /authority 'release'/.test(String(error)) && message.test(String(error)),
    );
  }
});

test('two authorities with one key are refused: a threshold would count it twice (T37)', async () => {
  const authority = { ...KEY_AUTHORITY, keys: [pem(mine.publicKey)] };
  await assert.rejects(loadSigners({ a: authority, b: authority }), /'a' and 'b' share a key/);
  assert.equal(
    (await loadSigners({ a: { ...authority, keys: [...authority.keys, pem(theirs.publicKey)] } })).length,
    1,
  );
});

test('a kind of authority without a Verifier does not compile', () => {
  const some = {} as Verifiers;
  // @ts-expect-error: notation is missing
  const incomplete: Verifiers = { cosign: some.cosign, notary: some.notary };
  assert.ok(incomplete);
});

/** A registry that fails every request. */
const failing = (error: Problem) => {
  const fail = () => Promise.reject(error);
  const service = { host: 'x', get: fail, post: fail };
  return { manifest: fail, blob: fail, referrers: fail, service: () => service } as unknown as SignatureClient;
};
const NOTARY = {
  kind: 'notary',
  annotations: {},
  server: 'https://n.test',
  roots: [pem(mine.publicKey)],
  signers: [],
} as const;
const NOTATION = {
  kind: 'notation',
  annotations: {},
  level: 'strict',
  trustStores: { ca: [], signingAuthority: [], tsa: [] },
  trustedIdentities: ['*'],
  verifyTimestamp: 'always',
  revocation: 'skip',
} as const;

test('each kind, in the order of kinds and names: a registry that fails is unchecked, and leaves attestations open', async () => {
  const byKey = (key: KeyObject) => ({ ...KEY_AUTHORITY, keys: [pem(key)] });
  const signers = await loadSigners({ n: NOTARY, b: byKey(mine.publicKey), o: NOTATION, a: byKey(theirs.publicKey) });
  const client = failing(new Problem('unreachable', 'down'));
  const { verdicts, attestations } = await gatherVerdicts(signers, { client, subject });
  assert.deepEqual([...verdicts.keys()], ['b', 'a', 'n', 'o']);
  assert.ok([...verdicts.values()].every(({ kind }) => kind === 'unchecked'));
  assert.deepEqual([...attestations.problems.keys()], ['b', 'a']);
});

test('several cosign authorities share one fetch, unless their signatures are in another repository', async () => {
  const asked: string[] = [];
  const client = {
    ...failing(new Problem('not-found', 'none')),
    referrers: async ({ repository }: { repository: string }) => (asked.push(repository), []),
  };
  const authority = (signatureRepository?: string) => ({
    ...KEY_AUTHORITY,
    keys: [pem(generateKeyPairSync('ed25519').publicKey)],
    ...(signatureRepository !== undefined && { signatureRepository }),
  });
  const signers = await loadSigners({ a: authority(), b: authority(), c: authority('registry.test/signatures') });
  const { verdicts } = await gatherVerdicts(signers, { client, subject });
  assert.deepEqual(asked.sort(), ['signatures', 'x']);
  assert.deepEqual([...verdicts.values()], [{ kind: 'unsigned' }, { kind: 'unsigned' }, { kind: 'unsigned' }]);
});

test('the trust version changes with the trust root; kinds without one add nothing', async () => {
  const signers = await loadSigners({ k: { ...KEY_AUTHORITY, keys: [pem(mine.publicKey)] }, n: NOTARY, o: NOTATION });
  assert.match(trustVersion(signers), /^[0-9a-f]{64} {2}$/);
  assert.deepEqual(
    signers.map((signer) => describeSigner(signer).recordedBy),
    ['key', 'other', 'other'],
  );
});
