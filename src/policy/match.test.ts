// Which rules apply: repository, tag, namespace, kind; exemptions; and what is unknown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIGEST, NOW, referenceOf, ruleOf } from '../../test/policy.ts';
import type { Scope } from '../flow.ts';
import type { Exemption, Rule } from './config.ts';
import { applicableRules, applicableRulesKey, hasBlockedDigests, matchingRules, needsDigest } from './match.ts';

const images: [pattern: string, image: string, matches: boolean][] = [
  ['docker.io/library/*', 'nginx', true],
  ['docker.io/library/*', 'index.docker.io/nginx:1', true],
  ['docker.io/library/*', 'docker.io/team/nginx', false],
  ['ghcr.io/org/**', 'GHCR.io:443/org/a/b', true],
  ['ghcr.io/org/**', 'ghcr.io:5000/org/a', false],
  ['ghcr.io/org/*', 'ghcr.io/org/a/b', false],
  ['ghcr.io/org/*', 'ghcr.io/org-evil/a', false],
  ['ghcr.io/org/app', 'ghcr.io/org/app-evil', false],
  ['ghcr.io/org/app', 'evil.io/ghcr.io/org/app', false],
  ['ghcr.io/org/**', 'ghcr.io.evil.com/org/a', false],
  ['*.example.com/**', 'eu.registry.example.com/a', true],
  ['*.example.com/**', 'example.com/a', false],
  ['*.example.com/**', 'evilexample.com/a', false],
  ['*.example.com/**', 'evil.com/x.example.com/a', false],
  ['*.example.com/**', 'r.example.com.evil.com/a', false],
  ['*.example.com/team/*', 'r.example.com/team/a', true],
  ['*.example.com/team/*', 'r.example.com/other/a', false],
  ['**', 'anything.io/x', true],
];
for (const [pattern, image, matches] of images)
  test(`images: ${pattern} ${matches ? 'matches' : 'does not match'} ${image} (T10, T25, T26)`, () =>
    assert.equal(matchingRules([ruleOf({ images: [pattern] })], referenceOf(image)).length === 1, matches));

const scopes: [name: string, rule: Partial<Rule>, image: string, scope: Scope | undefined, matches: boolean][] = [
  ['a tag of the list', { tags: ['prod-*'] }, 'x:prod-1', {}, true],
  ['another tag', { tags: ['prod-*'] }, 'x:dev', {}, false],
  ['no tag is latest', { tags: ['latest'] }, 'x', {}, true],
  ['no tag is no other tag', { tags: ['prod-*'] }, 'x', {}, false],
  ['a digest alone could be any tag (T6)', { tags: ['prod-*'] }, `x@${DIGEST}`, {}, true],
  ['a tag beside a digest is that tag', { tags: ['prod-*'] }, `x:dev@${DIGEST}`, {}, false],
  ['a namespace of the list', { namespaces: ['prod', 'team-*'] }, 'x:1', { namespace: 'team-a' }, true],
  ['another namespace', { namespaces: ['prod'] }, 'x:1', { namespace: 'dev' }, false],
  ['an unknown namespace limits nothing', { namespaces: ['prod'] }, 'x:1', { kind: 'Pod' }, true],
  ['a scope of which nothing is known', { namespaces: ['prod'], kinds: ['Pod'] }, 'x:1', undefined, true],
  ['a kind of the list', { kinds: ['Pod'] }, 'x:1', { kind: 'Pod' }, true],
  ['another kind', { kinds: ['Pod'] }, 'x:1', { kind: 'Job' }, false],
  ['an unknown kind limits nothing', { kinds: ['Pod'] }, 'x:1', { namespace: 'prod' }, true],
  ['every limit counts', { namespaces: ['prod'], kinds: ['Pod'] }, 'x:1', { namespace: 'prod', kind: 'Job' }, false],
];
for (const [name, rule, image, scope, matches] of scopes)
  test(`scope: ${name}`, () =>
    assert.equal(matchingRules([ruleOf(rule)], referenceOf(image), scope).length === 1, matches));

