// Policies together: all hold, names stay apart, a namespace's own only tightens, exemptions speak
// by name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reference, Resolved } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { NO_CONFIG } from './config.ts';
import { parseConfig } from './config-file.ts';
import { decide } from './decide.ts';
import { policyHash } from './hash.ts';
import { mergePolicies, type Part } from './merge.ts';

const D = `sha256:${'a'.repeat(64)}`;
const NOW = new Date('2026-11-24T12:00:00Z');
const PEM = '-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----';
const part = (name: string, yaml: string, namespace?: string): Part => ({
  name,
  config: parseConfig(yaml, name),
  ...(namespace !== undefined && { namespace }),
});
function outcome(parts: readonly Part[], image: string, namespace?: string) {
  const reference = parseReference(image) as Reference;
  const resolved: Resolved = { reference, digest: reference.digest ?? D, from: 'lock', at: '' };
  const { config } = mergePolicies(NO_CONFIG, parts);
  const { outcome: is, results } = decide({
    reference,
    resolved,
    evidence: undefined,
    policy: config,
    now: NOW,
    scope: namespace === undefined ? {} : { namespace },
  });
  return `${is}: ${results.map(({ rule, reason }) => `${rule} ${reason}`).join('; ')}`;
}

const PINNED = 'rules: [{name: r, images: ["ghcr.io/**"], digest: required}]';
const OFF = 'rules: [{name: r, images: ["ghcr.io/**"], digest: "off"}]';
const ALL = 'rules: [{name: r, images: ["**"], digest: required}]';
const EXEMPT = `${ALL}\nexemptions: [{images: ["quay.io/old/*"], reason: being replaced, until: 2026-11-24}]`;
const QUAY = 'rules: [{name: r, images: ["**"], digest: "off", registries: [quay.io]}]';

const runs: [name: string, parts: Part[], image: string, namespace: string | undefined, expected: RegExp][] = [
  [
    'T24: of two policies with rules of one name both hold',
    [part('a', OFF), part('b', PINNED)],
    'ghcr.io/x:1',
    undefined,
    /^deny: a\/r the rule has no demands; b\/r must be pinned/,
  ],
  [
    'T21: a namespace tightens',
    [part('a', OFF), part('n/p', PINNED, 'n')],
    'ghcr.io/x:1',
    'n',
    /^deny: .*n\/p\/r must be pinned/,
  ],
  ['and only itself', [part('a', OFF), part('n/p', PINNED, 'n')], 'ghcr.io/x:1', 'other', /^allow/],
  [
    'T21: what it asks less changes nothing',
    [part('a', PINNED), part('n/p', OFF, 'n')],
    'ghcr.io/x:1',
    'n',
    /^deny: a\/r must be pinned/,
  ],
  [
    'T21: its rules make nothing pass that no rule of the cluster speaks for',
    [part('a', PINNED), part('n/p', ALL, 'n')],
    `evil.io/x@${D}`,
    'n',
    /^deny: .*no rule applies/,
  ],
  [
    'an exemption',
    [part('a', EXEMPT)],
    'quay.io/old/x:1',
    undefined,
    /^allow: \(exemption\) exempt until 2026-11-24: being replaced/,
  ],
  ['T27: and no neighbour of it', [part('a', EXEMPT)], 'quay.io/older/x:1', undefined, /^deny/],
  [
    'a namespace’s own rules hold for what is exempt',
    [part('a', EXEMPT), part('n/p', ALL, 'n')],
    'quay.io/old/x:1',
    'n',
    /^deny: n\/p\/r/,
  ],
  ['and may be met', [part('a', EXEMPT), part('n/p', QUAY, 'n')], 'quay.io/old/x:1', 'n', /^allow/],
];
for (const [name, parts, image, namespace, expected] of runs)
  test(name, () => {
    assert.match(outcome(parts, image, namespace), expected);
    assert.match(
      outcome(parts.toReversed(), image, namespace),
      /^allow/.test(outcome(parts, image, namespace)) ? /^allow/ : /^deny/,
    );
  });

