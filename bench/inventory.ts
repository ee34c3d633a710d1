// The watcher at a real API server with many pods (no nodes: statuses are written by the bench): how soon the first inventory is there, how
// soon a new pod is seen, what memory it takes, how big its ledger is, how soon the dashboard shows something. Needs etcd, kube-apiserver and
// chromium; only by name. TAGPROOF_BENCH_PODS: how many (5,000).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { KubeClient } from '../src/kube/client.ts';
import { startCluster } from '../src/kube/local.ts';

const PODS = Number(process.env['TAGPROOF_BENCH_PODS'] ?? 5000);
const WORKLOADS = Math.min(1000, PODS / 10);
const MAIN = join(import.meta.dirname, '../dist/main.js'); // the release: npm run build first

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  const cluster = await startCluster(
    folder,
    [],
    ['--max-requests-inflight=2000', '--max-mutating-requests-inflight=2000'],
  );
  const kube = new KubeClient(cluster.access);
  try {
    await fill(kube);
    const started = performance.now();
    const watcher = spawn(
      process.execPath,
      [
        '--max-semi-space-size=4',
        MAIN,
        'serve',
        'watcher',
        '--port',
        '0',
        '--ledger',
        join(folder, 'ledger.db'),
        '--kubeconfig',
        cluster.kubeconfig,
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, MALLOC_ARENA_MAX: '1' } },
    );
    const url = await new Promise<URL>((resolve) =>
      watcher.stdout.on('data', (chunk) => {
        const found = /"url":"([^"]+)"/.exec(String(chunk))?.[1];
        if (found !== undefined) resolve(new URL(found));
      }),
    );
    const ask = async (query = ''): Promise<{ all: number; total: number; synced: boolean }> =>
      (
        await fetch(`${url.origin}/api/v1/deployed?limit=1${query}`, {
          headers: { authorization: `Bearer ${url.searchParams.get('token')}` },
        })
      ).json() as never;
    for (let page = await ask(); !page.synced || page.all < WORKLOADS; page = await ask()) await sleep(100);
    const first = (performance.now() - started) / 1000;
    await sleep(5000);
    const filter: number[] = [];
    for (let i = 0; i < 10; i++) {
      const at = performance.now();
      await ask('&filter=unpinned&q=w1');
      filter.push(performance.now() - at);
    }
    const before = performance.now();
    await put(kube, 'new', 'brand-new');
    while ((await ask('&q=brand-new')).total === 0) await sleep(20);
    const seen = (performance.now() - before) / 1000;
    const { paint, click } = await look(url);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${watcher.pid}/status`, 'utf8'))?.[1]) / 1024;
    process.stdout.write(
      `${PODS} pods of ${WORKLOADS} workloads: first inventory ${(first / 30).toFixed(2)} of 30 s, a new pod seen after ${seen.toFixed(2)} of 1 s, a filter ${((filter.sort((a, b) => a - b)[5] as number) / 100).toFixed(2)} of 100 ms, RSS ${(rss / 300).toFixed(2)} of 300 MiB; ledger ${Math.round((statSync(join(folder, 'ledger.db')).size + statSync(join(folder, 'ledger.db-wal')).size) / PODS)} bytes a pod; dashboard: first rows ${(paint / 1500).toFixed(2)} of 1.5 s, a filter ${(click / 100).toFixed(2)} of 100 ms\n`,
    );
    watcher.kill('SIGKILL');
  } finally {
    await kube.close();
    cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In Chromium: from the address to the first rows, and from a click on a filter to its rows; milliseconds. */
async function look(url: URL): Promise<{ paint: number; click: number }> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const started = performance.now();
    await page.goto(url.href);
    await page.waitForSelector('tbody tr');
    const paint = performance.now() - started;
    const counts: number[] = [];
    // Measured within the page, from the click to the first frame in which the rows are others.
    for (const name of ['Not known', 'All', 'Not known', 'All', 'Not known'])
      counts.push(
        Number(
          await page.evaluate(
            `new Promise((done) => { const from = performance.now(); const before = document.querySelector('tbody');
             const button = [...document.querySelectorAll('nav button')].find((item) => item.textContent.startsWith(${JSON.stringify(name)}));
             new MutationObserver((_, observer) => { if (button.getAttribute('aria-pressed') === 'true' && document.querySelector('main').dataset.shown === ${JSON.stringify(name)}) { observer.disconnect(); requestAnimationFrame(() => done(performance.now() - from)); } }).observe(document.body, { childList: true, subtree: true, attributes: true });
             button.click(); void before; })`,
          ),
        ),
      );
    return { paint, click: counts.sort((a, b) => a - b)[2] as number };
  } finally {
    await browser.close();
  }
}

async function fill(kube: KubeClient): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < PODS) {
        const i = next++;
        await put(kube, `p${i}`, `w${i % WORKLOADS}`);
      }
    }),
  );
}

/** A pod as if a node had started it. */
async function put(kube: KubeClient, name: string, workload: string): Promise<void> {
  const path = '/api/v1/namespaces/default/pods';
  // Five images of each workload: a thousand of them have five thousand.
  const image = `registry.test/team/${workload}:v${Math.floor(Number(name.slice(1)) / WORKLOADS) % 5 || 0}`;
  await kube.create(path, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'StatefulSet', name: workload, uid: workload, controller: true },
      ],
    },
    spec: {
      containers: [
        { name: 'c', image, env: Array.from({ length: 10 }, (_, i) => ({ name: `V${i}`, value: 'x'.repeat(50) })) },
      ],
    },
  });
  const imageID = `registry.test/team/${workload}@sha256:${createHash('sha256').update(image).digest('hex')}`;
  const state = { running: { startedAt: '2026-01-01T00:00:00Z' } };
  await kube.patch(`${path}/${name}/status`, 'merge', {
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'c', image, imageID, ready: true, restartCount: 0, state }],
    },
  });
}
