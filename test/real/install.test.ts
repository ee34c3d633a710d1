// From install to uninstall at a real API server: what `tagproof manifests` writes, two replicas with their own rights, policies as
// objects, the way through in an emergency, renewal, doctor. No kubelet: see kubelet.ts.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../../src/kube/client.ts';
import { type LocalCluster, startCluster } from '../../src/kube/local.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { Problem } from '../../src/problem.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { signSample } from '../../src/sign/sample.ts';
import { keyAuthorityYaml } from '../signing/authority.ts';
import { type Replica, startReplica } from './fake-kubelet.ts';
import { atEnd, command, scratch, suite } from './suite.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const IMAGE = `ghcr.io/org/tagproof:1@sha256:${'a'.repeat(64)}`;
const POLICIES = '/apis/tagproof.dev/v1alpha1/imagepolicies';

suite(
  'the webhook installed',
  ['etcd', 'kube-apiserver', 'kubectl'],
  () => {
    const folder = scratch();
    const at = (name: string) => join(folder, name);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const registry = new EmbeddedRegistry();
    let host = '';
    let signed = '';
    let cluster: LocalCluster;
    let kube: KubeClient;
    const replicas: Replica[] = [];

    const as = (token: string) =>
      new KubeClient({ ...cluster.access, headers: async () => ({ authorization: `Bearer ${token}` }) });
    const kubectl = (...args: string[]) =>
      command('kubectl', ['--kubeconfig', cluster.kubeconfig, '--cache-dir', at('cache'), ...args]);
    /** Not in this process's way: the registry lives in it. */
    const tagproof = (...args: string[]): Promise<{ status: number; out: string }> =>
      new Promise((resolve) => {
        const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_COLOR: '1' };
        execFile(process.execPath, [MAIN, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
          resolve({ status: Number(error?.code ?? 0), out: stdout + stderr }),
        );
      });
    const pod = (image: string, more: object = {}, name = `p${Math.random().toString(36).slice(2, 9)}`) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, ...more },
      spec: { containers: [{ name: 'c', image }] },
    });
    /** Undefined when it was let in, else what was said. */
    const create = async (
      image: string,
      namespace = 'shop',
      client = kube,
      more: object = {},
    ): Promise<string | undefined> => {
      try {
        await client.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod(image, more));
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    };
    const until = async (what: string, done: () => Promise<boolean>, seconds = 30) => {
      for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(200)) if (await done()) return;
      assert.fail(`${what}: not within ${seconds} s`);
    };
    const condition = async (path: string, type: string) => {
      const { status } = await kube.get(path);
      const { conditions = [] } = (status ?? {}) as {
        conditions?: { type: string; status: string; message: string }[];
      };
      return conditions.find((item) => item.type === type);
    };
    const good = () => `${host}/web:v1`;
    const evil = () => `${host}/web:evil`;

    before(async () => {
      host = await registry.listen();
      atEnd(() => registry.close());
      signed = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'signed' });
      await signSample(host, 'web', signed, privateKey);
      await pushSample(host, { repository: 'web', tag: 'evil', platforms: ['linux/amd64'], content: 'evil' });
      cluster = await startCluster(
        folder,
        ['tenant-token,tenant,2,"tenants"', 'oncall-token,oncall,3,"oncall"'],
        ['--enable-aggregator-routing=true'],
      );
      atEnd(() => cluster.stop());
      kube = new KubeClient(cluster.access);
      atEnd(() => kube.close());
      atEnd(() => Promise.all(replicas.map((replica) => replica.stop(true))));
      for (const name of ['shop', 'lab'])
        await kube.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    });
    after(async () => {
      for (const replica of replicas) await replica.stop(true);
    });

    test('the API server accepts all manifests by strict validation; two replicas start and share one certificate', async () => {
      writeFileSync(
        at('policy.yaml'),
        `authorities:\n${keyAuthorityYaml('release', publicKey)}rules:\n  - {name: ours, images: ["${host}/**"], digest: resolve, signatures: {all: [release]}}\n`,
      );
      const { status, out } = await tagproof(
        'manifests',
        '--image',
        IMAGE,
        '--policy',
        'policy.yaml',
        '--pull-secrets',
        '--report-every',
        '1h',
      );
      assert.equal(status, 0, out);
      writeFileSync(at('manifests.yaml'), out);
      await kubectl('apply', '--validate=false', '-f', at('manifests.yaml'));
      replicas.push(await startReplica(kube, folder, 'replica-a'), await startReplica(kube, folder, 'replica-b'));
      await until('a signed pod is let in', async () => (await create(good())) === undefined);
      assert.match((await create(evil())) ?? '', /must be signed by 'release'/);
      const { data } = await kube.get('/api/v1/namespaces/tagproof/secrets/tagproof-admission');
      assert.deepEqual(Object.keys(data as object).sort(), ['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
      const failed = replicas.flatMap(({ log }) => log.filter((line) => /could not|cannot/.test(line)));
      assert.deepEqual(failed, [], 'every right that it needs is there');
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
      await sleep(1500);
      await kube.patch(`${POLICIES}/extra`, 'merge', {
        spec: { rules: [{ name: 'r', images: ['elsewhere.test/**'], signatures: { any: ['gone'] } }] },
      });
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
      await sleep(500);
      assert.match((await create(evil())) ?? '', /must be signed/);
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
        await sleep(250);
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

    test('one replica ends without losing a review, the other continues', {
      timeout: 60_000,
    }, async () => {
      const [first] = replicas as [Replica];
      const faults: string[] = [];
      let on = true;
      const load = (async () => {
        while (on) {
          const says = await create(good());
          if (says !== undefined) faults.push(says);
        }
      })();
      assert.equal(await first.stop(), 0);
      await sleep(1000);
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

    async function metrics(port: number): Promise<string> {
      const { Agent, request } = await import('undici');
      const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
      const { body } = await request(`https://127.0.0.1:${port}/metrics`, { dispatcher });
      const text = await body.text();
      await dispatcher.destroy();
      return text;
    }
  },
  400,
);
