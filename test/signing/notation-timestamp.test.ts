// Timestamps of Notary Project signatures, fault by fault, and when one is required.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { encode, parseDer } from '../../src/verify/der.ts';
import * as der from './der.ts';
import { DAY } from './keys.ts';
import { clock, envelope, from, type NotationCase, now, root, stamp, testNotation, verify } from './notation.ts';
import { SigstoreStack } from './sigstore-stack.ts';

const cases: NotationCase[] = [
  ['a timestamp', 'verified', { stamp: (signature) => stamp(signature) }, undefined, clock()],
  ['a timestamp is asked and there is none', 'invalid', {}, /no timestamp/, clock()],
  [
    '… but not before a certificate has ended',
    'verified',
    {},
    undefined,
    { ...clock(), verifyTimestamp: 'afterCertExpiry' },
  ],
  [
    'a timestamp of another signature',
    'invalid',
    { stamp: () => stamp(Buffer.from('x')) },
    /another signature/,
    clock(),
  ],
  [
    'a timestamp by a stranger',
    'invalid',
    { stamp: (signature) => stamp(signature, {}, new SigstoreStack(now)) },
    /not trusted/,
    clock(),
  ],
  [
    'a timestamp that names no certificate',
    'invalid',
    { stamp: (signature) => stamp(signature, { named: null }) },
    /signing-certificate-v2/,
    clock(),
  ],
  [
    'a timestamp that names another certificate',
    'invalid',
    { stamp: (signature) => stamp(signature, { named: root }) },
    /does not include/,
    clock(),
  ],
  [
    'a timestamp from before the certificate',
    'invalid',
    { stamp: (signature) => stamp(signature, { at: new Date(from.getTime() - DAY) }) },
    /is valid from/,
    clock(),
  ],
  [
    'a timestamp with fractions of a second',
    'verified',
    { stamp: (signature) => stamp(signature, { fraction: '.123456' }) },
    undefined,
    clock(),
  ],
];
testNotation(cases);

test('notation: a timestamp by a certificate whose hash happens to read as DER', async () => {
  // About one in some hundred: new stacks are made until there is one.
  const isOdd = ({ tsaCertificate }: SigstoreStack) =>
    parseDer(encode(0x04, createHash('sha256').update(tsaCertificate).digest())).subs.length > 0;
  let odd = new SigstoreStack(now);
  for (let i = 0; i < 20_000 && !isOdd(odd); i++) odd = new SigstoreStack(now);
  assert.ok(isOdd(odd));
  const given = { trustStores: { ca: [der.pem(root)], signingAuthority: [], tsa: [der.pem(odd.rootCertificate)] } };
  const verdict = await verify(envelope({ stamp: (signature) => stamp(signature, {}, odd) }), given);
  assert.equal(verdict.kind, 'verified', JSON.stringify(verdict));
});
