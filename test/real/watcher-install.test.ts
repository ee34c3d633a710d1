// The watcher as `tagproof manifests --watcher` installs it: its objects taken strictly by a real
// API server, its process with the service account's own token, so that every right that it needs
// is really asked; and who may ask it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../../src/kube/client.ts';
import { kubeconfigOf, type LocalCluster, startCluster } from '../../src/kube/local.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { atEnd, command, freePort, scratch, suite } from './suite.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const IMAGE = `ghcr.io/org/tagproof:1@sha256:${'a'.repeat(64)}`;

suite('the watcher, installed', ['etcd', 'kube-apiserver', 'kubectl'], () => {
  const folder = scratch();
  const registry = new EmbeddedRegistry();
  const log: string[] = [];
  let cluster: LocalCluster;
  let kube: KubeClient;
  let port = 0;
  let ca = '';
  let host = '';

  async function tokenOf(account: string, namespace: string): Promise<string> {
    const issued = await kube.create(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    });
    return (issued['status'] as { token: string }).token;
  }
  const ask = (path: string, token?: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const call = request(
        { host: '127.0.0.1', servername: 'tagproof-watcher.tagproof.svc', port, path, ca, headers },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        },
      );
      call.on('error', reject).end();
    });

  before(async () => {
    host = await registry.listen();
    atEnd(() => registry.close());
    const digest = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'one' });
    cluster = await startCluster(folder);
    atEnd(() => cluster.stop());
    kube = new KubeClient(cluster.access);
    atEnd(() => kube.close());
    writeFileSync(
      join(folder, 'tagproof.yaml'),
      `registries: [{host: "${host}"}]\nrules: [{name: pinned, images: ["${host}/**"], digest: required}]\nalarms: {events: true}\n`,
    );
    const args = [
      'manifests',
      '--watcher',
      '--cluster-name',
      'prod',
      '--image',
      IMAGE,
      '--no-cluster',
      '--certificate',
      'printed',
    ];
    const objects = execFileSync(process.execPath, [MAIN, ...args], { cwd: folder });
    writeFileSync(join(folder, 'install.yaml'), objects);
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
    await command('kubectl', ['apply', '--server-side', '--validate=strict', '-f', join(folder, 'install.yaml')], env);
    // No webhook server runs here; this suite is about the watcher.
    await command('kubectl', ['delete', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '--all'], env);
    await command('kubectl', ['create', 'namespace', 'shop'], env);
    for (const name of ['reader', 'nobody'])
      await command('kubectl', ['create', 'serviceaccount', name, '-n', 'shop'], env);
    const bind = [
      'create',
      'clusterrolebinding',
      'reader',
      '--clusterrole=tagproof-records-reader',
      '--serviceaccount=shop:reader',
    ];
    await command('kubectl', bind, env);
    const pods = '/api/v1/namespaces/shop/pods';
    await kube.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: `${host}/web:v1` }] },
    });
    await kube.patch(`${pods}/web/status`, 'merge', {
      status: {
        phase: 'Running',
        containerStatuses: [
          {
            name: 'c',
            image: `${host}/web:v1`,
            imageID: `${host}/web@${digest}`,
            ready: true,
            restartCount: 0,
            state: { running: {} },
          },
        ],
      },
    });
    const set = await kube.get('/apis/apps/v1/namespaces/tagproof/statefulsets/tagproof-watcher');
    const { template } = set['spec'] as {
      template: { spec: { serviceAccountName: string; containers: { args: string[] }[] } };
    };
    const data = join(folder, 'data');
    mkdirSync(data);
    port = await freePort();
    const kubeconfig = join(folder, 'watcher.kubeconfig');
    writeFileSync(
      kubeconfig,
      kubeconfigOf(kube.access.server, await tokenOf(template.spec.serviceAccountName, 'tagproof')),
      { mode: 0o600 },
    );
    const own = (template.spec.containers[0]?.args ?? []).map((arg) =>
      arg === '8443' ? String(port) : arg.replace('/policy/', `${folder}/`).replace('/data/', `${data}/`),
    );
    const child = spawn(process.execPath, [MAIN, ...own, '--kubeconfig', kubeconfig], {
      cwd: data,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TAGPROOF_DATA: data, DOCKER_CONFIG: data, POD_NAME: 'tagproof-watcher-0' },
    });
    atEnd(() => child.kill('SIGKILL'));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => log.push(...chunk.split('\n').filter(Boolean)));
    for (let i = 0; !log.some((line) => line.includes('watching prod')); i++) {
      assert.ok(i < 200, log.join('\n'));
      await sleep(100);
    }
    ca = readFileSync(join(data, 'ca.pem'), 'utf8');
  });

  test('it sees, records and tells with no more rights than it was given', async () => {
    const reader = await tokenOf('reader', 'shop');
    for (let i = 0; ; i++) {
      const { status, text } = await ask('/api/v1/deployed', reader);
      const events = await kube.list('/apis/events.k8s.io/v1/namespaces/shop/events');
      const told = events.items.some(({ reason }) => reason === 'Unpinned');
      if (status === 200 && told && /"state":"same"/.test(text) && /"outcome":"allow"/.test(text)) break;
      assert.ok(i < 100, `${status} ${text}\n${log.join('\n')}`);
      await sleep(200);
    }
    assert.deepEqual(
      log.filter((line) => /cannot be watched|not known|could not/.test(line)),
      [],
    );
  });

  test('the API server authorizes readers: a token, and the permission for records', async () => {
    assert.equal((await ask('/api/v1/deployed')).status, 401);
    assert.equal((await ask('/api/v1/deployed', 'no.such.token')).status, 401);
    assert.equal((await ask('/api/v1/deployed', await tokenOf('nobody', 'shop'))).status, 403);
    assert.equal((await ask('/readyz')).status, 200);
    assert.match((await ask('/metrics')).text, /tagproof_containers\{cluster="prod",question="unpinned"\} 1\n/);
  });
});
