// Single things at a real API server: who may ask the webhook, lists and watches, ways
// to log in, the demo.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { AdmissionServer } from '../../src/admission/server.ts';
import { kubernetesGuard } from '../../src/api/auth.ts';
import { makeCertificates } from '../../src/install/certificate.ts';
import { kubeconfigAccess } from '../../src/kube/access.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { acquireLease } from '../../src/kube/lease.ts';
import { kubeconfigOf, type LocalCluster, startCluster } from '../../src/kube/local.ts';
import { watch } from '../../src/kube/watch.ts';
import { until } from '../until.ts';
import { atEnd, certificate, command, scratch, suite } from './suite.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

suite(
  'single things at a real API server',
  ['etcd', 'kube-apiserver', 'openssl', 'go'],
  () => {
    const folder = scratch();
    const at = (name: string) => join(folder, name);
    let cluster: LocalCluster;
    let kube: KubeClient;
    const pod = (name: string, image: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name: 'c', image }] },
    });
    const PODS = '/api/v1/namespaces/default/pods';

    before(async () => {
      const { cert, key } = await certificate(folder, 'client');
      const plugin = (name: string) => ({
        name,
        configuration: {
          apiVersion: 'apiserver.config.k8s.io/v1',
          kind: 'WebhookAdmissionConfiguration',
          kubeConfigFile: at('hooks.yaml'),
        },
      });
      writeFileSync(
        at('admission.yaml'),
        JSON.stringify({
          apiVersion: 'apiserver.config.k8s.io/v1',
          kind: 'AdmissionConfiguration',
          plugins: [plugin('ValidatingAdmissionWebhook'), plugin('MutatingAdmissionWebhook')],
        }),
      );
      const user = {
        'client-certificate-data': readFileSync(cert).toString('base64'),
        'client-key-data': readFileSync(key).toString('base64'),
      };
      writeFileSync(
        at('hooks.yaml'),
        JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: '*', user }] }),
      );
      cluster = await startCluster(
        folder,
        ['reader-token,reader,2', 'stranger-token,stranger,3'],
        [`--admission-control-config-file=${at('admission.yaml')}`],
      );
      atEnd(() => cluster.stop());
      kube = new KubeClient(cluster.access);
      atEnd(() => kube.close());
    });

    test('T53: with --client-ca only the API server may send reviews; probes are answered', async () => {
      writeFileSync(at('tagproof.yaml'), 'rules: [{name: r, images: ["**"], digest: required}]\n');
      const tls = await makeCertificates(['localhost']);
      const server = new AdmissionServer({
        policy: at('tagproof.yaml'),
        templates: 'enforce',
        host: '127.0.0.1',
        port: 0,
        tls,
        clientCa: at('client.pem'),
        userAgent: 'test',
        log: () => {},
      });
      const port = await server.start();
      const dispatcher = new Agent({ connect: { ca: tls.ca } });
      const ask = async (path: string, method: 'GET' | 'POST', body?: string) => {
        const answer = await request(`https://localhost:${port}${path}`, {
          method,
          dispatcher,
          ...(body !== undefined && { body }),
        });
        await answer.body.dump();
        return answer.statusCode;
      };
      assert.equal(await ask('/readyz', 'GET'), 200);
      for (const path of ['/validate', '/mutate', '/own']) assert.equal(await ask(path, 'POST', '{}'), 401, path);
      await dispatcher.destroy();
      const hooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
      await kube.create(hooks, {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'tagproof' },
        webhooks: [
          {
            name: 'validate.tagproof.dev',
            clientConfig: {
              url: `https://localhost:${port}/validate`,
              caBundle: Buffer.from(tls.ca).toString('base64'),
            },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            failurePolicy: 'Fail',
          },
        ],
      });
      for (let i = 0; ; i++) {
        const says = await kube.create(`${PODS}?dryRun=All`, pod('p', 'x:1')).then(
          () => '',
          (error) => String(error.message),
        );
        if (/must be pinned/.test(says)) break;
        assert.ok(i < 50, says);
        await sleep(200);
      }
      await kube.create(`${PODS}?dryRun=All`, pod('p', `x@sha256:${'a'.repeat(64)}`));
      await kube.delete(`${hooks}/tagproof`);
      // The API server asks the webhook a little longer.
      const admitted = () =>
        kube.create(`${PODS}?dryRun=All`, pod('p', 'x:1')).then(
          () => true,
          () => false,
        );
      await until(admitted, 'the webhook is still asked', 30_000);
      await server.stop();
    });

    test('a watch tells everything once: over pages, over the end of the server, over an expired version', async () => {
      for (let i = 0; i < 20; i++) await kube.create(PODS, pod(`w${i}`, 'x'));
      const seen: string[] = [];
      const lists: number[] = [];
      const stop = new AbortController();
      const done = watch(kube, PODS, {
        signal: stop.signal,
        onList: (objects) => lists.push(objects.length),
        onChange: ({ type, object }) => seen.push(`${type} ${object.metadata?.name}`),
        onProblem: () => {},
      });
      const saw = (change: string) =>
        until(
          () => seen.includes(change),
          () => `${change} not among ${seen.slice(-5)}`,
          15_000,
        );
      await until(() => lists.length > 0, 'the watch has no list');
      assert.equal(lists[0], 20);
      await kube.create(PODS, pod('w20', 'x'));
      await saw('added w20');
      await cluster.restart();
      await kube.create(PODS, pod('w21', 'x'));
      await saw('added w21');
      await kube.delete(`${PODS}/w21`);
      await saw('deleted w21');
      stop.abort();
      await done;
      assert.equal(new Set(seen).size, seen.length, 'nothing is told twice');
      const { items } = await kube.list<string>(PODS, '', ({ metadata }) => metadata?.name ?? '');
      assert.equal(items.length, 21);
      for (let i = 0; i < 21; i++) await kube.delete(`${PODS}/w${i}?gracePeriodSeconds=0`);
    });

    test('who may read the watcher’s API: tokens that the API server knows, of users whom it allows', async () => {
      const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'records' };
      const rbac = '/apis/rbac.authorization.k8s.io/v1';
      await kube.create(`${rbac}/clusterroles`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'records' },
        rules: [{ apiGroups: ['tagproof.dev'], resources: ['records'], verbs: ['get'] }],
      });
      await kube.create(`${rbac}/clusterrolebindings`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'records' },
        roleRef: role,
        subjects: [{ kind: 'User', name: 'reader', apiGroup: 'rbac.authorization.k8s.io' }],
      });
      const guard = kubernetesGuard(kube);
      for (let i = 0; (await kubernetesGuard(kube)('reader-token')) !== 'allowed'; i++) {
        assert.ok(i < 50);
        await sleep(100); // RBAC is read in a moment
      }
      const expected = {
        'reader-token': 'allowed',
        'admin-token': 'allowed',
        'stranger-token': 'forbidden',
        wrong: 'unknown',
      };
      for (const [token, answer] of Object.entries(expected)) assert.equal(await guard(token), answer, token);
      assert.equal(await guard(undefined), 'unknown');
    });

    test('one replica holds a Lease, and another takes it over when it is not renewed', async () => {
      const now = Date.now();
      const take = (holder: string, at = now) =>
        acquireLease(kube, { namespace: 'default', name: 'work', holder, seconds: 10 }, at);
      const both = await Promise.all([take('a'), take('b')]);
      assert.equal(both.filter(Boolean).length, 1);
      const holder = both[0] ? 'a' : 'b';
      const other = both[0] ? 'b' : 'a';
      assert.equal(await take(holder, now + 5000), true);
      assert.equal(await take(other, now + 9000), false);
      assert.equal(await take(other, now + 16_000), true);
      assert.equal(await take(holder, now + 17_000), false);
    });

    test('an exec plugin of the kubeconfig logs in, and runs again when its credentials expire', async () => {
      const plugin = at('plugin.sh');
      writeFileSync(
        plugin,
        `#!/bin/sh\necho run >>${at('runs')}\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"admin-token"}}'\n`,
      );
      chmodSync(plugin, 0o755);
      writeFileSync(
        at('exec.kubeconfig'),
        kubeconfigOf(cluster.server, 'x').replace(
          /user: \{token: "x"\}/,
          `user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ${plugin}, interactiveMode: Never}}`,
        ),
      );
      const client = new KubeClient(await kubeconfigAccess(at('exec.kubeconfig')));
      assert.equal((await client.get('/api/v1/namespaces/default')).metadata?.name, 'default');
      await client.close();
      assert.match(readFileSync(at('runs'), 'utf8'), /run/);
      await assert.rejects(
        kubeconfigAccess(at('exec.kubeconfig'), 'other'),
        /no context 'other'; expected one of local/,
      );
      await assert.rejects(kubeconfigAccess(at('gone')), /gone/);
      const stranger = new KubeClient({ ...cluster.access, headers: async () => ({}) });
      await assert.rejects(
        stranger.get('/api/v1/secrets'),
        /the API server \(local\): GET \/api\/v1\/secrets: .*(403|401)/,
      );
      await stranger.close();
    });

    test('tagproof demo --cluster', { timeout: 60_000 }, async () => {
      const out = await command(process.execPath, [MAIN, 'demo', '--cluster']);
      assert.match(out, /denied: .*must be signed/);
      assert.match(out, /admitted: pod\/web runs .*@sha256:/);
    });
  },
  240,
);
