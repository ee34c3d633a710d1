// The webhook configurations: what the API server sends, and what happens without an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TEMPLATED } from '../kube/kinds.ts';
import type { InstallOptions } from './options.ts';
import { webhook } from './webhooks.ts';

const OPTIONS: InstallOptions = {
  namespace: 'tagproof',
  image: 'i',
  policy: '',
  tls: 'own',
  cluster: true,
  pullSecrets: false,
  exemptNamespaces: ['kube-system'],
  failurePolicy: 'Fail',
  templates: 'enforce',
  replicas: 2,
};
type Hook = {
  name: string;
  clientConfig: { service: { path: string }; caBundle?: string };
  rules: { resources: string[]; operations: string[] }[];
  failurePolicy: string;
  matchPolicy: string;
  timeoutSeconds: number;
  namespaceSelector?: { matchExpressions: { values: string[] }[] };
  reinvocationPolicy?: string;
};
const hooks = (kind: 'Mutating' | 'Validating', more: Partial<InstallOptions> = {}) =>
  (webhook({ ...OPTIONS, ...more }, kind) as { webhooks: Hook[] }).webhooks;
const resources = ({ rules }: Hook) => rules.flatMap((rule) => rule.resources);

test('pods and ephemeral containers are mutated and validated; templates are only validated', () => {
  const [mutate] = hooks('Mutating');
  const [validate] = hooks('Validating');
  assert.deepEqual(resources(mutate as Hook), ['pods', 'pods/ephemeralcontainers']);
  assert.deepEqual(
    resources(validate as Hook).sort(),
    ['pods', 'pods/ephemeralcontainers', ...TEMPLATED.map(({ resource }) => resource)].sort(),
  );
  for (const hook of [mutate, validate] as Hook[])
    for (const { operations } of hook.rules) assert.deepEqual(operations, ['CREATE', 'UPDATE']);
});

test('T13: the mutating webhook is called again when a later one changes the pod', () => {
  assert.equal(hooks('Mutating')[0]?.reinvocationPolicy, 'IfNeeded');
});

test('with templates ignored the API server does not even send them', () => {
  assert.deepEqual(resources(hooks('Validating', { templates: 'ignore' })[0] as Hook), [
    'pods',
    'pods/ephemeralcontainers',
  ]);
});

test('every version of a kind is sent, and the answer is awaited for ten seconds', () => {
  for (const hook of [...hooks('Mutating'), ...hooks('Validating')]) {
    assert.equal(hook.matchPolicy, 'Equivalent');
    assert.equal(hook.timeoutSeconds, 10);
  }
});

test('failurePolicy: as given for images; a policy stays writable, a bypass does not', () => {
  const policyOf = (failurePolicy: 'Fail' | 'Ignore') =>
    Object.fromEntries(
      hooks('Validating', { failurePolicy }).map((hook) => [hook.name.split('.')[0], hook.failurePolicy]),
    );
  assert.deepEqual(policyOf('Fail'), { validate: 'Fail', policies: 'Ignore', bypasses: 'Fail' });
  assert.deepEqual(policyOf('Ignore'), { validate: 'Ignore', policies: 'Ignore', bypasses: 'Fail' });
});

test('T19: bypasses are reviewed in every namespace, also in exempt ones', () => {
  const bypasses = hooks('Validating').find(({ name }) => name.startsWith('bypasses'));
  assert.equal(bypasses?.namespaceSelector, undefined);
  assert.deepEqual(resources(bypasses as Hook), ['bypasses']);
  assert.equal(hooks('Validating', { cluster: false }).length, 1, 'without policy objects there are none to review');
});

test('exempt namespaces: each once, the webhook’s own always', () => {
  const values = (exemptNamespaces: string[]) =>
    hooks('Validating', { exemptNamespaces })[0]?.namespaceSelector?.matchExpressions[0]?.values;
  assert.deepEqual(values(['tagproof', 'kube-system']), ['tagproof', 'kube-system']);
  assert.deepEqual(values([]), ['tagproof']);
});

test('the CA of a given certificate is in the configuration; other certificates bring theirs later', () => {
  const given = { ca: 'CA', cert: 'C', key: 'K' };
  for (const kind of ['Mutating', 'Validating'] as const) {
    const bundle = (tls: InstallOptions['tls']) => hooks(kind, { tls })[0]?.clientConfig.caBundle;
    assert.equal(bundle(given), Buffer.from('CA').toString('base64'));
    assert.equal(bundle('own'), undefined);
    assert.equal(bundle('cert-manager'), undefined);
  }
});
