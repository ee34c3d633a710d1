// Policies as objects of the API: the schema of tagproof.yaml, and what a tenant may not set.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIGEST, PUBLIC_KEY } from '../../test/policy.ts';
import { NO_CONFIG } from './config.ts';
import { readPolicy } from './object.ts';

const CA = ['-----BEGIN CERTIFICATE-----'];
const keys = { keys: [PUBLIC_KEY] };
const rule = { name: 'r', images: ['**'] };
const attested = { ...rule, attestations: [{ type: 'spdx', by: { any: ['a'] }, condition: 'true' }] };
const notation = { trustStores: { ca: CA }, trustedIdentities: ['*'] };

test('the policy of the cluster may set what tagproof.yaml sets about images', () => {
  const spec = readPolicy('ImagePolicy', {
    authorities: { a: { ...keys, trustRoot: '/etc/root.json', signatureRepository: 'a.io/s' }, n: { notation } },
    rules: [{ ...attested, namespaces: ['prod'] }],
    exemptions: [{ images: ['quay.io/x'], reason: 'old' }],
    registries: [{ host: 'r.io' }],
    blocked: [{ digest: DIGEST, reason: 'it leaks' }],
    find: { fields: [{ kinds: ['X'], paths: ['spec.image'] }] },
  });
  assert.equal(spec.rules[0]?.namespaces?.[0], 'prod');
  assert.equal(spec.blocked?.length, 1);
});

test('an empty policy of either kind is no configuration', () => {
  for (const kind of ['ImagePolicy', 'NamespacedImagePolicy'] as const)
    for (const spec of [undefined, null, {}]) assert.deepEqual({ ...NO_CONFIG, ...readPolicy(kind, spec) }, NO_CONFIG);
});

test('a tenant may demand signatures by keys, identities, notary and notation', () => {
  const spec = readPolicy('NamespacedImagePolicy', {
    authorities: {
      a: keys,
      i: { identities: [{ issuer: 'x', subject: 'y' }] },
      n: { notary: { roots: [PUBLIC_KEY] } },
      c: { notation: { ...notation, revocation: 'skip' } },
    },
    rules: [
      {
        ...rule,
        kinds: ['Pod'],
        signatures: { all: ['a', 'i', 'n', 'c'] },
        attestations: [{ type: 'spdx', by: { any: ['a'] } }],
      },
    ],
  });
  assert.deepEqual(Object.keys(spec.authorities), ['a', 'i', 'n', 'c']);
});

const refused: [name: string, spec: object, message: RegExp][] = [
  ['exemptions (T21)', { exemptions: [] }, /spec\.exemptions: there is no setting 'exemptions' here/],
  ['a blocklist', { blocked: [] }, /no setting 'blocked'/],
  ['registries', { registries: [{ host: 'r.io' }] }, /no setting 'registries'/],
  ['fields', { find: {} }, /no setting 'find'/],
  [
    'namespaces',
    { rules: [{ ...rule, namespaces: ['x'] }] },
    /spec\.rules\.0\.namespaces: the rules apply to their own namespace/,
  ],
  [
    'files of the webhook (T51)',
    { authorities: { a: { ...keys, trustRoot: '/etc/passwd' } } },
    /spec\.authorities\.a: only the policy of the cluster may set trustRoot/,
  ],
  [
    'a signature repository (T52)',
    { authorities: { a: { ...keys, signatureRepository: 'evil.io/x' } } },
    /may set signatureRepository/,
  ],
  [
    'a signature repository of notation (T52)',
    { authorities: { a: { notation: { ...notation, revocation: 'skip' }, signatureRepository: 'evil.io/x' } } },
    /may set signatureRepository/,
  ],
  [
    'a Notary server (T52)',
    { authorities: { a: { notary: { server: 'https://evil.io', roots: [PUBLIC_KEY] } } } },
    /may set notary\.server/,
  ],
  [
    'a CA file of a Notary server (T51)',
    { authorities: { a: { notary: { ca: '/etc/ca.pem', roots: [PUBLIC_KEY] } } } },
    /may set notary\.ca/,
  ],
  [
    'revocation, which sends requests to hosts that a certificate names',
    { authorities: { a: { notation } } },
    /may set notation without revocation: skip/,
  ],
  [
    'revocation that is only logged',
    { authorities: { a: { notation: { ...notation, revocation: 'log' } } } },
    /revocation: skip/,
  ],
  [
    'conditions, which take time (T30)',
    { authorities: { a: keys }, rules: [attested] },
    /spec\.rules\.0\.attestations: only the policy of the cluster may set conditions/,
  ],
  [
    'a condition beside a demand without one',
    {
      authorities: { a: keys },
      rules: [{ ...rule, attestations: [{ type: 'spdx', by: { any: ['a'] } }, ...attested.attestations] }],
    },
    /may set conditions/,
  ],
  [
    'an authority of the cluster',
    { rules: [{ ...rule, signatures: { all: ['cluster-release'] } }] },
    /names the authority 'cluster-release'/,
  ],
];
for (const [name, spec, message] of refused)
  test(`a tenant may not set: ${name}`, () => assert.throws(() => readPolicy('NamespacedImagePolicy', spec), message));

test('every mistake is listed, a line each', () => {
  const authorities = { a: { ...keys, trustRoot: 'x', signatureRepository: 'a.io/b' } };
  assert.throws(
    () => readPolicy('NamespacedImagePolicy', { authorities, rules: [{ ...rule, namespaces: ['x'] }, rule] }),
    (error) => /two rules are called 'r'/.test(String(error)) && String(error).split('\n').length === 4,
  );
});
