// The watcher at a real API server. The test writes the statuses of pods in place of nodes, moves a
// tag and restarts both sides; afterwards the commands are asked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
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
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { createWeb, runPod, runTagproof, spawnWatcher, type WatcherProcess } from './watched-cluster.ts';

const HINT_TOKEN = 'a token of registries';
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

function urlOf(watcher: WatcherProcess | undefined): URL {
  assert.ok(watcher !== undefined);
  return watcher.url;
}

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
  let proxy: TcpProxy;
  let host = '';
  const digests: string[] = [];
  let watcher: WatcherProcess | undefined;

  const tagproof = (...args: string[]) =>
    runTagproof(args, { cwd: folder, env: { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_COLOR: '1' } });
  const push = async (content: string) => {
    digests.push(
      await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64', 'linux/arm64'], content }),
    );
  };
  async function startWatcher(): Promise<void> {
    const args = ['--ledger', file, '--kubeconfig', 'by-proxy', '--images', 'images.txt', '--hint-token', 'token'];
    watcher = await spawnWatcher(args, { cwd: folder });
  }
  async function stopWatcher(signal: NodeJS.Signals): Promise<void> {
    const exit = new Promise((resolve) => watcher?.child.once('exit', resolve));
    watcher?.child.kill(signal);
    await exit;
  }
  const startPod = (name: string, imageID: string) => runPod(kube, name, { image: `${host}/web:v1`, imageID });
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
    proxy = await startTcpProxy(Number(new URL(cluster.server).port));
    writeFileSync(join(folder, 'by-proxy'), kubeconfigOf(`https://127.0.0.1:${proxy.port}`, 'admin-token'), {
      mode: 0o600,
    });
    writeFileSync(join(folder, 'token'), HINT_TOKEN);
    kube = new KubeClient(cluster.access);
    atEnd(() => kube.close());
    await createWeb(kube, `${host}/web:v1`);
    await startWatcher();
  });

  test('what starts is recorded under its Deployment; the tag that it uses is polled', async () => {
    await startPod('web-1-a', `${host}/web@${digests[0]}`);
    await until(['history', 'shop/Deployment/web'], /shop\/Deployment\/web.* now/);
    assert.match(await until(['history', `${host}/web:v1`], / now /), new RegExp((digests[0] as string).slice(0, 19)));
  });

  test('an image that no pod runs is polled when a file names it', async () => {
    await until(['history', `${host}/base:3`], / now +poll/);
  });

  test('status: the same, then moved, then mixed', async () => {
    assert.match(await tagproof('status'), /shop\/Deployment\/web +c +.*same/);
    await push('two');
    const moved = await tagproof('status');
    assert.match(moved, new RegExp(`moved to ${(digests[1] as string).slice(0, 19)}`), moved);
    await startPod('web-1-b', `${host}/web@${digests[1]}`);
    const mixed = await tagproof('status');
    assert.match(mixed, /1 with mixed replicas/);
    assert.match(mixed, /pods of one template run different digests|mixed/);
  });

  test('the API says the same to whoever has the printed token', async () => {
    const { origin, searchParams } = urlOf(watcher);
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

  test('what happens while the watcher is killed is recorded when it is back; nothing is recorded twice', async () => {
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

  test('a gap: pods come and go while the watcher is cut off, and the history of the server no longer reaches back', async () => {
    proxy.cut();
    await startPod('web-1-c', `${host}/web@${digests[0]}`);
    await deletePod('web-1-b');
    await startPod('web-1-d', `${host}/web@${digests[1]}`);
    // Its watch cache starts empty: the version to continue from is older than everything in it.
    await cluster.restart();
    proxy.restore();
    await until(['where', digests[0] as string], /it runs in 1 container now, and ran in 2 in all/);
    await until(['where', digests[1] as string], /it runs in 1 container now/);
    const ledger = await openLedger(file);
    const runs = await ledger.runHistory({ namespace: 'shop', name: 'web' });
    assert.equal(runs.length, 3, 'each once; one pod that replaces another makes no gap');
    assert.equal((await ledger.verify()).broken, undefined);
    await ledger.close();
    await deletePod('web-1-c');
    await deletePod('web-1-d');
    await startPod('web-1-b', `${host}/web@${digests[1]}`);
    await until(['where', digests[0] as string], /it runs in 0 containers now/);
  });

  test('a registry that does not answer, or answers with errors: nothing has moved, and that is logged', async () => {
    const { origin } = urlOf(watcher);
    const notify = () =>
      fetch(`${origin}/hooks/generic`, {
        method: 'POST',
        headers: { authorization: `Bearer ${HINT_TOKEN}` },
        body: JSON.stringify({ image: `${host}/web:v1` }),
      });
    const before = await tagproof('history', `${host}/web:v1`);
    broken = true;
    const logged = watcher?.log.length ?? 0;
    assert.deepEqual(await (await notify()).json(), { understood: 1, followed: 1 });
    const fresh = () => watcher?.log.slice(logged).join('\n') ?? '';
    for (let i = 0; !fresh().includes('poll failed'); i++) {
      assert.ok(i < 150, fresh());
      await sleep(100);
    }
    assert.equal(await tagproof('history', `${host}/web:v1`), before);
    broken = false;
    await notify();
    await until(
      ['history', `${host}/web:v1`],
      new RegExp(`${(digests[1] as string).slice(0, 19)} .* now +(hint|poll)`),
    );
  });

  test('an API server that restarts costs nothing', async () => {
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
      /is there already|none of these containers/,
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
      /forged\.jsonl:\d+: the chain is broken here/,
    );
  });
});