const EXEMPT: Exemption = { images: ['docker.io/library/*'], reason: 'old' };
const exemptions: [name: string, exemption: Partial<Exemption>, scope: Scope, exempt: boolean][] = [
  ['the image', {}, {}, true],
  ['another image', { images: ['docker.io/library/y'] }, {}, false],
  ['any of its patterns', { images: ['docker.io/library/y', 'docker.io/library/x'] }, {}, true],
  ['its namespace', { namespaces: ['a*'] }, { namespace: 'ab' }, true],
  ['another namespace', { namespaces: ['a'] }, { namespace: 'b' }, false],
  ['an unknown namespace', { namespaces: ['a'] }, {}, false],
  ['before its last day', { until: '2026-06-11' }, {}, true],
  ['on its last day', { until: '2026-06-10' }, {}, true],
  ['on the first day after it', { until: '2026-06-09' }, {}, false],
];
for (const [name, more, scope, exempt] of exemptions)
  test(`exemption: ${name}`, () => {
    const policy = { rules: [ruleOf()], exemptions: [{ ...EXEMPT, ...more }] };
    const { exemption, rules } = applicableRules(policy, referenceOf('x:1'), scope, NOW);
    assert.equal(exemption !== undefined, exempt);
    assert.equal(rules.length, exempt ? 0 : 1);
  });

test('an exemption ends with the last millisecond of its day', () => {
  const policy = { rules: [ruleOf()], exemptions: [{ ...EXEMPT, until: '2026-06-10' }] };
  const at = (time: string) => applicableRules(policy, referenceOf('x:1'), {}, new Date(time)).exemption !== undefined;
  assert.ok(at('2026-06-10T23:59:59.999Z'));
  assert.ok(!at('2026-06-11T00:00:00.000Z'));
});

test('rules of a namespace come on top of rules and of exemptions, there only, and admit nothing alone (T21)', () => {
  const tightening = new Map([['n', [ruleOf({ name: 'n/own' })]]]);
  const names = (policy: object, namespace?: string, image = 'x:1') =>
    applicableRules(
      { rules: [ruleOf({ name: 'all', images: ['docker.io/library/*'] })], exemptions: [], tightening, ...policy },
      referenceOf(image),
      namespace === undefined ? {} : { namespace },
      NOW,
    ).rules.map(({ name }) => name);
  assert.deepEqual(names({}, 'n'), ['all', 'n/own']);
  assert.deepEqual(names({}, 'other'), ['all']);
  assert.deepEqual(names({}), ['all']);
  assert.deepEqual(names({ exemptions: [EXEMPT] }, 'n'), ['n/own']);
  assert.deepEqual(names({}, 'n', 'evil.io/x:1'), []);
});

test('the key is equal exactly where the same rules or the same exemption apply', () => {
  const policy = {
    rules: [ruleOf({ name: 'all' }), ruleOf({ name: 'prod', namespaces: ['prod'] })],
    exemptions: [
      { ...EXEMPT, namespaces: ['legacy'] },
      { ...EXEMPT, namespaces: ['older'], reason: 'older' },
    ],
  };
  const key = (namespace: string) => applicableRulesKey(policy, referenceOf('x:1'), { namespace }, NOW);
  assert.equal(key('a'), key('b'));
  assert.equal(new Set([key('a'), key('prod'), key('legacy'), key('older')]).size, 4);
});

test('a tag is resolved where a rule needs the digest, or where it may lead to the blocklist', () => {
  const reference = referenceOf('x:1');
  const blocked = [{ digest: DIGEST, repository: 'docker.io/library/x', reason: 'r' }];
  const demand = { type: 't', by: { any: ['a'] } };
  const needing: Partial<Rule>[] = [
    { digest: 'resolve' },
    { signatures: { any: ['a'] } },
    { attestations: [demand] },
    { platforms: ['linux/amd64'] },
    { tagAgrees: true },
    { noRollback: true },
    { minimumAgeDays: 1 },
  ];
  for (const rule of needing) assert.ok(needsDigest({}, reference, [ruleOf(), ruleOf(rule)]), JSON.stringify(rule));
  for (const rule of [{}, { digest: 'required' as const }, { registries: ['docker.io'] }])
    assert.ok(!needsDigest({}, reference, [ruleOf(rule)]), JSON.stringify(rule));
  assert.ok(needsDigest({ blocked }, reference, []));
  assert.ok(hasBlockedDigests({ blocked }, reference));
  assert.ok(!hasBlockedDigests({ blocked }, referenceOf('y:1')));
  assert.ok(!hasBlockedDigests({ blocked: [{ digest: DIGEST, reason: 'r' }] }, reference));
});
