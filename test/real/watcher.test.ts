// The watcher at a real API server: pods whose statuses the test writes, in the place of nodes; a tag that moves; restarts of both; and the
// questions afterwards, by the verbs.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../../src/kube/client.ts';
import { kubeconfigOf, type LocalCluster, startCluster } from '../../src/kube/local.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { atEnd, scratch, suite } from './suite.ts';
import { type Line, startLine } from './tcp-proxy.ts';

const HINT_TOKEN = 'a token of registries';
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

suite('the watcher', ['etcd', 'kube-apiserver'], () => {
  const folder = scratch();
  const file = join(folder, 'tagproof.db');
  let broken = false;
  const registry = new EmbeddedRegistry({
    intercept: (_, response) => {
      if (broken) response.writeHead(503).end();
      return broken;
    },
  });
  let cluster: LocalCluster;
  let kube: KubeClient;
  let line: Line;
  let host = '';
  const digests: string[] = [];
  let watcher: ChildProcess | undefined;
  let said = '';
  let url = '';

  const tagproof = (...args: string[]): Promise<string> =>
    new Promise((resolve) => {
      const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_COLOR: '1' };
      execFile(process.execPath, [MAIN, ...args], { cwd: folder, env }, (_, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
  const push = async (content: string) => {
    digests.push(
      await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64', 'linux/arm64'], content }),
    );
  };
  async function startWatcher(): Promise<void> {
    watcher = spawn(
      process.execPath,
      [
        MAIN,
        'serve',
        'watcher',
        '--ledger',
        file,
        '--kubeconfig',
        'by-line',
        '--images',
        'images.txt',
        '--hint-token',
        'token',
      ],
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    atEnd(() => watcher?.kill('SIGKILL'));
    url = await new Promise<string>((resolve) =>
      watcher?.stdout?.on('data', (chunk) => {
        said += chunk;
        const found = /"url":"([^"]+)"/.exec(String(chunk))?.[1];
        if (found !== undefined) resolve(found);
      }),
    );
  }
  async function stopWatcher(signal: NodeJS.Signals): Promise<void> {
    const exit = new Promise((resolve) => watcher?.once('exit', resolve));
    watcher?.kill(signal);
    await exit;
  }
  async function runPod(name: string, imageID: string): Promise<void> {
    const path = '/api/v1/namespaces/shop/pods';
    const owner = await kube.get('/apis/apps/v1/namespaces/shop/replicasets/web-1');
    await kube.create(path, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: owner.metadata?.uid, controller: true },
        ],
      },
      spec: { containers: [{ name: 'c', image: `${host}/web:v1` }] },
    });
    const state = { running: { startedAt: new Date().toISOString() } };
    await kube.patch(`${path}/${name}/status`, 'merge', {
      status: {
        phase: 'Running',
        containerStatuses: [{ name: 'c', image: `${host}/web:v1`, imageID, ready: true, restartCount: 0, state }],
      },
    });
  }
  const deletePod = (name: string) => kube.delete(`/api/v1/namespaces/shop/pods/${name}?gracePeriodSeconds=0`);
  async function until(question: string[], answer: RegExp): Promise<string> {
    for (let i = 0; ; i++) {
      const out = await tagproof(...question);
      if (answer.test(out)) return out;
      assert.ok(i < 40, out);
      await sleep(250);
    }
  }

  before(async () => {
    host = await registry.listen();
    atEnd(() => registry.close());
    await push('one');
    writeFileSync(join(folder, 'tagproof.yaml'), `registries: [{host: "${host}"}]\n`);
    await pushSample(host, { repository: 'base', tag: '3', platforms: ['linux/amd64'], content: 'base' });
    writeFileSync(join(folder, 'images.txt'), `# what we build on\n\n${host}/base:3   # of the platform team\n`);
    cluster = await startCluster(folder);
    atEnd(() => cluster.stop());
    line = await startLine(Number(new URL(cluster.server).port));
    writeFileSync(join(folder, 'by-line'), kubeconfigOf(`https://127.0.0.1:${line.port}`, 'admin-token'), {
      mode: 0o600,
    });
    writeFileSync(join(folder, 'token'), HINT_TOKEN);
    kube = new KubeClient(cluster.access);
    atEnd(() => kube.close());
    await kube.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const template = {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: `${host}/web:v1` }] },
    };
    const spec = { selector: { matchLabels: { app: 'web' } }, template };
    const deployment = await kube.create('/apis/apps/v1/namespaces/shop/deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec,
    });
    const ownerReferences = [
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: deployment.metadata?.uid, controller: true },
    ];
    await kube.create('/apis/apps/v1/namespaces/shop/replicasets', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'web-1', ownerReferences },
      spec,
    });
    await startWatcher();
  });

  test('what starts is recorded, under its Deployment; the tag that it uses is followed', async () => {
    await runPod('web-1-a', `${host}/web@${digests[0]}`);
    await until(['history', 'shop/Deployment/web'], /shop\/Deployment\/web.* now/);
    assert.match(await until(['history', `${host}/web:v1`], / now /), new RegExp((digests[0] as string).slice(0, 19)));
  });

  test('an image that nobody runs is followed when a file says so', async () => {
    await until(['history', `${host}/base:3`], / now +poll/);
  });

  test('status: the same, then moved, then mixed', async () => {
    assert.match(await tagproof('status'), /shop\/Deployment\/web +c +.*same/);
    await push('two');
    const moved = await tagproof('status');
    assert.match(moved, new RegExp(`moved to ${(digests[1] as string).slice(0, 19)}`), moved);
    await runPod('web-1-b', `${host}/web@${digests[1]}`);
    const mixed = await tagproof('status');
    assert.match(mixed, /1 with mixed replicas/);
    assert.match(mixed, /pods of one template run different digests|mixed/);
  });

  test('the API says the same, to whoever has the printed token', async () => {
    const { origin, searchParams } = new URL(url);
    const ask = (path: string, token = searchParams.get('token')) =>
      fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await ask('/api/v1/deployed', 'wrong')).status, 401);
    const { items, counts } = (await (await ask('/api/v1/deployed')).json()) as {
      items: { name: string; mixed: boolean }[];
      counts: Record<string, number>;
    };
    assert.deepEqual(
      items.map(({ name, mixed }) => [name, mixed]),
      [['web', true]],
    );
    assert.equal(counts['mixed'], 1);
    assert.equal((await ask('/readyz')).status, 200);
  });

  test('what happens while the watcher is away, killed, is there when it is back; nothing is told twice', async () => {
    await until(['where', digests[1] as string], /it runs in 1 container now/);
    await stopWatcher('SIGKILL');
    await deletePod('web-1-a');
    await startWatcher();
    await until(['where', digests[0] as string], /it runs in 0 containers now, and ran in 1 in all/);
    const ledger = await openLedger(file);
    const runs = await ledger.runHistory({ namespace: 'shop', name: 'web' });
    assert.deepEqual(runs.map(({ digest }) => digest).sort(), digests.toSorted());
    await ledger.close();
  });

  test('a gap: pods come and go while the watcher hears nothing, and the server’s history no longer reaches back', async () => {
    line.cut();
    await runPod('web-1-c', `${host}/web@${digests[0]}`);
    await deletePod('web-1-b');
    await runPod('web-1-d', `${host}/web@${digests[1]}`);
    // Its watch cache begins anew: the version to go on from is older than everything in it.
    await cluster.restart();
    line.remedy();
    await until(['where', digests[0] as string], /it runs in 1 container now, and ran in 2 in all/);
    await until(['where', digests[1] as string], /it runs in 1 container now/);
    const ledger = await openLedger(file);
    const runs = await ledger.runHistory({ namespace: 'shop', name: 'web' });
    assert.equal(runs.length, 3, 'each once; that b went and d came makes no gap in what ran');
    assert.equal((await ledger.verify()).broken, undefined);
    await ledger.close();
    await deletePod('web-1-c');
    await deletePod('web-1-d');
    await runPod('web-1-b', `${host}/web@${digests[1]}`);
    await until(['where', digests[0] as string], /it runs in 0 containers now/);
  });

  test('a registry that is silent, or answers with errors: nothing has moved, and it is said', async () => {
    const { origin } = new URL(url);
    const look = () =>
      fetch(`${origin}/hooks/generic`, {
        method: 'POST',
        headers: { authorization: `Bearer ${HINT_TOKEN}` },
        body: JSON.stringify({ image: `${host}/web:v1` }),
      });
    const before = await tagproof('history', `${host}/web:v1`);
    broken = true;
    said = '';
    assert.deepEqual(await (await look()).json(), { understood: 1, followed: 1 });
    for (let i = 0; !said.includes('not looked at'); i++) {
      assert.ok(i < 150, said);
      await sleep(100);
    }
    assert.equal(await tagproof('history', `${host}/web:v1`), before);
    broken = false;
    await look();
    await until(
      ['history', `${host}/web:v1`],
      new RegExp(`${(digests[1] as string).slice(0, 19)} .* now +(hint|poll)`),
    );
  });

  test('an API server that goes and comes back costs nothing', async () => {
    await cluster.restart();
    await deletePod('web-1-b');
    await until(['where', digests[1] as string], /it runs in 0 containers now/);
  });

  test('rollback --apply: back to what ran, tried first, and a change by somebody else is no loss', async () => {
    const get = async () => {
      const { spec } = await kube.get('/apis/apps/v1/namespaces/shop/deployments/web');
      return (spec as { template: { spec: { containers: { image: string }[] } } }).template.spec.containers[0]?.image;
    };
    const to = digests[0] as string;
    const tried = await tagproof('rollback', 'shop/Deployment/web', '--to', to, '--apply', '--diff');
    assert.match(tried, /would take it; nothing was changed/);
    assert.equal(await get(), `${host}/web:v1`);
    const out = await tagproof(
      'rollback',
      'shop/Deployment/web',
      '--to',
      to,
      '--apply',
      '--reason',
      'the new one leaks',
    );
    assert.match(out, /1 container rolled back; Git still says something else/);
    assert.equal(await get(), `${host}/web:v1@${to}`);
    assert.match(
      await tagproof('rollback', 'shop/Deployment/web', '--to', to, '--apply', '--reason', 'again'),
      /is there already/,
    );
  });

  test('the record holds; it can be carried elsewhere, and what ran at a time is known there too', async () => {
    await stopWatcher('SIGTERM');
    assert.match(await tagproof('ledger', 'verify'), /each as it was written/);
    const lines = await new Promise<string>((resolve) =>
      execFile(process.execPath, [MAIN, 'ledger', 'export'], { cwd: folder }, (_, stdout) => resolve(stdout)),
    );
    writeFileSync(join(folder, 'ledger.jsonl'), lines);
    assert.match(await tagproof('ledger', 'import', 'ledger.jsonl', '--ledger', 'copy.db'), /imported/);
    assert.match(await tagproof('ledger', 'import', 'ledger.jsonl', '--ledger', 'copy.db'), /not empty/);
    const ledger = await openLedger(join(folder, 'copy.db'));
    const [last] = await ledger.runHistory({ namespace: 'shop', name: 'web' });
    await ledger.close();
    const during = new Date((Date.parse(last?.since ?? '') + Date.parse(last?.until ?? '')) / 2).toISOString();
    assert.match(
      await tagproof('status', '--at', during, '--ledger', 'copy.db'),
      new RegExp((digests[1] as string).slice(0, 19)),
    );
    const forged = lines.replace('web:v1', 'web:v2');
    writeFileSync(join(folder, 'forged.jsonl'), forged);
    assert.match(
      await tagproof('ledger', 'import', 'forged.jsonl', '--ledger', 'forged.db'),
      /forged\.jsonl:\d+: the chain does not hold here/,
    );
  });
});
