// The watcher among real parts: two watchers of one cluster on one PostgreSQL, Debian's registry
// with its notifications, signatures by our own command, alarms to a webhook, Events, Prometheus'
// own parser; and what happens when each of them goes away.
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiAnswer } from '../../src/api/answers.ts';
import { definitions } from '../../src/install/crds.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { type LocalCluster, startCluster } from '../../src/kube/local.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { keyAuthorityYaml } from '../signing/authority.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { atEnd, command, dockerRegistry, freePort, scratch, suite } from './suite.ts';
import { createNode, createWeb, runPod, runTagproof, spawnWatcher, type WatcherProcess } from './watched-cluster.ts';

const HINT_TOKEN = 'a token of registries';
const SECRET = 'a secret of alarms';
const WEB = '/apis/apps/v1/namespaces/shop/deployments/web';

type Page = ApiAnswer<'/api/v1/deployed'>;

suite(
  'knowing',
  ['etcd', 'kube-apiserver', 'docker-registry', 'initdb', 'postgres', 'go'],
  () => {
    const folder = scratch();
    const watchers: Record<string, WatcherProcess> = {};
    const posted: { body: string; signature: string | undefined }[] = [];
    let postgres: Postgres;
    let cluster: LocalCluster;
    let kube: KubeClient;
    let ledger: Ledger;
    let host = '';
    let first = '';
    let second = '';

    const env = () => ({
      ...process.env,
      KUBECONFIG: cluster.kubeconfig,
      NO_COLOR: '1',
      TAGPROOF_LEDGER: postgres.url('watch'),
    });
    const tagproof = (...args: string[]) => runTagproof(args, { cwd: folder, env: env() });
    const push = (content: string, revision: string, platforms = ['linux/amd64', 'linux/arm64']) =>
      pushSample(host, {
        repository: 'web',
        tag: 'v1',
        platforms,
        content,
        labels: { 'org.opencontainers.image.revision': revision },
      });

    async function startWatcher(name: string, port: number): Promise<void> {
      const args = ['--kubeconfig', cluster.kubeconfig, '--port', String(port), '--cluster-name', 'prod'];
      watchers[name] = await spawnWatcher([...args, '--hint-token', 'hint-token'], { cwd: folder, env: env() });
    }
    const ask = async <T>(name: string, path: string): Promise<T> => {
      const { url } = watchers[name] as WatcherProcess;
      const headers = { authorization: `Bearer ${url.searchParams.get('token')}` };
      return (await (await fetch(`${url.origin}${path}`, { headers })).json()) as T;
    };
    async function until<T>(what: string, look: () => Promise<T | undefined | false>, seconds = 30): Promise<T> {
      for (let i = 0; i < seconds * 5; i++) {
        const found = await look().catch(() => undefined);
        if (found !== undefined && found !== false) return found;
        await sleep(200);
      }
      const logs = Object.entries(watchers).map(([name, { log }]) => `${name}:\n${log.slice(-15).join('\n')}`);
      assert.fail(`${what}\n${logs.join('\n')}`);
    }

    const startPod = (name: string, imageID: string) =>
      runPod(kube, name, { image: `${host}/web:v1`, imageID, nodeName: 'node-arm' });
    const runs = async () =>
      (await ledger.runHistory({ namespace: 'shop', name: 'web' })).map(({ digest, until: end }) => [
        digest,
        end === null,
      ]);

    before(async () => {
      postgres = await startPostgres(folder);
      await postgres.query('postgres', 'create database watch');
      const port = await freePort();
      const endpoint = `{name: tagproof, url: "http://127.0.0.1:${port}/hooks/distribution", headers: {Authorization: ["Bearer ${HINT_TOKEN}"]}, timeout: 2s, threshold: 5, backoff: 500ms}`;
      host = await dockerRegistry(folder, { auth: `notifications: {endpoints: [${endpoint}]}\n` });
      const sink = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => (body += chunk));
        request.on('end', () => {
          posted.push({ body, signature: request.headers['x-tagproof-signature'] as string | undefined });
          response.end();
        });
      });
      await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
      atEnd(() => sink.close());
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      writeFileSync(join(folder, 'release.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
      writeFileSync(join(folder, 'hint-token'), HINT_TOKEN);
      writeFileSync(join(folder, 'secret'), SECRET);
      writeFileSync(
        join(folder, 'tagproof.yaml'),
        `registries: [{host: "${host}"}]
authorities:
${keyAuthorityYaml('release', publicKey)}
rules:
  - {name: ours, images: ["${host}/**"], digest: resolve, signatures: {all: [release]}}
alarms:
  events: true
  sinks:
    - {name: own, kind: webhook, url: "http://127.0.0.1:${(sink.address() as AddressInfo).port}/", secretFile: secret}
`,
      );
      cluster = await startCluster(folder);
      atEnd(() => cluster.stop());
      kube = new KubeClient(cluster.access, 'kubectl-of-the-test/1');
      atEnd(() => kube.close());
      first = await push('one', '4f1c9d2');
      assert.match(await tagproof('sign', '--key', 'release.key', `${host}/web:v1`), /signed/);
      await createWeb(kube, `${host}/web:v1`, 'first release');
      await createNode(kube, 'node-arm', 'arm64');
      ledger = await openLedger(postgres.url('watch'));
      atEnd(() => ledger.close());
      await startWatcher('one', port);
      await startWatcher('two', await freePort());
    });

    test('who runs what, signed by whom, from where, changed by whom: the same from both watchers, recorded once', async () => {
      await startPod('web-1-a', `${host}/web@${first}`);
      for (const name of ['one', 'two'])
        await until(`${name} knows`, async () => {
          const { items } = await ask<Page>(name, '/api/v1/deployed');
          const [seen] = items[0]?.running ?? [];
          assert.deepEqual(seen?.evidence?.outcome, 'allow');
          assert.match(seen?.evidence?.signers.join() ?? '', /^release: key /);
          assert.equal(seen?.pullable?.served, true);
          assert.equal(seen?.identity.state, 'same');
          return items[0]?.missingPlatforms?.length === 0;
        });
      assert.deepEqual(await runs(), [[first, true]]);
      const [run] = await ledger.runHistory({ namespace: 'shop', name: 'web' });
      assert.equal(run?.revision, '1');
      assert.match(run?.actor ?? '', /^kubectl-of-the-test, “first release”$/);
      const recording = Object.values(watchers).filter(({ log }) =>
        log.some((line) => line.includes('recording this cluster')),
      );
      assert.equal(recording.length, 1);
    });

    test('a push is known at once by the notification of the registry; alarms say what changed and who no longer signs', async () => {
      second = await push('two', 'e0a7b66', ['linux/amd64']);
      const moved = await until('the move', async () => {
        const [now, was] = await ledger.tagHistory(...tagOf(`${host}/web:v1`));
        return now?.digest === second && was?.digest === first ? now : undefined;
      });
      assert.equal(moved.source, 'hint');
      const alarms = await until('the alarms', async () => {
        const all = posted.flatMap(({ body }) => (JSON.parse(body) as { alarms: PostedAlarm[] }).alarms);
        const codes = new Set(all.map(({ code }) => code));
        return (
          ['tag-moved', 'signature-lost', 'digest-going', 'unpinned', 'platform-missing'].every((code) =>
            codes.has(code),
          ) && all
        );
      });
      assert.match(
        alarms.find(({ code }) => code === 'tag-moved')?.message ?? '',
        /source 4f1c9d2 → e0a7b66, .*label, 2 × layer/,
      );
      assert.match(alarms.find(({ code }) => code === 'platform-missing')?.message ?? '', /has no linux\/arm64/);
      for (const { body, signature } of posted)
        assert.equal(signature, `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`);
      const keys = alarms.map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length, 'each once, though two are watching');
      const events = await until('Events', async () => {
        const { items } = await kube.list('/apis/events.k8s.io/v1/namespaces/shop/events');
        return items.some(({ reason }) => reason === 'PlatformMissing') && items;
      });
      const { regarding } = events.find(({ reason }) => reason === 'Unpinned') as {
        regarding: { kind: string; name: string };
      };
      assert.deepEqual([regarding.kind, regarding.name], ['Deployment', 'web']);
      const wrong = await fetch(`${(watchers['one'] as WatcherProcess).url.origin}/hooks/distribution`, {
        method: 'POST',
        body: '{}',
      });
      assert.equal(wrong.status, 401);
    });

    test('Prometheus can read its metrics', async () => {
      const { url } = watchers['one'] as WatcherProcess;
      const text = await (await fetch(`${url.origin}/metrics`)).text();
      writeFileSync(join(folder, 'metrics.txt'), text);
      const source = join(import.meta.dirname, 'prometheus-parser');
      const parser = join(folder, 'parser');
      await command('go', ['build', '-C', source, '-o', parser, '.']);
      const families = await command('bash', ['-c', `"$0" < "$1"`, parser, join(folder, 'metrics.txt')]);
      assert.match(families, /tagproof_containers GAUGE 11\n/);
      assert.match(families, /tagproof_tag_moves_total COUNTER 1\n/);
      assert.match(text, /tagproof_tag_moves_total 1|tagproof_hints_total\{followed="true"\} 1/);
    });

    test('the tag’s history at the path that is proposed for registries', async () => {
      const path = `/v2/${host}/web/_oci/tag-history/v1`;
      const { history } = await ask<{ history: { digest: string; until?: string }[] }>('two', path);
      assert.deepEqual(
        history.map(({ digest, until: end }) => [digest, end === undefined]),
        [
          [second, true],
          [first, false],
        ],
      );
    });

    test('the recording watcher is killed: the other takes over, and nothing is recorded twice', async () => {
      const recorder = (watchers['one'] as WatcherProcess).log.some((line) => line.includes('recording this cluster'))
        ? 'one'
        : 'two';
      const { child } = watchers[recorder] as WatcherProcess;
      child.kill('SIGKILL');
      delete watchers[recorder];
      await startPod('web-1-b', `${host}/web@${second}`);
      await until('the other records', async () => (await runs()).length === 2);
      assert.deepEqual((await runs()).map(String).sort(), [`${first},true`, `${second},true`].sort());
      await until('mixed replicas', async () => posted.some(({ body }) => body.includes('"mixed-replicas"')));
    });

    test('the database goes and comes back: nothing that was acknowledged is lost, and what happened meanwhile is recorded', async () => {
      const [watcher] = Object.values(watchers) as [WatcherProcess];
      const acknowledged = (await ledger.verify()).count;
      await postgres.kill();
      await kube.delete('/api/v1/namespaces/shop/pods/web-1-a?gracePeriodSeconds=0');
      await until('it is said', async () => watcher.log.some((line) => line.includes('the ledger does not answer')));
      await postgres.start();
      await until('it has ended', async () =>
        (await runs()).some(([digest, open]) => digest === first && open === false),
      );
      const { count, broken } = await ledger.verify();
      assert.equal(broken, undefined);
      assert.ok(count > acknowledged);
      assert.equal((await runs()).length, 2);
      assert.equal(watcher.child.exitCode, null);
    });

    test('rollback by revision into the cluster: who and why stand at the workload, and the bad one is blocked', async () => {
      // What the policy lets in today is what was signed; the release before.
      for (const definition of definitions({}))
        await kube.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
      const policies = '/apis/tagproof.dev/v1alpha1/imagepolicies';
      await until('the kind is served', async () => (await kube.list(policies)) !== undefined);
      const out = await tagproof(
        'rollback',
        'shop/Deployment/web',
        '--to',
        first,
        '--apply',
        '--block',
        '--reason',
        'v2 leaks',
      );
      assert.match(out, /1 container rolled back/);
      const { spec: blocked } = await kube.get(`${policies}/tagproof-blocklist`);
      const [bad] = (blocked as { blocked: { digest: string; reason: string }[] }).blocked;
      assert.deepEqual([bad?.digest, bad?.reason], [second, 'v2 leaks']);
      const { metadata, spec } = await kube.get(WEB);
      assert.match(metadata?.annotations?.['tagproof.dev/rolled-back-by'] ?? '', /: v2 leaks$/);
      assert.equal(metadata?.annotations?.['kubernetes.io/change-cause'], 'first release', 'what stood there stays');
      const { containers } = (spec as { template: { spec: { containers: { image: string }[] } } }).template.spec;
      assert.equal(containers[0]?.image, `${host}/web:v1@${first}`);
      const never = (await ledger.statements.blocklist()).map(({ digest }) => digest);
      assert.ok(never.includes(second));
      assert.equal((await ledger.statements.holds())[0]?.digest, first);
      await until(
        'what runs on is an alarm',
        async () => (await ledger.alarms.list(true)).map(({ code }) => code).includes('blocked-image'),
        60,
      );
      assert.ok((await ledger.alarms.list(true)).some(({ code }) => code === 'hold-broken'));
      assert.match(await tagproof('rollback', 'shop/Deployment/web', '--release'), /no longer held/);
      assert.match(await tagproof('ledger', 'verify'), /each as it was written/);
    });
  },
  240,
);

type PostedAlarm = { readonly key: string; readonly code: string; readonly message: string };
function tagOf(image: string): [registry: string, repository: string, tag: string] {
  const [, registry = '', repository = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(image) ?? [];
  return [registry, repository, tag];
}
