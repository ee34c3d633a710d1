// Clock, exempt namespaces, the webhook's Deployment and the back-stop: what passes and what does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Check } from './check.ts';
import { checkBackstop, checkClock, checkDeployment, checkNamespaces } from './cluster-checks.ts';

const brief = (checks: readonly Check[]) => checks.map(({ state, message }) => `${state}: ${message}`);
const states = (checks: readonly Check[]) => checks.map(({ state }) => state);

const clocks: [name: string, server: number | undefined, state: Check['state']][] = [
  ['the same time', 1_000_000, 'pass'],
  ['30 s ahead', 1_030_000, 'pass'],
  ['more than 30 s ahead', 1_030_001, 'warn'],
  ['more than 30 s behind', 969_999, 'warn'],
  ['no time', undefined, 'unknown'],
];
for (const [name, server, state] of clocks)
  test(`clock: ${name} is ${state}`, () => assert.deepEqual(states(checkClock(server, 1_000_000)), [state]));

const namespace = (name: string) => ({ metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
const hooks = (namespaceSelector: object): KubeObject => ({
  webhooks: [{ name: 'v', clientConfig: { service: { path: '/validate' } }, namespaceSelector }],
});
const byName = (values: string[]) => ({
  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values }],
});

function namespacesChecked(selector: object, exempt: string[] = ['kube-system']) {
  const kube = new FakeKube();
  kube.lists.set('/api/v1/namespaces', ['kube-system', 'tagproof', 'shop'].map(namespace));
  const workloads = [{ namespace: 'shop' }, { namespace: 'shop' }] as never[];
  const live = { mutating: undefined, validating: hooks(selector) };
  return checkNamespaces({ kube: kube.client, namespace: 'tagproof', exempt, workloads }, live);
}

test('namespaces: exempt ones that are intended pass', async () => {
  assert.deepEqual(brief(await namespacesChecked(byName(['kube-system', 'tagproof']))), [
    'pass: exempt, as intended: kube-system, tagproof',
  ]);
  assert.deepEqual(brief(await namespacesChecked({})), ['pass: exempt, as intended: none']);
});

test('namespaces: an unintended exemption fails, with its workloads and a remedy', async () => {
  const [check, ...rest] = await namespacesChecked(byName(['kube-system', 'tagproof', 'shop']));
  assert.deepEqual(rest, []);
  assert.equal(check?.state, 'fail');
  assert.match(check?.message ?? '', /shop is exempt \(2 workloads\) and is not meant to be/);
  assert.match(check?.remedy ?? '', /--exempt-namespace shop/);
  assert.deepEqual(states(await namespacesChecked(byName(['shop']), ['shop'])), ['pass'], 'now it is intended');
});

test('T20: a label that decides fails, even if no namespace uses it', async () => {
  const selector = { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] };
  assert.match(brief(await namespacesChecked(selector)).join(), /fail: the label skip decides .*\(T20\)/);
});

const PINNED = `i@sha256:${'a'.repeat(64)}`;
const deployment = (replicas: number, ready: number | undefined, image = PINNED): KubeObject => ({
  spec: { replicas, template: { spec: { containers: [{ image }] } } },
  status: { readyReplicas: ready },
});
const deployments: [name: string, object: KubeObject | undefined, expected: string[]][] = [
  ['all is well', deployment(2, 2), ['pass: 2 of 2 ready']],
  ['some are not ready', deployment(3, 1), ['warn: 1 of 3 ready']],
  ['none is ready', deployment(2, 0), ['fail: 0 of 2 ready']],
  ['no status yet', deployment(2, undefined), ['fail: 0 of 2 ready']],
  [
    'one replica',
    deployment(1, 1),
    ['pass: 1 of 1 ready', 'warn: there is one replica: while it is rescheduled, nothing is admitted'],
  ],
  ['not pinned', deployment(2, 2, 'i:latest'), ['pass: 2 of 2 ready', "fail: the webhook's own image is not pinned"]],
  ['missing', undefined, ['fail: namespace guard has no Deployment tagproof-admission']],
];
for (const [name, object, expected] of deployments)
  test(`deployment: ${name}`, () => {
    const checks = checkDeployment(object, 'guard');
    assert.deepEqual(brief(checks), expected);
    for (const { state, remedy } of checks) assert.equal(remedy !== undefined, state !== 'pass', 'a remedy');
  });

test('deployment: a missing one is looked for by --installed-in, as the other commands name it', () => {
  assert.match(checkDeployment(undefined, 'guard')[0]?.remedy ?? '', /--installed-in/);
});

test('back-stop: bindings of tagproof count, others do not', async () => {
  const kube = new FakeKube();
  const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
  kube.lists.set(path, [{ metadata: { name: 'other' } }]);
  assert.deepEqual(states(await checkBackstop(kube.client)), ['warn']);
  kube.lists.set(path, [{ metadata: { name: 'tagproof-pods' } }]);
  assert.deepEqual(states(await checkBackstop(kube.client)), ['pass']);
});
