// The whole doctor: a check that cannot run is unknown and stops no other; policies and registries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import type { KubeObject } from '../kube/object.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { examine } from './doctor.ts';
import { checkPolicyObjects } from './policy-checks.ts';
import { checkRegistries } from './registry-checks.ts';

const POLICIES = '/apis/tagproof.dev/v1alpha1/imagepolicies';
const NAMESPACED = '/apis/tagproof.dev/v1alpha1/namespacedimagepolicies';
const target = (kube: FakeKube) => ({
  kube: kube.client,
  namespace: 'guard',
  exempt: ['kube-system'],
  workloads: [],
  registries: undefined,
});

test('what cannot be checked is unknown, never a pass, and the other checks still run', async () => {
  const kube = new FakeKube();
  kube.objects.set('/apis', { groups: [] });
  kube.failures.set('/api/v1/namespaces', new Problem('denied', 'may not list namespaces'));
  const backstop = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
  kube.failures.set(backstop, new Problem('unreachable', 'down'));
  const checks = await examine(target(kube));
  const stateOf = (subject: string) => checks.filter((check) => check.subject === subject).map(({ state }) => state);
  assert.deepEqual(stateOf('namespaces'), ['unknown']);
  assert.deepEqual(stateOf('back-stop'), ['unknown']);
  assert.deepEqual(stateOf('clock'), ['pass']);
  assert.deepEqual(stateOf('pods'), ['fail'], 'nothing is installed');
  assert.deepEqual(stateOf('webhook'), ['fail', 'warn']);
  assert.deepEqual(stateOf('policies'), ['pass'], 'no policy objects are installed');
});

test('an API server that cannot be asked for webhooks at all is an error', async () => {
  const kube = new FakeKube();
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tagproof-admission';
  kube.failures.set(path, new Problem('denied', 'forbidden'));
  await assert.rejects(examine(target(kube)), /forbidden/);
});

const policy = (conditions?: object[], more: object = {}): KubeObject => ({
  metadata: { name: 'p', ...more },
  ...(conditions !== undefined && { status: { conditions } }),
});
const READY = { type: 'Ready', status: 'True', message: 'in force' };
const policies: [name: string, objects: KubeObject[], expected: string[]][] = [
  ['in force', [policy([READY])], ['pass policies: 1 policy objects, all in force']],
  [
    'without a status',
    [policy()],
    ['unknown policies: ImagePolicy p: has no status: does the webhook run with --cluster?'],
  ],
  ['not in force', [policy([{ ...READY, status: 'False', message: 'bad' }])], ['fail policies: ImagePolicy p: bad']],
  ['state unknown', [policy([{ ...READY, status: 'Unknown', message: 'x' }])], ['fail policies: ImagePolicy p: x']],
  [
    'with findings',
    [policy([READY, { type: 'Clean', status: 'False', message: 'warning: r' }])],
    ['warn policies: ImagePolicy p: warning: r'],
  ],
  [
    'in a namespace',
    [policy(undefined, { namespace: 'shop' })],
    ['unknown policies: ImagePolicy shop/p: has no status: does the webhook run with --cluster?'],
  ],
];
for (const [name, objects, expected] of policies)
  test(`policy objects: ${name}`, async () => {
    const kube = new FakeKube();
    kube.lists.set(POLICIES, objects).set(NAMESPACED, []);
    const checks = await checkPolicyObjects(kube.client);
    assert.deepEqual(
      checks.map(({ state, subject, message }) => `${state} ${subject}: ${message}`),
      expected,
    );
  });

test('policy objects that may not be listed are no pass', async () => {
  const kube = new FakeKube();
  kube.failures.set(POLICIES, new Problem('denied', 'forbidden'));
  await assert.rejects(checkPolicyObjects(kube.client), /forbidden/);
});

const answers: [code: ProblemCode | undefined, state: string][] = [
  [undefined, 'pass'],
  ['not-found', 'warn'],
  ['denied', 'warn'],
  ['unreachable', 'unknown'],
  ['credentials', 'unknown'],
];
for (const [code, state] of answers)
  test(`registries: an answer '${code ?? 'found'}' is ${state}`, async () => {
    const client = {
      head: async () => {
        if (code !== undefined) throw new Problem(code, 'x');
        return {} as never;
      },
    };
    const checks = await checkRegistries(client, [{ images: ['a.io/x:1', 'a.io/y:1', 'not valid!'] }] as never[]);
    assert.deepEqual(
      checks.map((check) => check.state),
      [state],
    );
    assert.match(checks[0]?.message ?? '', /a\.io.*a\.io\/x:1/);
  });

test('registries: one request for each host; none with --no-registries', async () => {
  const asked: string[] = [];
  const client = { head: async ({ text }: { text: string }) => (asked.push(text), {} as never) };
  const workloads = [{ images: ['a.io/x:1', 'b.io/x:1'] }, { images: ['a.io/z:1'] }] as never[];
  await checkRegistries(client, workloads);
  assert.deepEqual(asked, ['a.io/x:1', 'b.io/x:1']);
  assert.deepEqual(await checkRegistries(undefined, workloads), []);
});
