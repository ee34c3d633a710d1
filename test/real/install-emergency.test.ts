// The emergency exit at a real API server, and what doctor and simulate say about a cluster.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { KubeObject } from '../../src/kube/object.ts';
import {
  as,
  at,
  create,
  evil,
  good,
  host,
  installWebhook,
  kube,
  kubectl,
  metrics,
  pod,
  replicas,
  signed,
  startInstalled,
  tagproof,
  until,
} from './installed.ts';
import { suite } from './suite.ts';

suite(
  'the emergency exit, doctor and simulate',
  ['etcd', 'kube-apiserver', 'kubectl'],
  () => {
    before(async () => {
      await startInstalled();
      await installWebhook();
    });
    after(async () => {
      for (const replica of replicas) await replica.stop(true);
    });

    test('T19: only who has the right opens the emergency exit; with reason, Event and metric', async () => {
      const path = '/apis/tagproof.dev/v1alpha1/namespaces/shop/bypasses';
      const bypass = (until: number, images = [evil()]) => ({
        apiVersion: 'tagproof.dev/v1alpha1',
        kind: 'Bypass',
        metadata: { name: 'night' },
        spec: {
          images,
          reason: 'incident 4711: the signer is down',
          until: new Date(Date.now() + until).toISOString(),
        },
      });
      const bind = (name: string, role: string, user: string) => ({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name, namespace: 'shop' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'User', name: user, apiGroup: 'rbac.authorization.k8s.io' }],
      });
      const bindings = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings';
      await kube.create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'tenant' },
        // All of our kinds, and yet not the verb.
        rules: [
          { apiGroups: ['tagproof.dev'], resources: ['*'], verbs: ['create', 'get', 'list', 'update', 'delete'] },
          { apiGroups: [''], resources: ['pods'], verbs: ['create'] },
        ],
      });
      await kube.create(bindings, bind('tenant', 'tenant', 'tenant'));
      await kube.create(bindings, bind('oncall', 'tagproof-bypass', 'oncall'));
      const [tenant, oncall] = [as('tenant-token'), as('oncall-token')];
      await assert.rejects(
        tenant.create(path, bypass(3_600_000)),
        /tenant may not create bypasses: this needs the verb bypass/,
      );
      // No label or annotation of a pod changes anything.
      for (const more of [
        { annotations: { 'tagproof.dev/bypass': 'please', 'alpha.image-policy.k8s.io/break-glass': 'true' } },
        { labels: { 'tagproof.dev/bypass': 'true', 'image-policy.k8s.io/break-glass': 'true' } },
      ])
        assert.match((await create(evil(), 'shop', tenant, more)) ?? '', /must be signed/);
      await assert.rejects(oncall.create(path, bypass(48 * 3_600_000)), /within a day/);
      await assert.rejects(oncall.create(path, bypass(-1000)), /already passed/);
      await assert.rejects(oncall.create(path, bypass(3_600_000, ['**'])), /literal host/);
      await oncall.create(path, bypass(3_600_000));
      await until('the exit is open', async () => (await create(evil(), 'shop', tenant)) === undefined);
      assert.match((await create(evil(), 'lab')) ?? '', /must be signed/, 'in its namespace only');
      assert.match(
        (await create(`${host}/web:other`, 'shop')) ?? '',
        /could not be checked|must be signed/,
        'for its images only',
      );
      await kube.create('/api/v1/namespaces/shop/pods', pod(evil(), {}, 'let-in'));
      await until('an Event', async () => {
        const { items } = await kube.list('/apis/events.k8s.io/v1/namespaces/shop/events');
        return items.some(({ reason, note }) => reason === 'ImageBypassed' && /incident 4711/.test(String(note)));
      });
      const counted = await Promise.all(replicas.map(({ port }) => metrics(port)));
      assert.ok(counted.some((text) => /tagproof_bypasses_total\{namespace="shop"\} [1-9]/.test(text)));
      assert.ok(
        replicas.some(({ log }) => log.some((line) => line.includes('"bypass":{') && line.includes('incident 4711'))),
      );
      await oncall.delete(`${path}/night`);
      await until('the exit is shut', async () => /must be signed/.test((await create(evil(), 'shop')) ?? ''));
      await Promise.all([tenant.close(), oncall.close()]);
    });

    test('doctor: every gap is found, and nothing else', { timeout: 60_000 }, async () => {
      await kube.patch('/apis/apps/v1/namespaces/tagproof/deployments/tagproof-admission/status', 'merge', {
        status: { replicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: 1 },
      });
      const { status, out } = await tagproof('doctor', '--exempt-namespace', 'kube-system', '--no-registries');
      assert.match(out, /warn +back-stop +there is none/);
      assert.match(out, /0 failures, 1 warning and 0 unknown of \d+ checks/, out);
      assert.equal(status, 1);
      const hooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tagproof-admission';
      const saved = (await kube.get(hooks))['webhooks'] as KubeObject[];
      const [first, ...others] = saved as [{ rules: { resources: string[] }[] }, ...KubeObject[]];
      const broken = {
        ...first,
        failurePolicy: 'Ignore',
        namespaceSelector: { matchExpressions: [{ key: 'guarded', operator: 'In', values: ['yes'] }] },
        rules: first.rules.map((rule) => ({
          ...rule,
          resources: rule.resources.filter((name) => name !== 'pods/ephemeralcontainers' && name !== 'cronjobs'),
        })),
      };
      await kube.patch(hooks, 'merge', { webhooks: [broken, ...others] });
      await kube.delete('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tagproof-admission-cluster');
      const found = (await tagproof('doctor', '--no-registries')).out;
      for (const says of [
        /fail +coverage +ephemeral containers \(pods\/ephemeralcontainers\): creations and updates are not reviewed/,
        /warn +coverage +CronJob/,
        /warn +webhook +.*failurePolicy is Ignore/,
        /fail +namespaces +the label guarded decides/,
        /fail +permissions +tagproof-admission may not watch imagepolicies\.tagproof\.dev/,
      ])
        assert.match(found, says, found);
      await kube.patch(hooks, 'merge', { webhooks: saved });
      await kubectl('apply', '--validate=false', '-f', at('manifests.yaml'));
      assert.match((await tagproof('doctor', '--no-registries')).out, /0 failures, 1 warning/);
    });

    test('simulate: what a new policy would strand, by name', { timeout: 60_000 }, async () => {
      const template = (image: string) => ({
        metadata: { labels: { a: 'b' } },
        spec: { containers: [{ name: 'c', image }] },
      });
      const selector = { matchLabels: { a: 'b' } };
      for (const name of ['web', 'api'])
        await kube.create('/apis/apps/v1/namespaces/shop/deployments', {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name },
          spec: { selector, template: template(`${good()}@${signed}`) },
        });
      const current = await tagproof('simulate', '--in-force');
      assert.match(current.out, /1 workload would be stranded.*2 of 3 pass/s, current.out); // the one that the bypass let in
      assert.match(current.out, /shop\/Pod\/let-in .*must be signed/);
      writeFileSync(at('new.yaml'), `rules:\n  - {name: elsewhere, images: ["${host}/**"], registries: [ghcr.io]}\n`);
      const { status, out } = await tagproof('simulate', '--config', 'new.yaml', '-n', 'shop');
      assert.equal(status, 1);
      assert.match(out, /3 workloads would be stranded, 0 of 3 pass/);
      assert.match(out, /shop\/Deployment\/api +0 +.*must come from ghcr\.io/);
      assert.match((await tagproof('report')).out, /shop\/Deployment\/web +0 +.*passes/);
    });
  },
  400,
);
