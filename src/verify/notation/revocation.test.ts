import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as der from '../../../test/signing/der.ts';
import { DAY, MINUTE, pair, spkiOf } from '../../../test/signing/keys.ts';
import { CODE, from, leafOf, now, ROOT, root, rootKey, to, WHO } from '../../../test/signing/notation.ts';
import { crl, ocsp } from '../../../test/signing/revocation.ts';
import type { SignatureClient } from '../verifier.ts';
import { checkRevocation, type Revocation } from './revocation.ts';

const { usage, purposes } = der.EXTENSIONS;
const list: der.Extension = {
  oid: '2.5.29.31',
  value: der.sequence(der.sequence(der.context(0, der.context(0, der.uri('http://pki.test/crl'))))),
};
const responder: der.Extension = {
  oid: '1.3.6.1.5.5.7.1.1',
  value: der.sequence(der.sequence(der.oid('1.3.6.1.5.5.7.48.1'), der.uri('http://pki.test/ocsp'))),
};
const chainWith = (...extensions: der.Extension[]) =>
  [leafOf({ extensions: [usage(0x80), purposes([CODE]), ...extensions] }), root].map((der) => new X509Certificate(der));

type Answers = { ocsp?: Buffer | number; crl?: Buffer | number };

/** Which services were asked, and the result. */
async function check(chain: X509Certificate[], answers: Answers, at = now): Promise<Revocation & { asked: string[] }> {
  const asked: string[] = [];
  const respond = (url: string) => {
    asked.push(url);
    const answer = (url.endsWith('ocsp') ? answers.ocsp : answers.crl) ?? 500;
    return typeof answer === 'number'
      ? { status: answer, headers: {}, body: Buffer.alloc(0) }
      : { status: 200, headers: {}, body: answer };
  };
  const client = {
    service: ({ url, answered }: { url: string; answered?: boolean }) => {
      assert.equal(answered, true, 'the address comes from a certificate, so it must be guarded');
      return { get: async () => respond(url), post: async () => respond(url) };
    },
  } as unknown as Pick<SignatureClient, 'service'>;
  return { ...(await checkRevocation(client, chain, at)), asked };
}

const old = new Date(now.getTime() - DAY);
const other = pair();
/** A certificate for answering OCSP, made by the issuer. */
const delegateOf = (more: Partial<der.Certificate> = {}) =>
  leafOf({
    subject: { ...ROOT, CN: 'responder' },
    spki: spkiOf(other.publicKey),
    extensions: [usage(0x80), purposes(['1.3.6.1.5.5.7.3.9'])],
    ...more,
  });
const delegated = (certificate: Buffer) => ocsp('good', { key: other.privateKey, certificates: [certificate] });

const cases: [name: string, ocsp: Buffer | number, kind: Revocation['kind'], says?: RegExp][] = [
  ['good', ocsp('good'), 'good'],
  ['revoked', ocsp('revoked'), 'revoked'],
  ['unknown', ocsp('unknown'), 'unknown', /does not know/],
  ['without nextUpdate', ocsp('good', { until: null }), 'unknown', /out of date/],
  ['out of date', ocsp('good', { until: old }), 'unknown', /out of date/],
  [
    'out of date within the tolerance for clocks',
    ocsp('good', { until: new Date(now.getTime() - 4 * MINUTE) }),
    'good',
  ],
  ['dated in the future', ocsp('good', { since: new Date(now.getTime() + 10 * MINUTE) }), 'unknown', /in the future/],
  ['not signed by the issuer', ocsp('good', { key: other.privateKey }), 'unknown', /not signed by the issuer/],
  ['about another serial number', ocsp('good', { serial: 9 }), 'unknown', /another certificate/],
  ['about another issuer’s name', ocsp('good', { issuer: { name: WHO } }), 'unknown', /another certificate/],
  ['about another issuer’s key', ocsp('good', { issuer: { key: other.publicKey } }), 'unknown', /another certificate/],
  ['an error status', ocsp('good', { response: 3 }), 'unknown', /no answer/],
  ['an HTTP error', 503, 'unknown', /answered 503/],
  ['garbage', Buffer.from('garbage'), 'unknown'],
  ['by a delegate', delegated(delegateOf()), 'good'],
  ['by a delegate that ended', delegated(delegateOf({ to: old })), 'unknown', /not signed by the issuer/],
  [
    'by a delegate that is not valid yet',
    delegated(delegateOf({ from: new Date(now.getTime() + DAY), to: new Date(now.getTime() + 2 * DAY) })),
    'unknown',
    /not signed/,
  ],
  [
    'by a certificate that is not for OCSP',
    delegated(delegateOf({ extensions: [usage(0x80), purposes([CODE])] })),
    'unknown',
    /not signed/,
  ],
  ['by a certificate without purposes', delegated(delegateOf({ extensions: [usage(0x80)] })), 'unknown', /not signed/],
  ['by a delegate of someone else', delegated(delegateOf({ signer: other.privateKey })), 'unknown', /not signed/],
];
for (const [name, answer, kind, says] of cases) {
  test(`OCSP: ${name}`, async () => {
    const result = await check(chainWith(responder), { ocsp: answer });
    assert.equal(result.kind, kind, JSON.stringify(result));
    if (says !== undefined) assert.match(result.kind === 'unknown' ? result.why : '', says);
  });
}

