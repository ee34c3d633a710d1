import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CLOUD_HOSTS, type Cloud, isBelow, matchesHost } from './hosts.ts';

/** T26, T49: a host matches on label boundaries, never by a part of its text. */
const cases: [item: string, host: string, matches: boolean][] = [
  ['quay.io', 'quay.io', true],
  ['quay.io', 'evil-quay.io', false],
  ['quay.io', 'quay.io.evil.com', false],
  ['quay.io', 'a.quay.io', false],
  ['quay.io', 'quayxio', false],
  ['quay.io:5000', 'quay.io', false],
  ['quay.io', 'quay.io:5000', false],
  ['*.example.com', 'a.example.com', true],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', '.example.com', false],
  ['*.example.com', 'evilexample.com', false],
  ['*.example.com', 'a.example.com.evil.com', false],
  ['*.example.com', '*.example.com', true],
  ['*', 'quay.io', false],
  ['a*.example.com', 'ab.example.com', false],
];
for (const [item, host, matches] of cases)
  test(`${item} ${matches ? 'matches' : 'does not match'} ${host}`, () =>
    assert.equal(matchesHost([item], host), matches));

test('an empty list matches nothing; one of several is enough', () => {
  assert.equal(matchesHost([], 'quay.io'), false);
  assert.equal(matchesHost(['ghcr.io', '*.io'], 'quay.io'), true);
});

const clouds: [cloud: Cloud, host: string, matches: boolean][] = [
  ['google', 'gcr.io', true],
  ['google', 'eu.gcr.io', true],
  ['google', 'europe-docker.pkg.dev', true],
  ['google', 'pkg.dev', false],
  ['google', 'mygcr.io', false],
  ['google', 'gcr.io.evil.com', false],
  ['azure', 'mine.azurecr.io', true],
  ['azure', 'azurecr.io.evil.com', false],
  ['azure', 'evilazurecr.io', false],
  ['amazon', '1.dkr.ecr.eu-west-1.amazonaws.com', true],
  ['amazon', '1.dkr.ecr.cn-north-1.amazonaws.com.cn', true],
  ['amazon', 'evilamazonaws.com', false],
  ['amazon', 'gcr.io', false],
];
for (const [cloud, host, matches] of clouds)
  test(`a token of ${cloud} ${matches ? 'may' : 'must not'} go to ${host}`, () =>
    assert.equal(matchesHost(CLOUD_HOSTS[cloud], host), matches));

test('property: a host is below a suffix exactly when it has one label more', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,6}$/);
  fc.assert(
    fc.property(fc.array(label, { minLength: 2, maxLength: 5 }), label, (labels, other) => {
      const domain = labels.join('.');
      assert.ok(isBelow(`${other}.${domain}`, `.${domain}`));
      assert.ok(!isBelow(`${other}${domain}`, `.${domain}`));
      assert.ok(!isBelow(domain, `.${domain}`));
    }),
  );
});
