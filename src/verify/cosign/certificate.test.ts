import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as der from '../../../test/signing/der.ts';
import { pair } from '../../../test/signing/keys.ts';
import { type LeafWish, SigstoreStack } from '../../../test/signing/sigstore-stack.ts';
import { readCertificate } from './certificate.ts';

const stack = new SigstoreStack();
const { publicKey } = pair();
const read = (wish: LeafWish = {}) => readCertificate(stack.leaf(publicKey, wish));
/** undefined for a certificate that must not sign. */
const namesOf = (wish: LeafWish) => {
  const facts = read(wish);
  return 'wrong' in facts ? undefined : facts.names;
};
const { usage, purposes, authority, names } = der.EXTENSIONS;
const FULCIO = '1.3.6.1.4.1.57264.1';

test('issuer, all names and claims, from current and from first extensions', () => {
  const facts = read({
    issuer: 'https://issuer.test',
    names: [der.uri('https://git.test/a'), der.mail('ada@org.test'), der.dns('ci.test'), der.otherName('ada!org.test')],
    claims: { 9: 'signer', 11: 'github-hosted', 5: 'org/app' },
  });
  assert.deepEqual(facts, {
    issuer: 'https://issuer.test',
    names: ['https://git.test/a', 'ada@org.test', 'ci.test', 'ada!org.test'],
    claims: { buildSignerURI: 'signer', runnerEnvironment: 'github-hosted', githubWorkflowRepository: 'org/app' },
  });
});

test('the first issuer extension counts only without the current one', () => {
  const first = { oid: `${FULCIO}.1`, value: Buffer.from('https://first.test') };
  const issuerOf = (wish: LeafWish) => (read(wish) as { issuer?: string }).issuer;
  assert.equal(issuerOf({ without: [`${FULCIO}.8`], extensions: [first] }), 'https://first.test');
  assert.equal(issuerOf({ extensions: [first] }), 'https://issuer.test');
  assert.equal(issuerOf({ without: [`${FULCIO}.8`] }), undefined);
});

test('a name of another kind is no subject', () => {
  const other = der.context(0, der.oid('1.2.3.4'), der.context(0, der.utf8('https://git.test/a')));
  const directory = der.context(4, der.name({ CN: 'https://git.test/a' }));
  assert.deepEqual(namesOf({ names: [other, directory] }), []);
  assert.deepEqual(namesOf({ without: ['2.5.29.17'] }), []);
});

const unknown: der.Extension = { oid: '1.2.3.4', critical: true, value: der.nothing() };
const faults: [name: string, wish: LeafWish, says: RegExp][] = [
  ['an extension twice', { extensions: [usage(0x80)] }, /the extension 2\.5\.29\.15 twice/],
  ['the names twice', { extensions: [names(der.uri('https://other.test'))] }, /the extension 2\.5\.29\.17 twice/],
  ['the issuer twice', { extensions: [{ oid: `${FULCIO}.8`, value: der.utf8('https://evil.test') }] }, /\.8 twice/],
  ['gap 1: no extended key usage', { without: ['2.5.29.37'] }, /not for code signing/],
  ['gap 1: another one', { without: ['2.5.29.37'], extensions: [purposes(['1.3.6.1.5.5.7.3.2'])] }, /code signing/],
  ['gap 2: no key usage', { without: ['2.5.29.15'] }, /not for signatures/],
  ['gap 2: another one', { without: ['2.5.29.15'], extensions: [usage(0x20)] }, /not for signatures/],
  ['gap 3: an unknown critical extension', { extensions: [unknown] }, /critical extension .*1\.2\.3\.4/],
  ['a certificate authority', { extensions: [authority()] }, /certificate authority/],
];
for (const [name, wish, says] of faults) {
  test(`certificate: ${name}`, () => {
    const facts = read(wish);
    assert.match('wrong' in facts ? facts.wrong : JSON.stringify(facts), says);
  });
}

test('extensions that do not constrain the signature are accepted', () => {
  assert.ok(!('wrong' in read({ extensions: [{ oid: '1.2.3.4', value: der.nothing() }] })));
  const leaf: der.Extension = { oid: '2.5.29.19', critical: true, value: der.sequence() };
  assert.ok(!('wrong' in read({ extensions: [leaf] })), 'basic constraints that say "no authority"');
});
