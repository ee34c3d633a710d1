// The CEL of the back-stop, evaluated here as the API server does. test/real/admission applies it to a real one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Environment } from '@marcbachmann/cel-js';
import { backstop } from './vap.ts';

const D = `@sha256:${'a'.repeat(64)}`;
type Policy = {
  metadata: { name: string };
  spec: {
    variables: { name: string; expression: string }[];
    validations: { expression: string }[];
    failurePolicy: string;
    matchConstraints: { resourceRules: { operations: string[]; resources: string[] }[] };
  };
};
const options = (registries: string[] = []) => ({
  registries,
  exemptNamespaces: ['kube-system'],
  mode: 'enforce' as const,
});
const policies = (registries?: string[]) =>
  backstop(options(registries)).filter(
    (object) => 'spec' in object && 'validations' in (object.spec as object),
  ) as Policy[];

const environment = new Environment({ unlistedVariablesAreDyn: true });

/** Whether the policy of the kind admits the object. */
function admits(name: string, object: object, { registries = [] as string[], oldObject = null as object | null } = {}) {
  const policy = policies(registries).find(({ metadata }) => metadata.name === `tagproof-${name}`);
  assert.ok(policy);
  const request = { operation: oldObject === null ? 'CREATE' : 'UPDATE' };
  const variables: Record<string, unknown> = {};
  const run = (expression: string) => environment.evaluate(expression, { object, oldObject, request, variables });
  for (const variable of policy.spec.variables) variables[variable.name] = run(variable.expression);
  return policy.spec.validations.every(({ expression }) => run(expression) === true);
}
const pod = (...images: string[]) => ({ spec: { containers: images.map((image) => ({ image })) } });

const digests: [image: string, admitted: boolean][] = [
  [`a.io/x${D}`, true],
  [`a.io/x:1${D}`, true],
  ['a.io/x:1', false],
  ['a.io/x', false],
  [`a.io/x@sha256:${'a'.repeat(63)}`, false],
  [`a.io/x@sha256:${'A'.repeat(64)}`, false],
  [`a.io/x${D}0`, false],
  [`a.io/x@sha512:${'a'.repeat(128)}`, false],
];
for (const [image, admitted] of digests)
  test(`digest: ${image.slice(0, 30)} is ${admitted ? 'admitted' : 'denied'}`, () =>
    assert.equal(admits('pods', pod(image)), admitted));

const spec = (list: string) => ({ [list]: [{ image: 'a.io/x:1' }] });
const places: [name: string, policy: string, object: object][] = [
  ['containers', 'pods', { spec: spec('containers') }],
  ['init containers', 'pods', { spec: spec('initContainers') }],
  ['ephemeral containers', 'pods', { spec: spec('ephemeralContainers') }],
  ['image volumes', 'pods', { spec: { volumes: [{ image: { reference: 'a.io/x:1' } }] } }],
  ['templates of workloads', 'workloads', { spec: { template: { spec: spec('containers') } } }],
  ['CronJobs', 'cronjobs', { spec: { jobTemplate: { spec: { template: { spec: spec('containers') } } } } }],
  ['PodTemplates', 'podtemplates', { template: { spec: spec('initContainers') } }],
];
for (const [name, policy, object] of places)
  test(`a tag is found in ${name}`, () => {
    assert.equal(admits(policy, object), false);
    const pinned = JSON.parse(JSON.stringify(object).replaceAll('a.io/x:1', `a.io/x:1${D}`));
    assert.equal(admits(policy, pinned), true);
  });

test('unchanged images pass an update, new ones do not', () => {
  assert.equal(admits('pods', pod('a.io/x:1'), { oldObject: pod('a.io/x:1') }), true);
  assert.equal(admits('pods', pod('a.io/x:2'), { oldObject: pod('a.io/x:1') }), false);
  assert.equal(admits('pods', pod('a.io/x:1', 'a.io/y:1'), { oldObject: pod('a.io/x:1') }), false);
});

const hosts: [registries: string[], image: string, admitted: boolean][] = [
  [['ghcr.io'], `ghcr.io/x${D}`, true],
  [['ghcr.io'], `evil.io/ghcr.io/x${D}`, false],
  [['ghcr.io'], `ghcr.io.evil.io/x${D}`, false],
  [['ghcr.io'], `nginx${D}`, false],
  [['ghcr.io'], `GHCR.IO/x${D}`, true],
  [['docker.io'], `nginx${D}`, true],
  [['docker.io'], `org/nginx${D}`, true],
  [['docker.io'], `index.docker.io/org/nginx${D}`, true],
  [['docker.io'], `localhost/nginx${D}`, false],
  [['docker.io'], `evil:5000/nginx${D}`, false],
  [['*.example.com'], `a.example.com/x${D}`, true],
  [['*.example.com'], `a.b.example.com/x${D}`, true],
  [['*.example.com'], `example.com/x${D}`, false],
  [['*.example.com'], `evilexample.com/x${D}`, false],
  [['localhost:5000'], `localhost:5000/x${D}`, true],
];
for (const [registries, image, admitted] of hosts)
  test(`registries ${registries}: ${image.slice(0, 30)} is ${admitted ? 'admitted' : 'denied'}`, () =>
    assert.equal(admits('pods', pod(image), { registries }), admitted));

test('it fails closed, on create and update, also for ephemeral containers', () => {
  for (const { spec: given } of policies()) {
    assert.equal(given.failurePolicy, 'Fail');
    for (const { operations } of given.matchConstraints.resourceRules)
      assert.deepEqual(operations, ['CREATE', 'UPDATE']);
  }
  assert.ok(JSON.stringify(policies()).includes('"pods/ephemeralcontainers"'));
});

test('the binding: actions by mode, exempt namespaces by name', () => {
  const bindings = (mode: 'enforce' | 'warn' | 'audit', exemptNamespaces: string[]) =>
    (
      backstop({ registries: [], exemptNamespaces, mode }) as {
        kind: string;
        spec: { validationActions?: string[]; matchResources?: object };
      }[]
    ).filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding');
  assert.deepEqual(bindings('enforce', [])[0]?.spec.validationActions, ['Deny', 'Audit']);
  assert.deepEqual(bindings('warn', [])[0]?.spec.validationActions, ['Warn', 'Audit']);
  assert.deepEqual(bindings('audit', [])[0]?.spec.validationActions, ['Audit']);
  assert.equal(bindings('enforce', [])[0]?.spec.matchResources, undefined);
  assert.deepEqual(bindings('enforce', ['db'])[0]?.spec.matchResources, {
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['db'] }],
    },
  });
});
