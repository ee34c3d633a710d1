// One authority: exactly one kind, strict defaults, no setting that would be ignored, no identity that is too wide.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PUBLIC_KEY } from '../../test/policy.ts';
import type { Authority } from './config.ts';
import { parseConfig } from './config-file.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----';
const authority = (settings: object) =>
  parseConfig(JSON.stringify({ authorities: { a: settings } }), 'c').authorities['a'] as Authority;
const IDENTITY = { issuer: 'https://issuer.example.com', subject: 'ada@example.com' };
const KEYS = { keys: [PUBLIC_KEY] };
const NOTARY = { notary: { roots: [PUBLIC_KEY] } };
const NOTATION = { notation: { trustStores: { ca: [CERTIFICATE] }, trustedIdentities: ['*'] } };

test('keys: what is left out is strict', () => {
  assert.deepEqual(authority(KEYS), {
    kind: 'cosign',
    annotations: {},
    keys: [PUBLIC_KEY],
    hashAlgorithm: 'sha256',
    rsaScheme: 'pkcs1',
    identities: [],
    trustRoot: 'public-good',
    certificateAuthorities: [],
    transparencyLog: 'required',
    certificateTransparency: 'required',
    timestamp: 'optional',
    bindRepository: false,
  });
});

test('identities: certificate transparency is required, but for certificate authorities of your own', () => {
  const transparency = (settings: object) => {
    const found = authority({ identities: [IDENTITY], ...settings });
    return found.kind === 'cosign' ? found.certificateTransparency : undefined;
  };
  assert.equal(transparency({}), 'required');
  assert.equal(transparency({ certificateAuthorities: [CERTIFICATE] }), 'ignore');
  assert.equal(
    transparency({ certificateAuthorities: [CERTIFICATE], certificateTransparency: 'required' }),
    'required',
  );
  assert.equal(transparency({ certificateTransparency: 'ignore' }), 'ignore');
});

test('notary and notation, with their defaults', () => {
  assert.deepEqual(authority(NOTARY), { kind: 'notary', annotations: {}, roots: [PUBLIC_KEY], signers: [] });
  assert.deepEqual(authority(NOTATION), {
    kind: 'notation',
    annotations: {},
    level: 'strict',
    trustStores: { ca: [CERTIFICATE], signingAuthority: [], tsa: [] },
    trustedIdentities: ['*'],
    verifyTimestamp: 'always',
    revocation: 'enforce',
  });
});

test('notation: only the level strict enforces revocation by default', () => {
  const revocation = (settings: object) => {
    const found = authority({ notation: { ...NOTATION.notation, ...settings } });
    return found.kind === 'notation' ? found.revocation : undefined;
  };
  assert.equal(revocation({ level: 'permissive' }), 'log');
  assert.equal(revocation({ level: 'audit' }), 'log');
  assert.equal(revocation({ level: 'permissive', revocation: 'enforce' }), 'enforce');
  assert.equal(revocation({ revocation: 'skip' }), 'skip');
});