test('an exemption ends with its day, and one for namespaces is none where the namespace is not known', () => {
  const config = parseConfig(
    `${ALL}\nexemptions: [{images: ["quay.io/x"], namespaces: [n], reason: r, until: 2026-11-24}]`,
    'c',
  );
  const reference = parseReference('quay.io/x:1') as Reference;
  const resolved: Resolved = { reference, digest: D, from: 'lock', at: '' };
  const at = (time: string, scope: object) =>
    decide({ reference, resolved, evidence: undefined, policy: config, now: new Date(time), scope }).outcome;
  assert.equal(at('2026-11-24T23:59:59Z', { namespace: 'n' }), 'allow');
  assert.equal(at('2026-11-25T00:00:00Z', { namespace: 'n' }), 'deny');
  assert.equal(at('2026-11-24T12:00:00Z', {}), 'deny');
  for (const images of ['"**"', '"*.quay.io/x"', '"quay.io"'])
    assert.throws(() => parseConfig(`exemptions: [{images: [${images}], reason: r}]`, 'c'), /literal host/);
});

test('authorities keep to the policy that named them', () => {
  const keys = JSON.stringify([PEM]);
  const yaml = (image: string) =>
    `authorities: {release: {keys: ${keys}, transparencyLog: ignore}}\nrules: [{name: r, images: ["${image}/**"], signatures: {all: [release]}}]`;
  const { config, groups } = mergePolicies(NO_CONFIG, [part('', yaml('a.io')), part('b', yaml('b.io'))]);
  assert.deepEqual(Object.keys(config.authorities), ['release', 'b/release']);
  assert.deepEqual(
    config.rules.map(({ signatures }) => signatures),
    [{ all: ['release'] }, { all: ['b/release'] }],
  );
  assert.equal(groups.length, 2);
});

test('attestation demands name the authorities of their own policy', () => {
  const yaml = `authorities: {a: {keys: ${JSON.stringify([PEM])}, transparencyLog: ignore}}\nrules: [{name: r, images: ["**"], attestations: [{type: slsaprovenance, by: {any: [a]}}]}]`;
  const { config } = mergePolicies(NO_CONFIG, [part('b', yaml)]);
  assert.deepEqual(
    config.rules[0]?.attestations.map(({ by }) => by),
    [{ any: ['b/a'] }],
  );
});

test('T21: a namespace neither exempts an image, nor says how a registry is reached, nor takes a digest off the blocklist', () => {
  const own = part('n/p', `${EXEMPT}\nregistries: [{host: r.io, plainHttp: true}]`, 'n');
  const block = (digest: string): Part => ({
    ...part(digest.slice(-1), ALL),
    config: { ...parseConfig(ALL, 'c'), blocked: [{ digest, reason: 'leaks' }] },
  });
  const [one, two] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
  const { config } = mergePolicies(NO_CONFIG, [own, block(one), block(two)]);
  assert.deepEqual(config.exemptions, []);
  assert.deepEqual(config.registries, []);
  assert.deepEqual(
    config.blocked?.map(({ digest }) => digest),
    [one, two],
    'and each policy adds its own',
  );
});

test('two policies cannot reach one registry in two ways', () => {
  const yaml = (more: string) => `registries: [{host: r.io${more}}]`;
  assert.throws(
    () => mergePolicies(NO_CONFIG, [part('a', yaml(', plainHttp: true')), part('b', yaml(''))]),
    /different settings for the registry r\.io/,
  );
  mergePolicies(NO_CONFIG, [part('a', yaml('')), part('b', yaml(''))]);
});

test('what is not there does not change the hash', () => {
  const config = parseConfig(PINNED, 'c');
  const { config: merged } = mergePolicies(NO_CONFIG, [part('', PINNED)]);
  assert.equal(policyHash(config), policyHash(merged));
});
