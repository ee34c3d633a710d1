// From install to uninstall at a real API server: the manifests, renewal of certificates, changing policies, restarts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Problem } from '../../src/problem.ts';
import type { Replica } from './fake-kubelet.ts';
import {
  at,
  create,
  evil,
  good,
  installWebhook,
  kube,
  kubectl,
  POLICIES,
  replicas,
  startInstalled,
  until,
} from './installed.ts';
import { suite } from './suite.ts';

suite(
  'the webhook installed',
  ['etcd', 'kube-apiserver', 'kubectl'],
  () => {
    before(startInstalled);
    after(async () => {
      for (const replica of replicas) await replica.stop(true);
    });

    test(
      'the API server accepts all manifests by strict validation; two replicas start and share one certificate',
      installWebhook,
    );

    test('certificate and CA are renewed while pods are created: no pod is rejected', {
      timeout: 120_000,
    }, async () => {
      const { renewal, AUTHORITY_DAYS, LEAF_DAYS } = await import('../../src/admission/serving-certificate.ts');
      const names = ['tagproof-admission.tagproof.svc', 'tagproof-admission.tagproof.svc.cluster.local'];
      const path = '/api/v1/namespaces/tagproof/secrets/tagproof-admission';
      const before = ((await kube.get(path))['data'] as Record<string, string>)['ca.crt'];
      // The authority is old; the leaf that is shown stays good meanwhile. What the webhook does in two years it does now.
      const old = await renewal(
        undefined,
        names,
        false,
        new Date(Date.now() - (AUTHORITY_DAYS - LEAF_DAYS) * 86_400_000),
      );
      const fresh = await renewal({ ...(old as NonNullable<typeof old>) }, names, true, new Date());
      assert.ok(
        fresh !== undefined && fresh.bundle.length === 2,
        'the next step is a second authority beside the first',
      );
      let made = 0;
      const faults: string[] = [];
      let on = true;
      const load = (async () => {
        for (; on; made++) {
          const says = await create(good());
          if (says !== undefined) faults.push(says);
        }
      })();
      // Makes the current CA expire soon: a new Secret whose CA is valid for 60 days, with its own bundle.
      const object = await kube.get(path);
      const data = object['data'] as Record<string, string>;
      const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
      const encode = (value: string) => Buffer.from(value).toString('base64');
      await kube.replace(path, {
        ...object,
        data: {
          ...data,
          'ca.crt': encode(`${old?.bundle.join('')}${text('ca.crt')}`),
          'ca.key': encode(old?.caKey ?? ''),
        },
      });
      await until(
        'a new authority signs',
        async () => {
          const now = (await kube.get(path))['data'] as Record<string, string>;
          const shown = replicas.every(
            ({ log }) => log.filter((line) => line.includes('certificate in use')).length >= 2,
          );
          return now['ca.crt'] !== before && now['tls.crt'] !== data['tls.crt'] && shown;
        },
        90,
      );
      on = false;
      await load;
      assert.deepEqual(faults, []);
      assert.ok(made > 20, String(made));
    });

    test('one replica ends without losing a review, the other continues', {
      timeout: 60_000,
    }, async () => {
      const [first] = replicas as [Replica];
      const faults: string[] = [];
      let [on, made] = [true, 0];
      const load = (async () => {
        while (on) {
          const says = await create(good());
          if (says !== undefined) faults.push(says);
          made++;
        }
      })();
      assert.equal(await first.stop(), 0);
      const goal = made + 20;
      await until('pods are made after the end', async () => made >= goal || faults.length > 0);
      on = false;
      await load;
      assert.deepEqual(faults, []);
    });

    test('uninstalled, nothing of it is left', { timeout: 60_000 }, async () => {
      await kubectl('delete', '--ignore-not-found', '--wait=false', '-f', at('manifests.yaml'));
      for (const replica of replicas) await replica.stop(true);
      const mine = { items: [] as string[] };
      for (const kind of [
        'mutatingwebhookconfigurations',
        'validatingwebhookconfigurations',
        'customresourcedefinitions',
        'clusterroles',
        'clusterrolebindings',
      ])
        mine.items.push(
          ...(await kubectl('get', kind, '-o', 'name')).split('\n').filter((name) => name.includes('tagproof')),
        );
      for (const kind of [
        'secrets',
        'configmaps',
        'deployments',
        'services',
        'roles',
        'rolebindings',
        'networkpolicies',
        'poddisruptionbudgets',
        'serviceaccounts',
      ])
        mine.items.push(
          ...(await kubectl('-n', 'tagproof', 'get', kind, '-o', 'name'))
            .split('\n')
            .filter((name) => name.includes('tagproof')),
        );
      // The definitions disappear a moment after their last object.
      await until(
        'the definitions are gone',
        async () => !/tagproof/.test(await kubectl('get', 'customresourcedefinitions', '-o', 'name')),
      );
      assert.deepEqual(
        mine.items.filter((name) => !name.startsWith('customresourcedefinition')),
        [],
      );
      await assert.rejects(kube.get(POLICIES), (error) => error instanceof Problem && error.code === 'not-found');
      assert.equal(await create(evil()), undefined);
    });
  },
  400,
);
