import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as der from '../../../test/signing/der.ts';
import { DAY, pair, spkiOf } from '../../../test/signing/keys.ts';
import { SigstoreStack } from '../../../test/signing/sigstore-stack.ts';
import { type Content, dsseBody, recordBody1, recordBody2 } from '../../../test/signing/test-log.ts';
import { checkLogSigner, checkLogTerm, sameDigest } from './log.ts';
import type { LogEntry } from './material.ts';

const stack = new SigstoreStack();
const mine = pair();
const spki = spkiOf(mine.publicKey);
const certificate = stack.leaf(mine.publicKey);
const stranger = pair().publicKey;

const entryOf = (body: unknown): LogEntry =>
  ({ canonicalizedBody: Buffer.from(JSON.stringify(body) ?? 'not JSON') }) as unknown as LogEntry;
const content = (signer: Buffer, isCertificate: boolean): Content => {
  const some = Buffer.from('x');
  return { signature: some, signed: some, payload: some, signer, isCertificate };
};
/** The intoto type, which cosign 2 wrote for attestations. */
const intoto = ({ signer, isCertificate }: Content) => ({
  apiVersion: '0.0.2',
  kind: 'intoto',
  spec: {
    content: {
      envelope: {
        signatures: [
          {
            publicKey: Buffer.from(der.pem(signer, isCertificate ? 'CERTIFICATE' : 'PUBLIC KEY')).toString('base64'),
          },
        ],
      },
    },
  },
});
const types = { dsse: dsseBody, 'hashedrekord 0.0.1': recordBody1, 'hashedrekord 0.0.2': recordBody2, intoto };

for (const [type, body] of Object.entries(types)) {
  const byKey = (key: Buffer, signersCertificate?: Buffer) =>
    checkLogSigner(entryOf(body(content(key, false))), spki, signersCertificate);
  const byCertificate = (der: Buffer, signersCertificate?: Buffer) =>
    checkLogSigner(entryOf(body(content(der, true))), spki, signersCertificate);

  test(`a log entry of type ${type} is about this very signer (gap 4, T33)`, () => {
    assert.equal(byKey(spki), undefined);
    assert.equal(byKey(spki, certificate), undefined);
    assert.match(byKey(spkiOf(stranger)) ?? '', /another signer/);
    assert.equal(byCertificate(certificate, certificate), undefined);
    assert.equal(byCertificate(certificate), undefined, 'a certificate for the key that signed');
    assert.match(byCertificate(stack.leaf(stranger)) ?? '', /another signer/);
    // A second certificate for the same key may have another identity.
    assert.match(byCertificate(stack.leaf(mine.publicKey), certificate) ?? '', /another signer/);
  });
}

const nobody: [name: string, body: unknown][] = [
  ['not JSON', undefined],
  ['null', null],
  ['no specification', { kind: 'dsse', apiVersion: '0.0.1' }],
  ['an unknown type', { ...dsseBody(content(spki, false)), kind: 'rfc3161' }],
  ['dsse without signatures', { kind: 'dsse', apiVersion: '0.0.1', spec: { signatures: [] } }],
  ['dsse with a signature without verifier', { kind: 'dsse', apiVersion: '0.0.1', spec: { signatures: [{}] } }],
  ['hashedrekord without key', { kind: 'hashedrekord', apiVersion: '0.0.1', spec: { signature: {} } }],
  ['hashedrekord 0.0.2 without verifier', { kind: 'hashedrekord', apiVersion: '0.0.2', spec: {} }],
];
for (const [name, body] of nobody) {
  test(`a log entry that names no signer: ${name}`, () => {
    assert.equal(checkLogSigner(entryOf(body), spki, certificate), 'its log entry names no signer');
  });
}

test('of several signers in one entry, each must be this one', () => {
  const body = dsseBody(content(spki, false));
  const [other] = dsseBody(content(spkiOf(stranger), false)).spec.signatures;
  const both = { ...body, spec: { ...body.spec, signatures: [...body.spec.signatures, other] } };
  assert.match(checkLogSigner(entryOf(both), spki) ?? '', /another signer/);
});

test('the term of a log without promises', () => {
  const now = new Date();
  const day = (days: number) => new Date(now.getTime() + days * DAY);
  const logID = Buffer.from('this log');
  const entry = { logId: { keyId: logID } } as unknown as LogEntry;
  const term = (start: number, end: number, id = logID) => [
    { logID: id, validFor: { start: day(start), end: day(end) } },
  ];
  const cases: [name: string, logs: ReturnType<typeof term>, times: Date[], inOffice: boolean][] = [
    ['in its term', term(-10, 10), [day(-1)], true],
    ['one of several times is in its term', term(-10, 10), [day(-20), day(-1)], true],
    ['after its term', term(-10, -5), [day(-1)], false],
    ['before its term', term(-10, 10), [day(-11)], false],
    ['another log', term(-10, 10, Buffer.from('another')), [day(-1)], false],
    ['no verified time: the term has begun', term(-10, -5), [], true],
    ['no verified time: the term has not begun', term(1, 10), [], false],
    ['two terms of one log', [...term(-30, -20), ...term(-10, 10)], [day(-1)], true],
  ];
  for (const [name, logs, times, inOffice] of cases)
    assert.equal(checkLogTerm(entry, logs, times, now) === undefined, inOffice, name);
  const promised = { ...entry, inclusionPromise: {} } as LogEntry;
  assert.equal(checkLogTerm(promised, [], [], now), undefined, 'the engine checks entries with a promise');
});

test('a stated digest is compared by the algorithm that its length names', () => {
  const bytes = Buffer.from('x');
  for (const algorithm of ['sha256', 'sha384', 'sha512']) {
    const digest = createHash(algorithm).update(bytes).digest();
    assert.ok(sameDigest(digest, bytes));
    assert.ok(!sameDigest(digest, Buffer.from('y')));
  }
  assert.ok(!sameDigest(createHash('sha1').update(bytes).digest(), bytes));
  assert.ok(!sameDigest(Buffer.alloc(0), bytes));
});
