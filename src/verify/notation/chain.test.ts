import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as der from '../../../test/signing/der.ts';
import { DAY, pair, spkiOf } from '../../../test/signing/keys.ts';
import { algorithmOf, anchorOf, isIssued, outside, readChain } from './chain.ts';

const now = new Date(Math.floor(Date.now() / 1000) * 1000);
const [from, to] = [new Date(now.getTime() - DAY), new Date(now.getTime() + DAY)];
const { authority, usage, purposes } = der.EXTENSIONS;
const CODE = '1.3.6.1.5.5.7.3.3';
const keys = { root: pair(), upper: pair(), lower: pair(), leaf: pair() };
const name = (CN: string) => ({ CN, O: 'tagproof' });

const make = (subject: keyof typeof keys, issuer: keyof typeof keys, more: Partial<der.Certificate>) =>
  der.certificate({
    subject: name(subject),
    issuer: name(issuer),
    spki: spkiOf(keys[subject].publicKey),
    signer: keys[issuer].privateKey,
    from,
    to,
    extensions: [],
    ...more,
  });
const CA = { extensions: [authority(), usage(0x04)] };
const rootOf = (more = {}) => make('root', 'root', { ...CA, ...more });
const upperOf = (more = {}) => make('upper', 'root', { ...CA, ...more });
const lowerOf = (more = {}) => make('lower', 'upper', { ...CA, ...more });
const leafOf = (issuer: keyof typeof keys = 'root', more = {}) =>
  make('leaf', issuer, { extensions: [usage(0x80), purposes([CODE])], ...more });

const good: [name: string, chain: Buffer[]][] = [
  ['leaf and root', [leafOf(), rootOf()]],
  ['two authorities between', [leafOf('lower'), lowerOf(), upperOf(), rootOf()]],
  [
    'a path length that is just enough',
    [leafOf('lower'), lowerOf(), upperOf({ extensions: [authority(1), usage(4)] }), rootOf()],
  ],
  ['no extended key usage', [leafOf('root', { extensions: [usage(0x80)] }), rootOf()]],
  ['signatures and content commitment', [leafOf('root', { extensions: [usage(0xc0)] }), rootOf()]],
];
for (const [title, chain] of good)
  test(`chain: ${title}`, () => assert.equal(readChain(chain, 'code').length, chain.length));

