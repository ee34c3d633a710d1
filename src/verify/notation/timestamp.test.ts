import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as der from '../../../test/signing/der.ts';
import { DAY, pair, spkiOf } from '../../../test/signing/keys.ts';
import { SigstoreStack } from '../../../test/signing/sigstore-stack.ts';
import { verifyStamp } from './timestamp.ts';

const stack = new SigstoreStack();
const stamped = Buffer.from('the signature');
const store = [new X509Certificate(stack.rootCertificate)];
const ROOT = { CN: 'test root', O: 'tagproof' };

function token(more: Partial<der.Stamp> = {}): Buffer {
  return der.timeStampToken({
    stamped,
    at: stack.now,
    certificate: stack.tsaCertificate,
    issuer: ROOT,
    serial: stack.tsaSerial,
    key: stack.tsa.privateKey,
    ...more,
  });
}

/** A timestamp authority with other extensions or another term. */
function authority(more: Partial<der.Certificate>): Partial<der.Stamp> {
  const { publicKey, privateKey } = pair();
  const certificate = der.certificate({
    subject: { CN: 'another clock' },
    issuer: ROOT,
    spki: spkiOf(publicKey),
    signer: stack.root.privateKey,
    from: new Date(stack.now.getTime() - DAY),
    to: new Date(stack.now.getTime() + DAY),
    serial: 78,
    extensions: [der.EXTENSIONS.usage(0x80), der.EXTENSIONS.purposes(['1.3.6.1.5.5.7.3.8'], true)],
    ...more,
  });
  return { certificate, serial: 78, key: privateKey };
}

test('a timestamp proves the stated time, give or take its accuracy', () => {
  assert.deepEqual(verifyStamp(token(), stamped, store), { from: stack.now, to: stack.now });
  const { from, to } = verifyStamp(token({ accuracy: 60 }), stamped, store);
  assert.equal(to.getTime() - from.getTime(), 120_000);
  assert.deepEqual(verifyStamp(token(authority({})), stamped, store).from, stack.now);
});

const { usage, purposes } = der.EXTENSIONS;
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const faults: [name: string, wish: Partial<der.Stamp>, says: RegExp][] = [
  ['another signature was stamped', { stamped: Buffer.from('x') }, /about another signature/],
  ['two signers', { signers: 2 }, /exactly one signer/],
  ['no signer', { signers: 0 }, /exactly one signer/],
  ['another content type is signed', { contentType: '1.2.840.113549.1.7.1' }, /another content type/],
  ['the signature covers other content', { digested: Buffer.from('x') }, /over other content/],
  ['signed by another key', { key: pair().privateKey }, /signature is wrong/],
  ['the named issuer differs', { issuer: { CN: 'x' } }, /two different certificates/],
  ['the named serial number differs', { serial: 1 }, /two different certificates/],
  ['the certificate is not included', { certificates: [stack.rootCertificate] }, /does not include/],
  ['no certificate is named', { named: null }, /signing-certificate-v2/],
  ['for code signing', authority({ extensions: [usage(0x80), purposes(['1.3.6.1.5.5.7.3.3'], true)] }), /alone/],
  [
    'for timestamps and more',
    authority({ extensions: [usage(0x80), purposes([TIME_STAMPING, '1.3.6.1.5.5.7.3.3'], true)] }),
    /time stamping alone/,
  ],
  ['a purpose that is not critical', authority({ extensions: [usage(0x80), purposes([TIME_STAMPING])] }), /alone/],
  ['ended when it stamped', authority({ to: new Date(stack.now.getTime() - 1000) }), /was not valid then/],
  ['not yet valid when it stamped', authority({ from: new Date(stack.now.getTime() + 1000) }), /was not valid then/],
  [
    'the accuracy reaches beyond the end of the certificate',
    { ...authority({ to: new Date(stack.now.getTime() + 30_000) }), accuracy: 60 },
    /was not valid then/,
  ],
];
for (const [name, wish, says] of faults) {
  test(`timestamp: ${name}`, () => assert.throws(() => verifyStamp(token(wish), stamped, store), says));
}

test('a timestamp by an authority that is not in the store', () => {
  assert.throws(() => verifyStamp(token(), stamped, []), /not trusted/);
  const other = [new X509Certificate(new SigstoreStack().rootCertificate)];
  assert.throws(() => verifyStamp(token(), stamped, other), /not trusted/);
});

test('what is no signed timestamp at all', () => {
  const other = der.sequence(der.oid('1.2.840.113549.1.7.1'), der.context(0, der.octets(Buffer.from('x'))));
  assert.throws(() => verifyStamp(other, stamped, store), /not signed data/);
});
