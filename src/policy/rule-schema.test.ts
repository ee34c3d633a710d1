// One rule and one exemption: strict defaults, patterns with a literal host, demands that can be met.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PUBLIC_KEY } from '../../test/policy.ts';
import { parseConfig } from './config-file.ts';

const authorities = { a: { keys: [PUBLIC_KEY] }, b: { keys: [PUBLIC_KEY] } };
const rule = (settings: object) =>
  parseConfig(JSON.stringify({ authorities, rules: [{ name: 'r', images: ['**'], ...settings }] }), 'c').rules[0];

test('what is left out: a digest is required, the rule is enforced, and nothing else is demanded', () => {
  assert.deepEqual(rule({}), {
    name: 'r',
    images: ['**'],
    digest: 'required',
    signed: 'digest',
    attestations: [],
    platforms: [],
    tagAgrees: false,
    noRollback: false,
    minimumAgeDays: 0,
    mode: 'enforce',
  });
});

test('short names of predicate types become URIs', () => {
  const types = ['slsaprovenance1', 'spdx', 'https://example.com/x'].map(
    (type) => rule({ attestations: [{ type, by: { any: ['a'] } }] })?.attestations[0]?.type,
  );
  assert.deepEqual(types, ['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document', 'https://example.com/x']);
});

const signatures = (demand: object) => ({ signatures: demand });
const attested = (more: object) => ({ attestations: [{ type: 'spdx', by: { all: ['a'] }, ...more }] });
const cases: [name: string, settings: object, message: RegExp | undefined][] = [
  ...[
    '**',
    'ghcr.io/org/**',
    '*.example.com/x',
    'localhost/x',
    'localhost:5000/x',
    'registry:5000/*',
    'docker.io/library/nginx',
  ].map((pattern): [string, object, undefined] => [`the pattern ${pattern}`, { images: [pattern] }, undefined]),
  ...[
    'nginx',
    'library/nginx',
    '*/x',
    '*/**',
    '**/x',
    '*.com',
    'gh*.io/org/*',
    '*.*.com/x',
    'https://ghcr.io/x',
    'ghcr.io',
    'ghcr.io/',
    'GHCR.io/x',
  ].map((pattern): [string, object, RegExp] => [`the pattern ${pattern}`, { images: [pattern] }, /literal host/]),
  ['no pattern', { images: [] }, /at least one pattern/],
  ['no name', { name: '' }, /expected some text/],
  ['one wrong pattern among others', { images: ['**', 'nginx'] }, /rules\.0\.images\.1: .*literal host/],
  ['no tags', { tags: [] }, /expected at least one/],
  ['no namespaces', { namespaces: [] }, /expected at least one/],
  ['no kinds', { kinds: [] }, /expected at least one/],
  ['no registries', { registries: [] }, /at least one host/],
  ['every registry', { registries: ['*'] }, /expected a host/],
  ['a registry with path', { registries: ['ghcr.io/org'] }, /expected a host/],
  ['a domain of registries', { registries: ['*.example.com', 'localhost:5000'] }, undefined],
  ['all of nobody (T23)', signatures({ all: [] }), /signatures\.all: expected at least one/],
  ['any of nobody (T23)', signatures({ any: [] }), /expected at least one/],
  ['a threshold of none (T23)', signatures({ threshold: 0, of: ['a'] }), /threshold/],
  ['a threshold that is no whole number', signatures({ threshold: 1.5, of: ['a', 'b'] }), /threshold/],
  ['a threshold of more than there are', signatures({ threshold: 3, of: ['a', 'b'] }), /the threshold is larger than/],
  [
    'a threshold of more than there are names (T37)',
    signatures({ threshold: 2, of: ['a', 'a'] }),
    /the threshold is larger than/,
  ],
  ['a threshold of all', signatures({ threshold: 2, of: ['a', 'b'] }), undefined],
  ['two forms of a demand', signatures({ all: ['a'], any: ['b'] }), /signatures/],
  ['an attestation of no type', attested({ type: 'nonsense' }), /expected a predicate type: a URI, or /],
  ['an attestation by nobody', attested({ by: { all: [] } }), /expected at least one/],
  ['an attestation without by', { attestations: [{ type: 'spdx' }] }, /attestations\.0\.by/],
  ['a condition', attested({ condition: 'predicate.x == 1' }), undefined],
  ['a condition that is no CEL', attested({ condition: 'predicate.' }), /not a condition in CEL/],
  ['a condition that is a number', attested({ condition: '1 + 1' }), /its type is int, expected bool/],
  ['an age below zero', { minimumAgeDays: -1 }, /minimumAgeDays/],
  ['another mode', { mode: 'off' }, /mode/],
  ['another digest', { digest: 'optional' }, /digest/],
  ['what only tagproof may set', { unusable: 'x' }, /there is no setting 'unusable' here/],
];
for (const [name, settings, message] of cases)
  test(`a rule ${message === undefined ? 'may have' : 'may not have'}: ${name}`, () => {
    if (message === undefined) rule(settings);
    else
      assert.throws(
        () => rule(settings),
        (error) => message.test(String(error)) || assert.fail(String(error)),
      );
  });

const exemption = (settings: object) =>
  parseConfig(JSON.stringify({ exemptions: [{ images: ['quay.io/x'], reason: 'r', ...settings }] }), 'c').exemptions[0];
const exemptions: [name: string, settings: object, message: RegExp][] = [
  ['every image (T27)', { images: ['**'] }, /literal host/],
  ['a domain (T27)', { images: ['*.quay.io/x'] }, /literal host/],
  ['every host (T27)', { images: ['*/x'] }, /literal host/],
  ['a host without path', { images: ['quay.io'] }, /literal host/],
  ['no image', { images: [] }, /at least one pattern/],
  ['no reason', { reason: '' }, /expected some text/],
  ['a day that does not exist', { until: '2026-13-01' }, /until/],
  ['a moment', { until: '2026-12-31T00:00:00Z' }, /expected a day/],
  ['no namespaces', { namespaces: [] }, /expected at least one/],
];
for (const [name, settings, message] of exemptions)
  test(`an exemption may not have: ${name}`, () =>
    assert.throws(
      () => exemption(settings),
      (error) => message.test(String(error)) || assert.fail(String(error)),
    ));
