// Policies as objects at a real API server: what is refused, which generation is in force, what a namespace may add, pull secrets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import {
  cluster,
  condition,
  create,
  evil,
  good,
  host,
  installWebhook,
  kube,
  POLICIES,
  pod,
  replicas,
  signed,
  startInstalled,
  until,
} from './installed.ts';
import { atEnd, suite } from './suite.ts';

suite(
  'the policies of an installed webhook',
  ['etcd', 'kube-apiserver', 'kubectl'],
  () => {
    before(async () => {
      await startInstalled();
      await installWebhook();
    });
    after(async () => {
      for (const replica of replicas) await replica.stop(true);
    });

    test('a policy that cannot be used is refused where it is written; a good one is in force, with its status', async () => {
      const policy = (spec: object, name = 'extra') => ({
        apiVersion: 'tagproof.dev/v1alpha1',
        kind: 'ImagePolicy',
        metadata: { name },
        spec,
      });
      const images = ['elsewhere.test/**'];
      await assert.rejects(
        kube.create(POLICIES, policy({ rules: [{ name: 'r', images, signatures: { all: ['nobody'] } }] })),
        /names the authority 'nobody'/,
      );
      await assert.rejects(kube.create(POLICIES, policy({ rules: [{ name: 'r', images: ['*'] }] })), /images/);
      const image = `elsewhere.test/x@sha256:${'a'.repeat(64)}`;
      assert.match((await create(image)) ?? '', /no rule applies to this image/);
      await kube.create(POLICIES, policy({ rules: [{ name: 'r', images, digest: 'required' }] }));
      await until('the policy is in force', async () => (await create(image)) === undefined);
      assert.match((await create('elsewhere.test/x:1')) ?? '', /rule 'extra\/r': must be pinned/);
      await until('its status', async () => (await condition(`${POLICIES}/extra`, 'Ready'))?.status === 'True');
      // A demand of one policy is no way round another's: all that match must be met (T24).
      await kube.create(
        POLICIES,
        policy({ rules: [{ name: 'r', images, digest: 'required', platforms: ['linux/s390x'] }] }, 'stricter'),
      );
      await until('both hold', async () => /could not be checked|linux\/s390x/.test((await create(image)) ?? ''));
      await kube.delete(`${POLICIES}/stricter`);
      await until('one holds', async () => (await create(image)) === undefined);
    });

    test('an unusable generation leaves the earlier one in force, with a status that says so', async () => {
      // Bypasses our own review, as if the webhook were away: then the object is admitted.
      const hooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tagproof-admission';
      const saved = await kube.get(hooks);
      const list = saved['webhooks'] as { name: string }[];
      await kube.patch(hooks, 'merge', { webhooks: list.filter(({ name }) => !name.startsWith('policies')) });
      const spec = { rules: [{ name: 'r', images: ['elsewhere.test/**'], signatures: { any: ['gone'] } }] };
      await until('our review is asked no longer', () =>
        kube.patch(`${POLICIES}/extra`, 'merge', { spec }).then(
          () => true,
          () => false,
        ),
      );
      await until('it is said', async () =>
        /an earlier generation stays in force: .*'gone'/.test(
          (await condition(`${POLICIES}/extra`, 'Ready'))?.message ?? '',
        ),
      );
      assert.equal(await create(`elsewhere.test/x@sha256:${'a'.repeat(64)}`), undefined);
      await kube.patch(hooks, 'merge', { webhooks: list });
      await kube.patch(`${POLICIES}/extra`, 'merge', {
        spec: { rules: [{ name: 'r', images: ['elsewhere.test/**'], digest: 'required' }] },
      });
      await until('mended', async () => (await condition(`${POLICIES}/extra`, 'Ready'))?.status === 'True');
    });

    test('T21: a namespaced policy tightens its namespace, and loosens nothing anywhere', async () => {
      const path = '/apis/tagproof.dev/v1alpha1/namespaces/lab/namespacedimagepolicies';
      const policy = (spec: object) => ({
        apiVersion: 'tagproof.dev/v1alpha1',
        kind: 'NamespacedImagePolicy',
        metadata: { name: 'own' },
        spec,
      });
      const rule = { name: 'none', images: ['**'], digest: 'required' };
      for (const [spec, says] of [
        [{ rules: [{ ...rule, namespaces: ['shop'] }] }, /their own namespace/],
        [
          {
            rules: [rule],
            authorities: { a: { notary: { server: 'https://evil.test', roots: ['-----BEGIN PUBLIC KEY-----'] } } },
          },
          /may set notary\.server/,
        ],
      ] as const)
        await assert.rejects(kube.create(path, policy(spec)), says);
      await assert.rejects(
        kube.create(
          `${path}?fieldValidation=Strict`,
          policy({ rules: [rule], exemptions: [{ images: [`${host}/web`], reason: 'x' }] }),
        ),
        /unknown field "spec.exemptions"/,
      );
      // The image meets the namespace's rule for every image, but no rule of the cluster applies to it.
      await kube.create(path, policy({ rules: [rule] }));
      await until('it holds', async () =>
        /rule 'lab\/own\/none'/.test((await create(`${host}/web:evil`, 'lab')) ?? ''),
      );
      assert.match((await create(`unknown.test/x@sha256:${'a'.repeat(64)}`, 'lab')) ?? '', /no rule applies/);
      assert.equal(await create(`${good()}@${signed}`, 'lab'), undefined);
      assert.equal(await create(good(), 'shop'), undefined, 'and nothing changed elsewhere');
      await kube.delete(`${path}/own`);
    });

    test('T20: labels of a namespace decide nothing', async () => {
      await kube.patch('/api/v1/namespaces/shop', 'merge', {
        metadata: {
          labels: {
            'policy.sigstore.dev/include': 'false',
            'admission.tagproof.dev/ignore': 'true',
            'control-plane': 'x',
          },
        },
      });
      // Nothing tells when the API server has read the labels, so it is asked more than once. A pause that
      // is too short would miss a fault; it cannot fail.
      for (let i = 0; i < 5; i++) {
        await sleep(100);
        assert.match((await create(evil())) ?? '', /must be signed/);
      }
    });

    test('T51: pull secrets give access to a private registry in their own namespace only', async () => {
      const locked = new EmbeddedRegistry({ auth: { kind: 'basic', username: 'u', password: 'p' } });
      const other = await locked.listen();
      atEnd(() => locked.close());
      const digest = await pushSample(other, {
        repository: 'private',
        tag: '1',
        platforms: ['linux/amd64'],
        content: 'x',
      });
      const spec = { rules: [{ name: 'private', images: [`${other}/**`], digest: 'resolve' }] };
      await kube.create(POLICIES, {
        apiVersion: 'tagproof.dev/v1alpha1',
        kind: 'ImagePolicy',
        metadata: { name: 'private' },
        spec,
      });
      const auth = Buffer.from('u:p').toString('base64');
      const text = JSON.stringify({
        auths: { [other]: { auth } },
        credsStore: 'evil',
        credHelpers: { [other]: 'evil' },
      });
      await kube.create('/api/v1/namespaces/lab/secrets', {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'pull' },
        type: 'kubernetes.io/dockerconfigjson',
        data: { '.dockerconfigjson': Buffer.from(text).toString('base64') },
      });
      const image = `${other}/private:1`;
      const withSecret = (namespace: string) =>
        kube.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
          ...pod(image),
          spec: { containers: [{ name: 'c', image }], imagePullSecrets: [{ name: 'pull' }] },
        });
      await until('lab may', () =>
        withSecret('lab').then(
          (made) => JSON.stringify(made).includes(digest),
          () => false,
        ),
      );
      const refused = await withSecret('shop').then(
        () => 'let in',
        (error) => String(error.message),
      );
      assert.match(refused, /could not be checked/);
      assert.doesNotMatch(
        refused.replaceAll(other, ''),
        new RegExp(`${digest}|401|u:p`),
        'and nothing is learned (T54)',
      );
      // A service account's secrets count as the pod's own.
      await kube.create('/api/v1/namespaces/lab/serviceaccounts', {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'puller' },
        imagePullSecrets: [{ name: 'pull' }],
      });
      const made = await kube.create('/api/v1/namespaces/lab/pods?dryRun=All', {
        ...pod(image),
        spec: { serviceAccountName: 'puller', containers: [{ name: 'c', image }] },
      });
      assert.match(JSON.stringify(made), new RegExp(digest));
      await kube.delete(`${POLICIES}/private`);
    });

    test('policies change while pods are made: no answer but yes or no', { timeout: 60_000 }, async () => {
      const faults: string[] = [];
      let on = true;
      let made = 0;
      const load = Promise.all(
        [good(), evil()].map(async (image) => {
          for (; on; made++) {
            const says = await create(image);
            const right = image === good() ? says === undefined : /must be signed/.test(says ?? '');
            if (!right) faults.push(`${image}: ${says}`);
          }
        }),
      );
      for (let i = 0; i < 10; i++) {
        const spec = { rules: [{ name: `r${i}`, images: ['elsewhere.test/**'], digest: 'required' }] };
        await kube.patch(`${POLICIES}/extra`, 'merge', { spec });
        await sleep(250); // the pace of the changes; nothing waits for it
      }
      on = false;
      await load;
      assert.deepEqual(faults, []);
      assert.ok(made > 20, String(made));
    });

    test('after a restart of the API server policies are still watched', { timeout: 90_000 }, async () => {
      await cluster.restart();
      await until('reviews go on', async () => (await create(good())) === undefined);
      const spec = { rules: [{ name: 'after', images: ['elsewhere.test/**'], digest: 'required' }] };
      await kube.patch(`${POLICIES}/extra`, 'merge', { spec });
      await until(
        'a change is taken up',
        async () => /rule 'extra\/after'/.test((await create('elsewhere.test/x:1')) ?? ''),
        60,
      );
    });
  },
  400,
);
