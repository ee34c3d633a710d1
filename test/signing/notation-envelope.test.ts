// Notary Project envelopes, JWS and COSE, fault by fault: what is signed, by which algorithm, and which attributes.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import * as der from './der.ts';
import { spkiOf } from './keys.ts';
import {
  envelope,
  from,
  leafOf,
  type NotationCase,
  now,
  P,
  root,
  SCHEME,
  testNotation,
  to,
  verify,
} from './notation.ts';

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const authority = { authenticSigningTime: `${P}authenticSigningTime`, expiry: `${P}expiry` };

const cases: NotationCase[] = [
  ['in order', 'verified', {}],
  // what is signed
  ['of another digest (T33)', 'invalid', { target: { digest: `sha256:${'e'.repeat(64)}` } }, /not of this image/],
  ['of another size', 'invalid', { target: { size: 1 } }, /size or media type/],
  ['of another media type', 'invalid', { target: { mediaType: 'x' } }, /size or media type/],
  [
    'by another key than the leaf',
    'invalid',
    { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
    /does not match its payload/,
  ],
  // the algorithm is the key's, never the envelope's
  ['algorithm substitution', 'invalid', { alg: 'ES384' }, /signs with ES256, not with ES384/],
  [
    'an algorithm of no use',
    'invalid',
    { alg: 'HS256', header: { alg: 'ES256' }, chain: [leafOf({ spki: spkiOf(p384.publicKey) }), root] },
    /ES384/,
  ],
  // attributes
  ['no critical attribute', 'invalid', { critical: [] }, /critical/],
  [
    'a critical attribute that nobody knows',
    'invalid',
    { critical: [SCHEME, 'x'], header: { x: 1 } },
    /does not know: x/,
  ],
  ['a critical attribute that is not there', 'invalid', { critical: [SCHEME, authority.expiry] }, /is missing/],
  [
    'the scheme not critical',
    'invalid',
    { critical: [authority.expiry], header: { [authority.expiry]: to.toISOString() } },
    /scheme is not marked critical/,
  ],
  [
    'an expiry that is not critical',
    'invalid',
    { header: { [authority.expiry]: to.toISOString() } },
    /not marked critical/,
  ],
  [
    'expired',
    'invalid',
    { critical: [SCHEME, authority.expiry], header: { [authority.expiry]: from.toISOString() } },
    /it expired on/,
  ],
  ['a plugin would have a say', 'invalid', { header: { [`${P}verificationPlugin`]: 'x' } }, /plugin/],
  ['another content type', 'invalid', { header: { cty: 'text/plain' } }, /content type/],
  ['an unknown scheme', 'invalid', { header: { [SCHEME]: 'x' } }, /scheme x/],
  [
    'an authentic time without an authority',
    'invalid',
    {
      critical: [SCHEME, authority.authenticSigningTime],
      header: { [authority.authenticSigningTime]: now.toISOString() },
    },
    /only that scheme/,
  ],
  [
    'a signing authority is looked for in its own store',
    'others',
    {
      critical: [SCHEME, authority.authenticSigningTime],
      header: { [SCHEME]: 'notary.x509.signingAuthority', [authority.authenticSigningTime]: now.toISOString() },
    },
  ],
  [
    '… and found there',
    'verified',
    {
      critical: [SCHEME, authority.authenticSigningTime],
      header: { [SCHEME]: 'notary.x509.signingAuthority', [authority.authenticSigningTime]: now.toISOString() },
    },
    undefined,
    { trustStores: { ca: [], signingAuthority: [der.pem(root)], tsa: [] } },
  ],
];
testNotation(cases);

for (const format of ['jws', 'cose'] as const) {
  test(`notation, ${format}: flip any byte: it verifies no more, or proves the very same`, async () => {
    const good = envelope({ format });
    const before = await verify(good, {}, { format });
    for (let i = 0; i < good.length; i++) {
      const flipped = Buffer.from(good);
      flipped[i] = (flipped[i] as number) ^ 1;
      const verdict = await verify(flipped, {}, { format });
      if (verdict.kind === 'verified') assert.deepEqual(verdict, before, `byte ${i}`);
    }
  });
}

test('a referrer of something else, a manifest with a foreign subject', async () => {
  assert.match(JSON.stringify(await verify(envelope(), {}, { named: `sha256:${'e'.repeat(64)}` })), /another subject/);
});

test('an envelope for several signers is refused, whatever the first one signed', async () => {
  const jws = JSON.parse(envelope().toString());
  const { protected: header, signature } = jws;
  const more = Buffer.from(JSON.stringify({ ...jws, signatures: [{ protected: header, signature }] }));
  assert.match(JSON.stringify(await verify(more)), /"invalid".*signatures/);
  const cose = envelope({ format: 'cose' });
  // RFC 9052, 4.1: COSE_Sign is tag 98.
  const several = Buffer.concat([Buffer.from([0xd8, 98]), cose.subarray(1)]);
  assert.match(JSON.stringify(await verify(several, {}, { format: 'cose' })), /"invalid".*expected COSE_Sign1/);
});
