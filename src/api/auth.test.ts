// Who may read: the token of this run, or whom the API server authenticates and authorizes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../kube/client.ts';
import { isToken, kubernetesGuard, oneTimeToken, tokenHash } from './auth.ts';

test('the token of a run: long, different each time, and only itself is allowed', async () => {
  const { token, guard } = oneTimeToken();
  assert.ok(token.length >= 32);
  assert.notEqual(oneTimeToken().token, token);
  assert.equal(await guard(token), 'allowed');
  for (const wrong of [undefined, '', 'x', token.slice(1), `${token} `, token.toLowerCase()])
    if (wrong !== token) assert.equal(await guard(wrong), 'unknown', wrong);
});

test('tokens of any length are compared without an exception', () => {
  for (const given of ['', 'x', 'x'.repeat(10_000)]) assert.equal(isToken(given, tokenHash('secret')), false);
  assert.equal(isToken('secret', tokenHash('secret')), true);
});

type Review = { status?: unknown };
/** An API server that answers TokenReviews and SubjectAccessReviews, and counts them. */
function fakeKube(review: (token: string) => Review, isAllowed: (subject: Record<string, unknown>) => boolean) {
  const requests: string[] = [];
  const subjects: Record<string, unknown>[] = [];
  const create = async (path: string, { spec }: { spec: Record<string, unknown> }) => {
    requests.push(path.split('/').at(-1) ?? '');
    if (path.endsWith('tokenreviews')) return review(spec['token'] as string);
    subjects.push(spec);
    return { status: { allowed: isAllowed(spec) } };
  };
  return { kube: { create } as unknown as KubeClient, requests, subjects };
}
const known = (): Review => ({
  status: { authenticated: true, user: { username: 'ann', uid: 'u', groups: ['dev'], extra: { scopes: ['read'] } } },
});

test('the API server authenticates the token and authorizes its user, with all that it said of that user', async () => {
  const { kube, subjects } = fakeKube(known, () => true);
  const guard = kubernetesGuard(kube);
  assert.equal(await guard('t'), 'allowed');
  const [{ user, uid, groups, extra, resourceAttributes }] = subjects as [Record<string, unknown>];
  assert.deepEqual([user, uid, groups, extra], ['ann', 'u', ['dev'], { scopes: ['read'] }]);
  assert.deepEqual(resourceAttributes, { verb: 'get', group: 'tagproof.dev', resource: 'records' });
});

test('a token that is not authenticated is unknown, whatever else the answer says; one without the right is forbidden', async () => {
  const user = { username: 'ann' };
  const reviews: Review[] = [
    {},
    { status: {} },
    { status: { authenticated: false, user } },
    { status: { authenticated: 'true', user } },
    { status: { user } },
    { status: { authenticated: true } },
    { status: { authenticated: true, user: {} } },
  ];
  for (const review of reviews) {
    const { kube, requests } = fakeKube(
      () => review,
      () => true,
    );
    assert.equal(await kubernetesGuard(kube)('t'), 'unknown', JSON.stringify(review));
    assert.deepEqual(requests, ['tokenreviews'], 'nobody is authorized who is not authenticated');
  }
  assert.equal(await kubernetesGuard(fakeKube(known, () => false).kube)('t'), 'forbidden');
  const { kube, requests } = fakeKube(known, () => true);
  assert.equal(await kubernetesGuard(kube)(undefined), 'unknown');
  assert.deepEqual(requests, []);
});

test('an answer is cached for a minute and no longer, each token for itself', async () => {
  let allowed = true;
  let now = 0;
  const { kube, requests } = fakeKube(known, () => allowed);
  const guard = kubernetesGuard(kube, () => now);
  await guard('a');
  await guard('a');
  assert.equal(requests.length, 2);
  await guard('b');
  assert.equal(requests.length, 4);
  allowed = false;
  now = 59_999;
  assert.equal(await guard('a'), 'allowed');
  now = 60_000;
  assert.equal(await guard('a'), 'forbidden', 'a right that was taken away ends within a minute');
});

test('an API server that does not answer allows nobody', async () => {
  const create = () => Promise.reject(new Error('down'));
  await assert.rejects(kubernetesGuard({ create } as unknown as KubeClient)('t'));
});