const unknownExtension = { oid: '1.2.3.4', critical: true, value: der.nothing() };
const faults: [name: string, chain: Buffer[], says: RegExp][] = [
  ['upside down', [rootOf(), leafOf()], /not in order/],
  ['a gap', [leafOf('lower'), upperOf(), rootOf()], /not in order/],
  ['no root at the end', [leafOf('upper'), upperOf()], /not in order/],
  [
    'an issuer of the same name with another key',
    [leafOf(), make('root', 'root', { ...CA, spki: spkiOf(keys.upper.publicKey), signer: keys.upper.privateKey })],
    /not in order/,
  ],
  ['SHA-1 in the leaf', [leafOf('root', { hash: 'sha1' }), rootOf()], /SHA-1/],
  ['SHA-1 in an authority', [leafOf('upper'), upperOf({ hash: 'sha1' }), rootOf()], /SHA-1/],
  [
    'a leaf on a weak curve',
    [leafOf('root', { spki: spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey) }), rootOf()],
    /too weak/,
  ],
  [
    'a leaf with 1024 bits of RSA',
    [leafOf('root', { spki: spkiOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey) }), rootOf()],
    /too weak/,
  ],
  [
    'an authority as leaf',
    [leafOf('root', { extensions: [authority(), usage(0x84)] }), rootOf()],
    /belongs to a certificate authority/,
  ],
  [
    'a leaf that may issue certificates',
    [leafOf('root', { extensions: [usage(0x84)] }), rootOf()],
    /more than signatures/,
  ],
  ['a leaf that may not sign', [leafOf('root', { extensions: [usage(0x40)] }), rootOf()], /not for signatures/],
  [
    'a leaf without critical key usage',
    [leafOf('root', { extensions: [usage(0x80, false)] }), rootOf()],
    /not for signatures/,
  ],
  [
    'a leaf for timestamps too',
    [leafOf('root', { extensions: [usage(0x80), purposes([CODE, '1.3.6.1.5.5.7.3.8'])] }), rootOf()],
    /more than code/,
  ],
  [
    'a leaf for anything',
    [leafOf('root', { extensions: [usage(0x80), purposes([CODE, '2.5.29.37.0'])] }), rootOf()],
    /more than code/,
  ],
  [
    'an unknown critical extension in the leaf',
    [leafOf('root', { extensions: [usage(0x80), unknownExtension] }), rootOf()],
    /1\.2\.3\.4/,
  ],
  [
    'an unknown critical extension in an authority',
    [leafOf('upper'), upperOf({ extensions: [authority(), usage(4), unknownExtension] }), rootOf()],
    /1\.2\.3\.4/,
  ],
  [
    'an issuer that is no authority',
    [leafOf('upper'), upperOf({ extensions: [usage(0x04)] }), rootOf()],
    /not a certificate authority/,
  ],
  [
    'an authority whose constraint is not critical',
    [leafOf('upper'), upperOf({ extensions: [{ ...authority(), critical: false }, usage(0x04)] }), rootOf()],
    /not a certificate authority/,
  ],
  [
    'an authority without keyCertSign',
    [leafOf('upper'), upperOf({ extensions: [authority(), usage(0x80)] }), rootOf()],
    /may not issue/,
  ],
  [
    'an authority whose key usage is not critical',
    [leafOf('upper'), upperOf({ extensions: [authority(), usage(0x04, false)] }), rootOf()],
    /may not issue/,
  ],
  [
    'a path length that is too short',
    [leafOf('lower'), lowerOf(), upperOf({ extensions: [authority(0), usage(4)] }), rootOf()],
    /so long a chain/,
  ],
];
for (const [title, chain, says] of faults)
  test(`chain: ${title}`, () => assert.throws(() => readChain(chain, 'code'), says));

test('the algorithm follows from the key', () => {
  const of = (publicKey: Parameters<typeof spkiOf>[0]) =>
    algorithmOf(new X509Certificate(leafOf('root', { spki: spkiOf(publicKey) })));
  const curves = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };
  for (const [namedCurve, algorithm] of Object.entries(curves))
    assert.equal(of(generateKeyPairSync('ec', { namedCurve }).publicKey), algorithm);
  const sizes = { 2048: 'PS256', 3072: 'PS384', 2056: undefined };
  for (const [bits, algorithm] of Object.entries(sizes))
    assert.equal(of(generateKeyPairSync('rsa', { modulusLength: Number(bits) }).publicKey), algorithm, bits);
});

test('validity covers the whole span, at both ends; an anchor is the very certificate of the store', () => {
  const chain = [leafOf(), rootOf({ from: new Date(now.getTime() - 2 * DAY) })].map((der) => new X509Certificate(der));
  assert.equal(outside(chain, from, to), undefined);
  assert.match(outside(chain, new Date(from.getTime() - 1000), to) ?? '', /CN=leaf/);
  assert.match(outside(chain, from, new Date(to.getTime() + 1000)) ?? '', /CN=leaf/);
  assert.equal(anchorOf(chain, [chain[1] as X509Certificate]), chain[1]);
  assert.equal(anchorOf(chain, []), undefined);
  // The same name and key in another certificate is not the one that the policy names.
  assert.equal(anchorOf(chain, [new X509Certificate(rootOf({ serial: 99 }))]), undefined);
});

test('issued by: the name and the signature both have to match', () => {
  const [leaf, root] = [new X509Certificate(leafOf()), new X509Certificate(rootOf())];
  assert.ok(isIssued(leaf, root));
  assert.ok(!isIssued(leaf, new X509Certificate(make('root', 'root', { ...CA, subject: name('other') }))));
  assert.ok(!isIssued(new X509Certificate(leafOf('root', { signer: keys.upper.privateKey })), root));
});
