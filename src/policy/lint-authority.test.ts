// What lint says of an authority: certificates that end, identities that are wider than they look, checks that are switched off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificate, pem } from '../../test/signing/der.ts';
import { DAY, pair, spkiOf } from '../../test/signing/keys.ts';
import type { Authority } from './config.ts';
import { authorityWarnings, expiryOf } from './lint-authority.ts';

type Of<K extends Authority['kind']> = Extract<Authority, { kind: K }>;
const NOW = new Date('2026-06-10T12:00:00Z');
const { publicKey, privateKey } = pair();
/** @param days from now until it ends, or since it ended; certificates count whole seconds */
const endingIn = (days: number, name = 'leaf') =>
  pem(
    certificate({
      subject: { CN: name, O: 'Org' },
      issuer: { CN: 'root' },
      spki: spkiOf(publicKey),
      signer: privateKey,
      from: new Date(NOW.getTime() - 100 * DAY),
      to: new Date(NOW.getTime() + days * DAY),
      extensions: [],
    }),
  );

const cosign = (more: Partial<Of<'cosign'>> = {}): Authority => ({
  kind: 'cosign',
  keys: [],
  identities: [],
  trustRoot: 'public-good',
  certificateAuthorities: [],
  certificateTransparency: 'required',
  timestamp: 'optional',
  bindRepository: false,
  hashAlgorithm: 'sha256',
  rsaScheme: 'pkcs1',
  transparencyLog: 'required',
  annotations: {},
  ...more,
});
const by = (subjectPattern: string) => ({ identities: [{ issuer: 'https://i.test', subjectPattern }] });
const notary = (...roots: string[]): Authority => ({ kind: 'notary', annotations: {}, roots, signers: [] });
const notation = (more: Partial<Of<'notation'>> = {}): Authority => ({
  kind: 'notation',
  annotations: {},
  level: 'strict',
  trustStores: { ca: [], signingAuthority: [], tsa: [] },
  trustedIdentities: ['x509.subject: C=US'],
  verifyTimestamp: 'always',
  revocation: 'enforce',
  ...more,
});

const OWNER = / matches every repository of its owner$/;
const NO_REF = / names no ref: any branch may sign, and so may a pull request of a stranger/;
const NEITHER = /^neither a log entry nor a timestamp is required: a stolen certificate can sign until it ends$/;
const REF = by('https://git.test/org/app/.ci/release.yml@refs/tags/*');
const warnings: [name: string, authority: Authority, expected: RegExp[]][] = [
  ['keys', cosign(), []],
  ['keys without a log', cosign({ transparencyLog: 'ignore' }), []],
  ['a workflow at a ref', cosign(REF), []],
  ['an exact subject', cosign({ identities: [{ issuer: 'https://i.test', subject: 'ann@example.com' }] }), []],
  ['any repository of an owner', cosign(by('https://git.test/org/*/.ci/x@refs/*')), [OWNER]],
  ['any path of an owner, without a ref', cosign(by('https://git.test/org/*')), [OWNER, NO_REF]],
  ['any workflow of one repository', cosign(by('https://git.test/org/app/*@refs/heads/main')), []],
  ['no ref', cosign(by('https://git.test/org/app/.ci/x*')), [NO_REF]],
  [
    'the second of two patterns',
    cosign({ identities: [...REF.identities, ...by('https://git.test/org/*/x@refs/*').identities] }),
    [OWNER],
  ],
  ['neither log nor time stamp', cosign({ ...REF, transparencyLog: 'ignore' }), [NEITHER]],
  ['a time stamp in place of the log', cosign({ ...REF, transparencyLog: 'ignore', timestamp: 'required' }), []],
  ['Docker Content Trust', notary(), []],
  ['Notation, strict', notation(), []],
  ['Notation, audit', notation({ level: 'audit' }), [/^level audit admits every signature, by any signer$/]],
  [
    'Notation, any identity',
    notation({ trustedIdentities: ['*'] }),
    [/^trusts every certificate that its trust stores/],
  ],
  [
    'Notation, both',
    notation({ level: 'audit', trustedIdentities: ['x509.subject: C=US', '*'] }),
    [/^level audit/, /^trusts every certificate/],
  ],
];
for (const [name, authority, expected] of warnings)
  test(`warnings: ${name}`, () => {
    const lines = authorityWarnings(authority);
    assert.equal(lines.length, expected.length, lines.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(lines[index] as string, pattern);
  });

const ends: [days: number, level: 'error' | 'warning' | undefined][] = [
  [-50, 'error'],
  [-1, 'error'],
  [-0.5, 'error'],
  [0.5, 'warning'],
  [1, 'warning'],
  [30.5, 'warning'],
  [31, undefined],
  [365, undefined],
];
for (const [days, level] of ends)
  test(`a certificate that ${days < 0 ? `ended ${-days}` : `ends in ${days}`} days: ${level ?? 'nothing'}`, () => {
    const found = expiryOf(cosign({ certificateAuthorities: [endingIn(days)] }), NOW);
    assert.deepEqual(
      found.map((item) => item.level),
      level === undefined ? [] : [level],
    );
    const verb = level === 'error' ? 'ended' : 'ends';
    for (const { message } of found)
      assert.match(message, new RegExp(`^the certificate of .*CN=leaf.* ${verb} on \\w`));
  });

const [OLD, GOOD] = [endingIn(-1, 'old'), endingIn(365, 'good')];
const KEY = publicKey.export({ type: 'spki', format: 'pem' }) as string;
const holders: [name: string, authority: Authority, ended: number][] = [
  ['a certificate authority of cosign', cosign({ certificateAuthorities: [GOOD, OLD] }), 1],
  ['the second certificate of one PEM text', cosign({ certificateAuthorities: [GOOD + OLD] }), 1],
  ['a root of Docker Content Trust', notary(OLD), 1],
  ['a root that is a key, which has no end', notary(KEY), 0],
  ['a trust store for CAs', notation({ trustStores: { ca: [OLD], signingAuthority: [], tsa: [] } }), 1],
  [
    'a trust store for signing authorities',
    notation({ trustStores: { ca: [GOOD], signingAuthority: [OLD], tsa: [] } }),
    1,
  ],
  ['a trust store for timestamps', notation({ trustStores: { ca: [], signingAuthority: [], tsa: [OLD, OLD] } }), 2],
];
for (const [name, authority, ended] of holders)
  test(`certificates are found in: ${name}`, () => {
    const found = expiryOf(authority, NOW);
    assert.deepEqual(
      found.map((item) => item.level),
      Array.from({ length: ended }, () => 'error'),
    );
    for (const { message } of found) assert.match(message, /CN=old/);
  });