const critical = (value: boolean): der.Extension[] => [{ oid: '2.5.29.27', critical: value, value: der.integer(1) }];
const lists: [name: string, crl: Buffer | number, kind: Revocation['kind'], says?: RegExp][] = [
  ['empty', crl([]), 'good'],
  ['with others', crl([7, 8]), 'good'],
  ['with this certificate', crl([7, 2]), 'revoked'],
  ['without nextUpdate', crl([], { until: null }), 'unknown', /out of date/],
  ['out of date', crl([], { until: old }), 'unknown', /out of date/],
  ['dated in the future', crl([], { since: new Date(now.getTime() + 10 * MINUTE) }), 'unknown', /in the future/],
  ['not signed by the issuer', crl([], { key: other.privateKey }), 'unknown', /not signed by the issuer/],
  ['of another issuer', crl([], { issuer: WHO }), 'unknown', /another issuer/],
  ['a delta list', crl([], { extensions: critical(true) }), 'unknown', /critical extension/],
  ['an unknown extension that is not critical', crl([], { extensions: critical(false) }), 'good'],
  ['an HTTP error', 404, 'unknown', /answered 404/],
];
for (const [name, answer, kind, says] of lists) {
  test(`revocation list: ${name}`, async () => {
    const result = await check(chainWith(list), { crl: answer });
    assert.equal(result.kind, kind, JSON.stringify(result));
    if (says !== undefined) assert.match(result.kind === 'unknown' ? result.why : '', says);
  });
}

test('OCSP decides when it answers; the list is asked only when it does not', async () => {
  const chain = chainWith(responder, list);
  assert.deepEqual((await check(chain, { ocsp: ocsp('good'), crl: crl([2]) })).asked, ['http://pki.test/ocsp']);
  const byList = await check(chain, { ocsp: 500, crl: crl([2]) });
  assert.equal(byList.kind, 'revoked');
  assert.equal((await check(chain, { ocsp: ocsp('unknown'), crl: crl([]) })).kind, 'good');
  const neither = await check(chain, { ocsp: 500, crl: 500 });
  assert.match(neither.kind === 'unknown' ? neither.why : '', /OCSP answered 500; the revocation list answered 500/);
});

test('a certificate without an address is "could not be checked"; a self-signed one needs no check', async () => {
  const silent = await check(chainWith(), {});
  assert.match(silent.kind === 'unknown' ? silent.why : '', /names neither/);
  assert.equal((await check([new X509Certificate(root)], {})).kind, 'good');
});

test('every authority of the chain is checked, and a revoked one decides over one that could not be checked', async () => {
  const middle = pair();
  const CA = [der.EXTENSIONS.authority(), usage(0x04)];
  const name = { ...ROOT, CN: 'middle' };
  const between = der.certificate({
    subject: name,
    issuer: ROOT,
    spki: spkiOf(middle.publicKey),
    signer: rootKey.privateKey,
    from,
    to,
    serial: 5,
    extensions: [...CA, list],
  });
  const leaf = leafOf({ issuer: name, signer: middle.privateKey, extensions: [usage(0x80)] });
  const chain = [leaf, between, root].map((der) => new X509Certificate(der));
  assert.equal((await check(chain, { crl: crl([5]) })).kind, 'revoked');
  assert.equal((await check(chain, { crl: crl([]) })).kind, 'unknown', 'the leaf names no address');
});