const refused: [name: string, settings: object, message: RegExp][] = [
  ['nothing', {}, /exactly one of keys, identities, notary, notation/],
  ['keys and identities', { ...KEYS, identities: [IDENTITY] }, /exactly one of/],
  ['keys and notary', { ...KEYS, ...NOTARY }, /exactly one of/],
  ['notary and notation', { ...NOTARY, ...NOTATION }, /exactly one of/],
  ['no keys', { keys: [] }, /at least one key/],
  ['a key that is none', { keys: ['x'] }, /expected a public key in PEM/],
  ['a private key', { keys: ['-----BEGIN PRIVATE KEY-----'] }, /expected a public key in PEM/],
  ['no identities', { identities: [] }, /at least one identity/],
  ['an identity without issuer', { identities: [{ subject: 'x' }] }, /an issuer with every identity/],
  [
    'one of two identities without issuer',
    { identities: [IDENTITY, { subject: 'x' }] },
    /an issuer with every identity/,
  ],
  ['settings of identities with keys', { ...KEYS, certificateTransparency: 'ignore' }, /are for identities/],
  ['certificate authorities with keys', { ...KEYS, certificateAuthorities: [CERTIFICATE] }, /are for identities/],
  ['empty certificate authorities', { identities: [IDENTITY], certificateAuthorities: [] }, /at least one chain/],
  [
    'cosign settings with notary',
    { ...NOTARY, transparencyLog: 'ignore' },
    /transparencyLog cannot be set with notary/,
  ],
  [
    'cosign settings with notation',
    { ...NOTATION, bindRepository: true, rsaScheme: 'pss' },
    /rsaScheme, bindRepository cannot be set with notation/,
  ],
  ['every cosign setting counts, also a false one', { ...NOTATION, bindRepository: false }, /bindRepository cannot/],
  ['annotations with notary', { ...NOTARY, annotations: { a: 'b' } }, /annotations cannot be set with notary/],
  ['a signature repository with notary', { ...NOTARY, signatureRepository: 'a.io/b' }, /signatureRepository cannot/],
  ['a signature repository with a scheme', { ...KEYS, signatureRepository: 'https://a.io/b' }, /expected host\/path/],
  ['a signature repository without path', { ...KEYS, signatureRepository: 'a.io' }, /expected host\/path/],
  ['notary without roots', { notary: { roots: [] } }, /no trust on first use/],
  [
    'notary with a path in its server',
    { notary: { roots: [PUBLIC_KEY], server: 'https://a.io/b' } },
    /expected https:\/\/host/,
  ],
  [
    'notary with a signer that is a path',
    { notary: { roots: [PUBLIC_KEY], signers: ['targets/alice'] } },
    /name of a signer/,
  ],
  ['notation without certificates', { notation: { trustStores: {}, trustedIdentities: ['*'] } }, /trustStores\.ca or/],
  [
    'notation with timestamp certificates only',
    { notation: { trustStores: { tsa: [CERTIFICATE] }, trustedIdentities: ['*'] } },
    /trustStores\.ca or/,
  ],
  [
    'notation without identities',
    { notation: { trustStores: { ca: [CERTIFICATE] }, trustedIdentities: [] } },
    /at least one identity/,
  ],
  [
    '* beside an identity',
    { notation: { ...NOTATION.notation, trustedIdentities: ['*', 'x509.subject: C=US'] } },
    /'\*' must be the only identity/,
  ],
  ['an identity in another form', { notation: { ...NOTATION.notation, trustedIdentities: ['CN=x'] } }, /x509\.subject/],
  ['an unknown setting', { ...KEYS, keyless: {} }, /there is no setting 'keyless' here/],
];
for (const [name, settings, message] of refused)
  test(`an authority is refused: ${name}`, () =>
    assert.throws(
      () => authority(settings),
      (error) => message.test(String(error)) || assert.fail(String(error)),
    ));

test('an empty list of annotations is no setting; notation may have annotations and a signature repository', () => {
  authority({ ...NOTARY, annotations: {} });
  assert.deepEqual(authority({ ...NOTATION, annotations: { a: 'b' }, signatureRepository: 'a.io/b' }).annotations, {
    a: 'b',
  });
});

const identities: [name: string, identity: object, message: RegExp | undefined][] = [
  ['an exact subject', {}, undefined],
  [
    'a workflow at any tag',
    { subject: undefined, subjectPattern: 'https://github.com/org/app/.github/workflows/*.yml@refs/tags/*' },
    undefined,
  ],
  ['any repository of an owner', { subject: undefined, subjectPattern: 'https://github.com/org/**' }, undefined],
  ['a mail domain', { subject: undefined, subjectPattern: '*@example.com' }, undefined],
  ['claims', { claims: { runnerEnvironment: 'github-hosted' } }, undefined],
  ['neither subject nor pattern', { subject: undefined }, /either subject \(exact\) or subjectPattern/],
  ['both subject and pattern', { subjectPattern: '*@example.com' }, /either subject \(exact\) or subjectPattern/],
  ['a claim that does not exist', { claims: { runner: 'z' } }, /expected claims among/],
  ...[
    '^https://github.com/org/.*$',
    'https://github.com/org/app.*',
    'https://github.com/org/(a|b)',
    'https://github.com/org/[ab]',
    'https://github\\.com/org/app/x',
  ].map((subjectPattern): [string, object, RegExp] => [
    `the regular expression ${subjectPattern} (T29)`,
    { subject: undefined, subjectPattern },
    /not a regular expression/,
  ]),
  ...[
    '*',
    '**',
    '*@*',
    '*@*.com',
    '*@com',
    'https://*/org/repo',
    'https://github.com/*',
    'https://github.com/*/app/x',
    'https://github.com/**',
    'https://github.com/o*/x',
    'https://github.com',
    '*://github.com/org/app',
    'github.com/org/app',
  ].map((subjectPattern): [string, object, RegExp] => [
    `the wide pattern ${subjectPattern} (T28)`,
    { subject: undefined, subjectPattern },
    /too wide/,
  ]),
];
for (const [name, identity, message] of identities)
  test(`identity: ${name}`, () => {
    const read = () => authority({ identities: [{ ...IDENTITY, ...identity }] });
    if (message === undefined) read();
    else assert.throws(read, (error) => message.test(String(error)) || assert.fail(String(error)));
  });
