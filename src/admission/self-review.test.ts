// Reviews of tagproof's own objects: unusable policies, and bypasses without the right to create them (T19).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import { Problem } from '../problem.ts';
import { readReview } from './review.ts';
import { selfReview } from './self-review.ts';

const request = (kind: string, object: unknown, more: object = {}) =>
  readReview({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      operation: 'CREATE',
      namespace: 'shop',
      kind: { group: 'tagproof.dev', version: 'v1alpha1', kind },
      userInfo: { username: 'ann', uid: '7', groups: ['dev'], extra: { scope: ['x'] } },
      object,
      ...more,
    },
  });
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const bypass = (until = inHours(1), images = ['ghcr.io/org/web:v2']) => ({
  metadata: { name: 'b', namespace: 'shop' },
  spec: { images, reason: 'incident 4711', until },
});
const policy = (spec: object) => ({ metadata: { name: 'p' }, spec });
const rule = { name: 'r', images: ['ghcr.io/org/**'], digest: 'required' };

test('T19: a bypass needs the verb bypass in its own namespace, asked with the identity of its author', async () => {
  const kube = new FakeKube();
  assert.equal((await selfReview(request('Bypass', bypass()), kube.client)).allowed, true);
  const [{ body } = { body: {} }] = kube.writes;
  assert.deepEqual((body as { spec?: object }).spec, {
    user: 'ann',
    uid: '7',
    groups: ['dev'],
    extra: { scope: ['x'] },
    resourceAttributes: { namespace: 'shop', verb: 'bypass', group: 'tagproof.dev', resource: 'imagepolicies' },
  });
  kube.allows = () => false;
  const denied = await selfReview(request('Bypass', bypass()), kube.client);
  assert.equal(denied.allowed, false);
  assert.match(denied.message ?? '', /tagproof: ann may not create bypasses: this needs the verb bypass/);
});

test('T19: without an API server to ask, or without its answer, no one may create a bypass', async () => {
  assert.equal((await selfReview(request('Bypass', bypass()), undefined)).allowed, false);
  const kube = new FakeKube();
  kube.failures.set('/apis/authorization.k8s.io/v1/subjectaccessreviews', new Problem('unreachable', 'down'));
  const answer = await selfReview(request('Bypass', bypass()), kube.client);
  assert.equal(answer.allowed, false);
  assert.match(answer.message ?? '', /down/);
});

const terms: [name: string, object: object, message: RegExp][] = [
  ['longer than a day', bypass(inHours(24.1)), /within a day/],
  ['already over', bypass(inHours(-1)), /already passed/],
  ['without a literal host', bypass(inHours(1), ['**']), /spec\.images/],
];
for (const [name, object, message] of terms)
  test(`a bypass is refused, also for those with the right: ${name}`, async () => {
    const { allowed, message: text } = await selfReview(request('Bypass', object), new FakeKube().client);
    assert.equal(allowed, false);
    assert.match(text ?? '', message);
  });

test('an unusable policy is refused where it is written, with its reason', async () => {
  const misspelt = policy({ rules: [{ ...rule, signatures: { all: ['gone'] } }] });
  for (const kind of ['ImagePolicy', 'NamespacedImagePolicy']) {
    const answer = await selfReview(request(kind, misspelt), undefined);
    assert.equal(answer.allowed, false, kind);
    assert.match(answer.message ?? '', /tagproof: .*gone/, kind);
  }
});

test('T21: a namespaced policy must not loosen anything', async () => {
  const loosening = policy({ rules: [rule], exemptions: [{ images: ['ghcr.io/org/x'], reason: 'old' }] });
  assert.equal((await selfReview(request('NamespacedImagePolicy', loosening), undefined)).allowed, false);
  assert.equal((await selfReview(request('ImagePolicy', loosening), undefined)).allowed, true);
});

test('a usable policy is admitted, with the findings of lint as warnings', async () => {
  const { allowed, warnings = [] } = await selfReview(request('ImagePolicy', policy({ rules: [] })), undefined);
  assert.equal(allowed, true);
  assert.match(warnings.join(), /^tagproof: error: rules: /);
  const clean = await selfReview(request('ImagePolicy', policy({ rules: [rule] })), undefined);
  assert.deepEqual(clean, { allowed: true });
});

test('deletions, and updates that leave the spec as it is, are admitted without a check', async () => {
  const broken = policy({ rules: 'none' });
  const gone = request('ImagePolicy', null, { operation: 'DELETE', oldObject: broken });
  assert.deepEqual(await selfReview(gone, undefined), { allowed: true });
  const relabelled = request('ImagePolicy', { ...broken, status: {} }, { operation: 'UPDATE', oldObject: broken });
  assert.deepEqual(await selfReview(relabelled, undefined), { allowed: true });
  const extended = request('Bypass', bypass(inHours(2)), { operation: 'UPDATE', oldObject: bypass(inHours(1)) });
  assert.equal((await selfReview(extended, undefined)).allowed, false, 'a longer term is a new bypass');
});

test('objects of another API group are refused', async () => {
  const other = request('ConfigMap', {}, { kind: { group: '', version: 'v1', kind: 'ConfigMap' } });
  assert.match(
    (await selfReview(other, undefined)).message ?? '',
    /expected an object of tagproof\.dev, got ConfigMap/,
  );
});
