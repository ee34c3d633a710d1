// Permissions as the API server answers for the webhook's service account, and for everyone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube, type ReviewSpec } from '../../test/fake-kube.ts';
import { type Feature, PERMISSIONS } from '../install/permissions.ts';
import { checkPermissions } from './permission-checks.ts';

const deployment = (...args: string[]) => ({ spec: { template: { spec: { containers: [{ args }] } } } });
const account = 'system:serviceaccount:guard:tagproof-admission';
const isWebhook = ({ user }: ReviewSpec) => user === account;

async function check(allows: (spec: ReviewSpec) => boolean, ...args: string[]) {
  const kube = new FakeKube();
  kube.allows = allows;
  const checks = await checkPermissions(kube.client, deployment(...args), 'guard');
  const asked = kube.writes.map(({ body }) => (body as { spec: ReviewSpec }).spec);
  return { checks, asked };
}

const FLAGS: [Feature, string][] = [
  ['cluster', '--cluster'],
  ['certificate', '--own-certificate'],
  ['pull-secrets', '--pull-secrets'],
  ['reports', '--report-every'],
];
for (const [feature, flag] of FLAGS)
  test(`${flag}: every permission of ${feature} is asked for the service account`, async () => {
    const { checks, asked } = await check(isWebhook, flag);
    const expected = PERMISSIONS[feature].reduce(
      (sum, { resources, verbs }) => sum + resources.length * verbs.length,
      0,
    );
    assert.equal(asked.filter(isWebhook).length, expected);
    assert.deepEqual(
      checks.map(({ state, message }) => [state, message]),
      [['pass', `the service account has all ${expected} permissions; not everyone may create a bypass`]],
    );
  });

test('a missing permission fails, with what needs it', async () => {
  const denied = (spec: ReviewSpec) => isWebhook(spec) && spec.resourceAttributes['verb'] !== 'watch';
  const { checks } = await check(denied, '--cluster');
  assert.deepEqual(
    checks.map(({ state, message }) => `${state}: ${message}`),
    ['imagepolicies', 'namespacedimagepolicies', 'bypasses'].map(
      (resource) => `fail: tagproof-admission may not watch ${resource}.tagproof.dev, which cluster needs`,
    ),
  );
});

test('subresources, names and namespaces are asked as the roles grant them', async () => {
  const { asked } = await check(isWebhook, '--cluster', '--own-certificate');
  const has = (attributes: Record<string, string>) =>
    asked.some(({ resourceAttributes }) =>
      Object.entries(attributes).every(([key, value]) => resourceAttributes[key] === value),
    );
  assert.ok(has({ resource: 'imagepolicies', subresource: 'status', verb: 'patch' }));
  assert.ok(has({ resource: 'secrets', verb: 'update', name: 'tagproof-admission', namespace: 'guard' }));
  assert.ok(has({ resource: 'mutatingwebhookconfigurations', verb: 'patch', name: 'tagproof-admission' }));
});

test('T19: a bypass that everyone may create fails', async () => {
  const { checks } = await check(() => true, '--cluster');
  assert.deepEqual(
    checks.map(({ state, message }) => [state, message]),
    [['fail', 'every authenticated user may bypass imagepolicies']],
  );
});

test('without a Deployment there is nothing to ask: the check of pods reports it', async () => {
  const kube = new FakeKube();
  assert.deepEqual(await checkPermissions(kube.client, undefined, 'guard'), []);
  assert.deepEqual(kube.writes, []);
});
