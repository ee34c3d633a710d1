// What doctor finds in webhook configurations. test/real/install runs the whole doctor at a real
// API server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCertificates } from '../install/certificate.ts';
import { manifests } from '../install/manifests.ts';
import type { InstallOptions } from '../install/options.ts';
import { PODS, TEMPLATED } from '../kube/kinds.ts';
import type { KubeObject } from '../kube/object.ts';
import { checkHooks, covers, exemptNamespaces, hookAt, type Live, selfExempting } from './webhook-checks.ts';

async function live(change: (hook: Record<string, unknown>) => object = (hook) => hook): Promise<Live> {
  const options: InstallOptions = {
    namespace: 'tagproof',
    image: 'i',
    policy: '',
    tls: await makeCertificates(['localhost']),
    cluster: true,
    pullSecrets: false,
    exemptNamespaces: ['kube-system'],
    failurePolicy: 'Fail',
    templates: 'enforce',
    replicas: 2,
  };
  const of = (kind: string) => {
    const object = manifests(options).find((item) => (item as { kind: string }).kind === kind) as KubeObject;
    return { ...object, webhooks: (object['webhooks'] as Record<string, unknown>[]).map(change) } as KubeObject;
  };
  return { mutating: of('MutatingWebhookConfiguration'), validating: of('ValidatingWebhookConfiguration') };
}
const faults = (checked: Live, custom = [] as never[]) =>
  checkHooks(checked, custom, Date.now()).flatMap(({ state, message }) =>
    state === 'pass' ? [] : [`${state} ${message}`],
  );

test('the configurations that manifests writes pass', async () => {
  assert.deepEqual(faults(await live()), []);
});

test('missing webhooks are found', () => {
  assert.match(
    faults({ mutating: undefined, validating: undefined }).join('\n'),
    /fail nothing is validated.*\n.*warn no digests/,
  );
});

const changes: [name: string, change: object, says: RegExp][] = [
  [
    'objects that are excluded by label',
    { objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] } },
    /fail .*objectSelector/,
  ],
  ['matchConditions', { matchConditions: [{ name: 'x', expression: 'false' }] }, /fail .*matchConditions/],
  ['fails open', { failurePolicy: 'Ignore' }, /warn .*failurePolicy is Ignore/],
  ['exact versions', { matchPolicy: 'Exact' }, /fail .*Exact/],
  [
    'creations only',
    { rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE'], resources: ['*/*'] }] },
    /fail Pod \(pods\)/,
  ],
];
for (const [name, change, says] of changes)
  test(`doctor finds: ${name}`, async () => {
    assert.match(faults(await live((hook) => ({ ...hook, ...change }))).join('\n'), says);
  });

test('custom resources with images that no rule covers are found', async () => {
  const custom = [{ apiVersion: 'monitoring.coreos.com/v1', resource: 'prometheuses', kind: 'Prometheus' }] as never[];
  assert.match(faults(await live(), custom).join(), /warn Prometheus \(monitoring\.coreos\.com\/v1\) contains images/);
});

test('rules with `*` cover what the API server sends for them', () => {
  const rule = (resources: string[], operations = ['*']) => ({
    name: 'x',
    clientConfig: {},
    rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations, resources }],
  });
  const ephemeral = { ...PODS, resource: 'pods/ephemeralcontainers' };
  const runs: [resources: string[], kind: typeof PODS, covered: boolean][] = [
    [['*'], PODS, true],
    [['*'], ephemeral, false],
    [['*/*'], ephemeral, true],
    [['pods/*'], ephemeral, true],
    [['*/ephemeralcontainers'], ephemeral, true],
    [['pods'], ephemeral, false],
  ];
  for (const [resources, kind, covered] of runs)
    assert.equal(covers(rule(resources), kind), covered, `${resources} ${kind.resource}`);
  for (const kind of TEMPLATED) assert.ok(covers(rule(['*']), kind));
});

test('T20: exempt namespaces are found, and labels by which a namespace can exempt itself', async () => {
  const namespaces = ['kube-system', 'tagproof', 'shop'].map((name) => ({
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  }));
  const good = await live();
  assert.deepEqual(exemptNamespaces(good, namespaces), ['kube-system', 'tagproof']);
  assert.deepEqual(selfExempting(good), []);
  const optIn = await live((hook) => ({ ...hook, namespaceSelector: { matchLabels: { guarded: 'yes' } } }));
  assert.deepEqual(exemptNamespaces(optIn, namespaces), ['kube-system', 'tagproof', 'shop']);
  assert.deepEqual(selfExempting(optIn), ['guarded']);
  assert.equal(hookAt(good.validating, '/nowhere'), undefined);
});

const DAY_MS = 86_400_000;
const bundles: [name: string, days: number, state: string][] = [
  ['valid for long', 0, ''],
  ['expires within 30 days', 340, 'warn'],
  ['has expired', 400, 'fail'],
];
for (const [name, days, state] of bundles)
  test(`the CA that the API server trusts ${name}`, async () => {
    const found = checkHooks(await live(), [], Date.now() + days * DAY_MS).filter(
      ({ subject }) => subject === 'certificate',
    );
    assert.deepEqual([...new Set(found.map((check) => check.state))], state === '' ? [] : [state]);
  });

test('a webhook without a CA cannot be called', async () => {
  const found = faults(
    await live((hook) => ({ ...hook, clientConfig: { ...(hook['clientConfig'] as object), caBundle: '' } })),
  );
  assert.match(found.join(), /fail .*no caBundle, so the API server cannot call it/);
});
