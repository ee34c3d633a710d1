// Policy objects: the last usable generation stays in force, and without one every image is denied.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../kube/object.ts';
import { Policies, policyStatus } from './policies.ts';

const RULE = { name: 'r', images: ['ghcr.io/org/**'], digest: 'required' };
const object = (generation: number, spec: object, more: object = {}): KubeObject => ({
  apiVersion: 'tagproof.dev/v1alpha1',
  kind: 'ImagePolicy',
  metadata: { name: 'p', uid: 'id', generation, ...more },
  spec,
});
const usable = (generation: number, name = 'r') => object(generation, { rules: [{ ...RULE, name }] });
const unusable = (generation: number) => object(generation, { rules: [{ ...RULE, signatures: { all: ['gone'] } }] });
const ruleNames = (parts: readonly { config: { rules: readonly { name: string }[] } }[]) =>
  parts.flatMap(({ config }) => config.rules.map(({ name }) => name));

test('an unusable generation leaves the usable one before it in force', async () => {
  const policies = new Policies();
  assert.deepEqual(ruleNames((await policies.take([usable(1, 'first')])).parts), ['first']);
  for (const generation of [2, 3]) {
    const { parts, states } = await policies.take([unusable(generation)]);
    assert.deepEqual(ruleNames(parts), ['first'], `generation ${generation}`);
    assert.equal(states[0]?.earlier, true);
    assert.match(states[0]?.failure ?? '', /gone/);
  }
  const repaired = await policies.take([usable(4, 'second')]);
  assert.deepEqual(ruleNames(repaired.parts), ['second']);
  assert.equal(repaired.states[0]?.failure, undefined);
});

test('without a usable generation every image that the policy may apply to is denied', async () => {
  const policies = new Policies();
  for (const generation of [1, 2]) {
    const { parts, states } = await policies.take([unusable(generation)]);
    const [rule] = parts[0]?.config.rules ?? [];
    assert.deepEqual(rule?.images, ['**']);
    assert.match(rule?.unusable ?? '', /the policy 'p' cannot be used/);
    assert.equal(rule?.mode, 'enforce');
    assert.equal(states[0]?.earlier, false, 'an unusable one is no earlier generation');
  }
});

test('a new object of the same name does not inherit from the old one', async () => {
  const policies = new Policies();
  await policies.take([usable(1)]);
  const { states } = await policies.take([object(1, { rules: 'none' }, { uid: 'other' })]);
  assert.equal(states[0]?.earlier, false);
});

test('a namespaced policy is limited to its namespace; parts are in a stable order', async () => {
  const shop = {
    ...object(1, { rules: [RULE] }, { name: 'a', namespace: 'shop', uid: '2' }),
    kind: 'NamespacedImagePolicy',
  };
  const { parts } = await new Policies().take([shop, object(1, { rules: [RULE] }, { name: 'b' })]);
  assert.deepEqual(
    parts.map(({ name, namespace }) => [name, namespace]),
    [
      ['b', undefined],
      ['shop/a', 'shop'],
    ],
  );
});

test('an object is read once for each generation', async () => {
  let reads = 0;
  const counted = {
    ...usable(1),
    get spec() {
      reads++;
      return { rules: [RULE] };
    },
  };
  const policies = new Policies();
  await policies.take([counted]);
  await policies.take([counted]);
  assert.equal(reads, 1);
});

test('lint reports on both kinds, but a namespaced policy needs no rules', async () => {
  const empty = { ...object(1, {}), kind: 'NamespacedImagePolicy' };
  const [cluster] = (await new Policies().take([object(1, {})])).states;
  const [namespaced] = (await new Policies().take([empty])).states;
  assert.match(cluster?.lints.join() ?? '', /error: rules/);
  assert.deepEqual(namespaced?.lints, []);
});

const NOW = '2026-11-25T09:00:00Z';
type Status = {
  observedGeneration: number;
  conditions: { type: string; status: string; reason: string; message: string; lastTransitionTime: string }[];
};
const statusOf = (state: Parameters<typeof policyStatus>[0], now = NOW) =>
  policyStatus(state, now) as Status | undefined;

const states: [name: string, state: object, ready: [string, string, RegExp], clean: string][] = [
  ['in force', { earlier: false, lints: [] }, ['True', 'InForce', /in force/], 'True'],
  ['with findings', { earlier: false, lints: ['a', 'b'] }, ['True', 'InForce', /in force/], 'False'],
  [
    'earlier in force',
    { failure: 'bad', earlier: true, lints: [] },
    ['False', 'EarlierInForce', /earlier generation stays in force: bad/],
    'True',
  ],
  ['unusable', { failure: 'bad', earlier: false, lints: [] }, ['False', 'NotUsable', /is denied: bad/], 'True'],
];
for (const [name, state, [status, reason, message], clean] of states)
  test(`status: ${name}`, () => {
    const found = statusOf({ object: usable(3), ...state } as never);
    assert.equal(found?.observedGeneration, 3);
    const [ready, findings] = found?.conditions ?? [];
    assert.deepEqual([ready?.type, ready?.status, ready?.reason], ['Ready', status, reason]);
    assert.match(ready?.message ?? '', message);
    assert.deepEqual([findings?.type, findings?.status], ['Clean', clean]);
  });

test('status: written only if it changes; the time of the last transition stays', () => {
  const state = { object: usable(3), earlier: false, lints: [] };
  const status = statusOf(state);
  const withStatus = { ...state, object: { ...usable(3), status } };
  assert.equal(statusOf(withStatus, 'later'), undefined);
  const findings = statusOf({ ...withStatus, lints: ['a'] }, 'later');
  assert.deepEqual(
    findings?.conditions.map(({ lastTransitionTime }) => lastTransitionTime),
    [NOW, 'later'],
  );
  const next = statusOf({ ...withStatus, object: { ...usable(4), status } }, 'later');
  assert.equal(next?.observedGeneration, 4, 'a new generation is confirmed');
  const long = statusOf({ ...state, failure: 'x'.repeat(5000) });
  assert.equal(long?.conditions[0]?.message.length, 2000);
});
