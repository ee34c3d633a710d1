import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import * as der from '../../test/signing/der.ts';
import { pair, spkiOf } from '../../test/signing/keys.ts';
import {
  child,
  encode,
  extensionsOf,
  isSignedWithSha1,
  namePartsOf,
  oidOf,
  parseDer,
  partsOf,
  publicKeyOf,
  tagged,
} from './der.ts';

const { publicKey, privateKey } = pair();
const make = (more: Partial<der.Certificate> = {}) =>
  der.certificate({
    subject: { CN: 'subject', O: 'tagproof' },
    issuer: { CN: 'issuer' },
    spki: spkiOf(publicKey),
    signer: privateKey,
    from: new Date(0),
    to: new Date(1e12),
    serial: 0x1234,
    extensions: [der.EXTENSIONS.authority(), der.EXTENSIONS.purposes(['1.2.3'])],
    ...more,
  });

test('what is encoded reads back, whatever its length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), (bytes) => {
      assert.deepEqual(parseDer(encode(0x04, bytes)).value, Buffer.from(bytes));
    }),
    { numRuns: 50 },
  );
  for (const length of [0, 127, 128, 255, 256, 65_535, 65_536])
    assert.equal(parseDer(encode(0x04, Buffer.alloc(length))).value.length, length);
});

test('a missing part is an error, not undefined', () => {
  const node = parseDer(der.sequence(der.integer(1)));
  assert.equal(child(node, 0).toInteger(), 1n);
  assert.throws(() => child(node, 1), /missing part/);
  assert.throws(() => child(undefined), /missing part/);
  assert.equal(tagged(parseDer(der.sequence(der.context(3, der.nothing()))), 3)?.tag.number, 3);
  assert.equal(tagged(node, 3), undefined);
  assert.equal(oidOf(parseDer(der.sequence(der.oid('1.2.840.113549')))), '1.2.840.113549');
});

test('a certificate: names, serial number, key and extensions', () => {
  const certificate = parseDer(make());
  const parts = partsOf(certificate);
  assert.deepEqual(parts.serial, Buffer.from([0x12, 0x34]));
  assert.deepEqual(parts.subject, der.name({ CN: 'subject', O: 'tagproof' }));
  assert.deepEqual(parts.issuer, der.name({ CN: 'issuer' }));
  assert.deepEqual(parts.keyBits, spkiOf(publicKey).subarray(-65));
  assert.ok(createPublicKey({ key: publicKeyOf(certificate), format: 'der', type: 'spki' }).equals(publicKey));
  assert.deepEqual(
    extensionsOf(certificate).map(({ oid, critical }) => [oid, critical]),
    [
      ['2.5.29.19', true],
      ['2.5.29.37', false],
    ],
  );
  assert.deepEqual(extensionsOf(parseDer(make({ extensions: [] }))), []);
  assert.ok(isSignedWithSha1(make({ hash: 'sha1' })));
  assert.ok(!isSignedWithSha1(make()));
});

test('the parts of a name come from the DER: a value cannot pass for another part', () => {
  assert.deepEqual(namePartsOf(der.name({ CN: 'a', O: 'b' })), [
    ['CN', 'a'],
    ['O', 'b'],
  ]);
  assert.deepEqual(namePartsOf(der.name({ O: 'evil\nCN=release' })), [['O', 'evil\nCN=release']]);
  const odd = der.sequence(der.set(der.sequence(der.oid('1.2.3.4'), der.utf8('x'))));
  assert.deepEqual(namePartsOf(odd), [['1.2.3.4', 'x']]);
  const wide = encode(30, Buffer.from('ab', 'utf16le').swap16()); // BMPString
  assert.deepEqual(namePartsOf(der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), wide)))), [['CN', 'ab']]);
});

test('garbage is refused', () => {
  for (const bytes of ['', '30', '3005', 'ff'].map((hex) => Buffer.from(hex, 'hex')))
    assert.throws(() => child(parseDer(bytes), 0), bytes.toString('hex'));
});
