// What a signature covers, and what its bundle carries: read back with our own reader, and checked with the key alone.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { parsePinned } from '../image/reference.ts';
import { IN_TOTO, preAuthentication } from '../sigstore/statement.ts';
import { signingKeyOf } from './key.ts';
import { bundleAnnotations, type Envelope, makeBundle, type Signatory } from './sign.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = signingKeyOf(pair.privateKey);
const HEX = 'd'.repeat(64);
const statement = {
  subject: parsePinned(`registry.test/org/app:v1@sha256:${HEX}`),
  predicateType: 'https://example.com/built/v1',
  predicate: { by: 'ci' },
  annotations: { build: '42' },
};
const bundleOf = async (more: Partial<Signatory> = {}) =>
  JSON.parse((await makeBundle(statement, { key, ...more })).toString());

test('the statement is about the digest, with its type, content and annotations; nothing of the tag is in it', async () => {
  const { dsseEnvelope } = await bundleOf();
  assert.equal(dsseEnvelope.payloadType, IN_TOTO);
  assert.deepEqual(JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()), {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: HEX }, annotations: { build: '42' } }],
    predicateType: 'https://example.com/built/v1',
    predicate: { by: 'ci' },
  });
});

test('the signature covers the payload together with its type', async () => {
  const { dsseEnvelope, verificationMaterial } = await bundleOf();
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const [{ sig }] = dsseEnvelope.signatures;
  assert.equal(dsseEnvelope.signatures.length, 1);
  const signature = Buffer.from(sig, 'base64');
  assert.ok(verify('sha256', preAuthentication(IN_TOTO, payload), pair.publicKey, signature));
  assert.ok(!verify('sha256', payload, pair.publicKey, signature));
  assert.deepEqual(verificationMaterial, {
    publicKey: { hint: createHash('sha256').update(key.spki).digest('base64') },
    tlogEntries: [],
  });
});

test('witnesses: the signature is stamped, the log gets the envelope, and both proofs are in the bundle', async () => {
  const stamped: Buffer[] = [];
  const logged: Envelope[] = [];
  const { dsseEnvelope, verificationMaterial } = await bundleOf({
    certificate: Buffer.from('certificate'),
    stamp: async (bytes) => {
      stamped.push(bytes);
      return Buffer.from('stamp');
    },
    log: async (envelope) => {
      logged.push(envelope);
      return { logIndex: '1' };
    },
  });
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const signature = Buffer.from(dsseEnvelope.signatures[0].sig, 'base64');
  assert.deepEqual(stamped, [signature]);
  assert.deepEqual(logged, [{ payload, payloadType: IN_TOTO, signature, signed: preAuthentication(IN_TOTO, payload) }]);
  assert.deepEqual(verificationMaterial, {
    certificate: { rawBytes: Buffer.from('certificate').toString('base64') },
    tlogEntries: [{ logIndex: '1' }],
    timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: Buffer.from('stamp').toString('base64') }] },
  });
});

test('a witness that fails is no bundle without it', async () => {
  const fails = async () => Promise.reject(new Error('down'));
  await assert.rejects(bundleOf({ stamp: fails }), /down/);
  await assert.rejects(bundleOf({ log: fails }), /down/);
});

test('the annotations beside a bundle: its predicate type, and the second in which it was made', () => {
  assert.deepEqual(bundleAnnotations('t', new Date('2026-01-02T03:04:05.678Z')), {
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': 't',
    'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
  });
});
