// Whatever strangers write: a reader answers "malformed" or throws its own plain error, never crashes, never takes for signed what
// nobody signed. Random bytes, random JSON, and honest material with parts exchanged by random ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readReview } from '../../src/admission/review.ts';
import { parsePinned } from '../../src/image/reference.ts';
import { Problem } from '../../src/problem.ts';
import { imagesOf } from '../../src/source/object.ts';
import { fromAttestationLayer, fromBundle, fromSignatureLayer } from '../../src/verify/cosign/material.ts';
import type { CosignSigner } from '../../src/verify/cosign/signer.ts';
import { verifyMaterial } from '../../src/verify/cosign/verify-material.ts';
import { canonicalJson } from '../../src/verify/notary/canonical.ts';
import { Disorder, Root, readRole, Targets } from '../../src/verify/notary/metadata.ts';
import { readCbor } from '../../src/verify/notation/cbor.ts';
import { readEnvelope } from '../../src/verify/notation/envelope.ts';
import { verifyStamp } from '../../src/verify/notation/timestamp.ts';
import { parseTrustRoot } from '../../src/verify/trust/root.ts';
import { SigstoreStack } from './sigstore-stack.ts';

const digest = `sha256:${'d'.repeat(64)}`;
const subject = parsePinned(`registry.test/org/app:1@${digest}`);
const stack = new SigstoreStack();
const signer: CosignSigner = {
  kind: 'cosign',
  name: 'ci',
  keys: [],
  identities: [{ issuer: 'https://issuer.test', subject: 'https://git.test/org/app/.ci/release.yml@refs/heads/main' }],
  trust: parseTrustRoot(stack.trustedRoot(), 'test'),
  thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 0 },
  annotations: {},
  bindRepository: false,
};
const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
const json = fc.jsonValue({ maxDepth: 6 }).map((value) => Buffer.from(JSON.stringify(value)));
const anything = fc.oneof(bytes, json);
const RUNS = { numRuns: 300 };

const good = stack.bundle({ digest, stamp: true });
/** Every place in the honest bundle. */
const paths: string[][] = [];
(function walk(value: unknown, at: string[]) {
  if (at.length > 0) paths.push(at);
  if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) walk(item, [...at, key]);
})(good, []);

test('anything as bundle, layer or attestation: read or refused, never signed', () => {
  fc.assert(
    fc.property(
      anything,
      fc.dictionary(
        fc.constantFrom(
          'dev.cosignproject.cosign/signature',
          'dev.sigstore.cosign/certificate',
          'dev.sigstore.cosign/bundle',
          'dev.sigstore.cosign/rfc3161timestamp',
        ),
        fc.string(),
      ),
      (input, annotations) => {
        const candidates = [
          fromBundle(input),
          fromSignatureLayer(input, annotations),
          fromAttestationLayer(input, annotations),
        ];
        assert.notEqual(verifyMaterial(candidates, signer, subject, stack.now).verdict.kind, 'verified');
      },
    ),
    RUNS,
  );
});

test('an honest bundle with one part exchanged for anything: never verified as something else', () => {
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
      const copy = structuredClone(good) as unknown as Record<string, unknown>;
      const parent = path
        .slice(0, -1)
        .reduce<Record<string, unknown>>((at, step) => at[step] as Record<string, unknown>, copy);
      parent[path.at(-1) as string] = value;
      const { verdict } = verifyMaterial([fromBundle(Buffer.from(JSON.stringify(copy)))], signer, subject, stack.now);
      if (verdict.kind === 'verified') assert.equal(verdict.identity?.subject, signer.identities[0]?.subject);
    }),
    RUNS,
  );
});

const plain = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    assert.ok(
      error instanceof Error && !(error instanceof TypeError && /is not a function/.test(error.message)),
      String(error),
    );
  }
};

test('anything as CBOR, envelope or time stamp', () => {
  fc.assert(
    fc.property(anything, (input) => {
      plain(() => readCbor(input));
      for (const type of ['application/jose+json', 'application/cose', 'x']) plain(() => readEnvelope(input, type));
      assert.throws(() => verifyStamp(input, Buffer.from('x'), []));
    }),
    RUNS,
  );
});

test('anything as Notary metadata is in disorder, and says so', () => {
  fc.assert(
    fc.property(anything, (input) => {
      for (const schema of [Root, Targets]) assert.throws(() => readRole(input, schema as never, 'role'), Disorder);
    }),
    RUNS,
  );
});

test('canonical JSON reads back as what it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const integers = JSON.parse(
        JSON.stringify(value, (_, item) => (typeof item === 'number' ? Math.trunc(item) % 1e9 || 0 : item)),
      );
      // Control characters stay raw in it, which JSON does not allow: those are not compared.
      const text = canonicalJson(integers);
      if (!/[\u0000-\u001f]/.test(text)) assert.deepEqual(JSON.parse(text), integers);
    }),
    RUNS,
  );
});

test('anything as trust root, review or object', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      try {
        parseTrustRoot(Buffer.from(JSON.stringify(value)), 'x');
      } catch (error) {
        assert.ok(error instanceof Problem, String(error));
      }
      try {
        readReview(value);
      } catch (error) {
        assert.ok(error instanceof Problem, String(error));
      }
      if (value !== null && typeof value === 'object') imagesOf(value as Record<string, unknown>, []);
    }),
    RUNS,
  );
});
