import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Problem } from '../problem.ts';
import type { Service } from '../registry/service.ts';
import { parseDer } from '../verify/der.ts';
import type { Envelope } from './sign.ts';
import { logInRekor1, logInRekor2, refused, stampBytes } from './witness.ts';

const envelope: Envelope = {
  payload: Buffer.from('payload'),
  payloadType: 'application/vnd.in-toto+json',
  signature: Buffer.from('signature'),
  signed: Buffer.from('signed'),
};
const signer = { kind: 'key', der: Buffer.from('key') } as const;
type Sent = { path: string; body: Buffer };

/** A service with one answer; what it was sent is in `sent`. */
function serviceOf(status: number, answer: unknown): { service: Service; sent: Sent[] } {
  const sent: Sent[] = [];
  const body = Buffer.isBuffer(answer) ? answer : Buffer.from(JSON.stringify(answer) ?? '');
  const post = async (path: string, request: string | Buffer) => {
    sent.push({ path, body: Buffer.from(request) });
    return { status, headers: {}, body };
  };
  return { service: { host: 'log.test', post } as unknown as Service, sent };
}

const hex = '00ff';
const entry = {
  body: 'e30=',
  integratedTime: 17,
  logID: hex,
  logIndex: 5,
  verification: {
    signedEntryTimestamp: 'c2V0',
    inclusionProof: { checkpoint: 'note', hashes: [hex], logIndex: 4, rootHash: hex, treeSize: 9 },
  },
};

test('Rekor 1: the envelope goes with its signer, and the answer comes in the form of a bundle', async () => {
  const { service, sent } = serviceOf(201, { uuid: entry });
  assert.deepEqual(await logInRekor1(service, envelope, signer), {
    logIndex: '5',
    logId: { keyId: 'AP8=' },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: '17',
    inclusionPromise: { signedEntryTimestamp: 'c2V0' },
    inclusionProof: {
      logIndex: '4',
      rootHash: 'AP8=',
      treeSize: '9',
      hashes: ['AP8='],
      checkpoint: { envelope: 'note' },
    },
    canonicalizedBody: 'e30=',
  });
  const { kind, spec } = JSON.parse(String(sent[0]?.body));
  assert.equal(kind, 'dsse');
  assert.match(Buffer.from(spec.proposedContent.verifiers[0], 'base64').toString(), /BEGIN PUBLIC KEY/);
  assert.equal(JSON.parse(spec.proposedContent.envelope).payload, envelope.payload.toString('base64'));
});

test('Rekor 2: the digest of what was signed, and the signer', async () => {
  const { service, sent } = serviceOf(201, { inclusionProof: {} });
  assert.deepEqual(await logInRekor2(service, envelope, signer, 'PKIX_ED25519'), { inclusionProof: {} });
  const { digest, signature } = JSON.parse(String(sent[0]?.body)).hashedRekordRequestV002;
  assert.equal(digest, createHash('sha256').update(envelope.signed).digest('base64'));
  assert.deepEqual(signature.verifier, { publicKey: { rawBytes: 'a2V5' }, keyDetails: 'PKIX_ED25519' });
  const byCertificate = serviceOf(200, { inclusionProof: {} });
  await logInRekor2(byCertificate.service, envelope, { kind: 'certificate', der: signer.der }, 'X');
  assert.ok(String(byCertificate.sent[0]?.body).includes('x509Certificate'));
});

test('a log that does not answer with an entry', async () => {
  const one = (status: number, answer: unknown) => logInRekor1(serviceOf(status, answer).service, envelope, signer);
  const two = (status: number, answer: unknown) =>
    logInRekor2(serviceOf(status, answer).service, envelope, signer, 'X');
  for (const answer of [{}, { uuid: {} }, { uuid: { ...entry, logID: 'not hex' } }, [], null, Buffer.from('<html>')])
    await assert.rejects(one(201, answer), /did not answer with an entry/, JSON.stringify(answer));
  for (const answer of [{}, null, 'x', Buffer.from('<html>')])
    await assert.rejects(two(201, answer), /did not answer with an entry/, JSON.stringify(answer));
  await assert.rejects(one(200, { uuid: entry }), /answered 200/);
  for (const log of [one, two])
    await assert.rejects(log(500, { message: 'down' }), /the transparency log log\.test answered 500: down/);
});

test('a timestamp query: SHA-256 of the bytes, a nonce of its own, the certificate wanted', async () => {
  const { service, sent } = serviceOf(200, Buffer.from('reply'));
  assert.deepEqual(await stampBytes(service, envelope.signature), Buffer.from('reply'));
  await stampBytes(service, envelope.signature);
  const [first, second] = sent.map(({ body }) => parseDer(body));
  assert.deepEqual(first?.subs[1]?.subs[1]?.value, createHash('sha256').update(envelope.signature).digest());
  assert.notDeepEqual(first?.subs[2]?.value, second?.subs[2]?.value);
  assert.equal(first?.subs[3]?.toBoolean(), true);
  await assert.rejects(
    stampBytes(serviceOf(403, {}).service, envelope.signature),
    (error) => error instanceof Problem && error.code === 'denied',
  );
});

test('a refusal: the code by the status, and the message of the service without control characters', () => {
  const of = (status: number, message: unknown = undefined) =>
    refused(
      { host: 'h' } as Service,
      { status, headers: {}, body: Buffer.from(JSON.stringify({ message })) } as never,
      'the service',
    );
  const codes = {
    401: 'denied',
    403: 'denied',
    400: 'protocol',
    404: 'protocol',
    500: 'unreachable',
    503: 'unreachable',
  };
  for (const [status, code] of Object.entries(codes)) assert.equal(of(Number(status)).code, code, status);
  assert.equal(of(400, 'bad\u001b[31m\nthing').message, 'the service h answered 400: bad [31m thing');
  assert.equal(of(400, { nested: 1 }).message, 'the service h answered 400');
  assert.ok(of(400, 'x'.repeat(1000)).message.length < 300);
});
