// What the benchmarks of the webhook share: signed images, the release as a process on one core of its own, reviews over TLS.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushSample } from '../src/registry/sample.ts';
import { signSample } from '../src/sign/sample.ts';

/** As the manifests set it. */
export const NODE_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=128'];
const ENVIRONMENT = { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' };
const MAIN = join(import.meta.dirname, '../dist/main.js'); // the release: npm run build first

export type World = {
  readonly folder: string;
  readonly registry: EmbeddedRegistry;
  readonly host: string;
  /** Each with tag and digest, signed. */
  readonly images: readonly string[];
  readonly close: () => Promise<void>;
};

/** @param signed whether the policy asks for signatures, or for digests alone */
export async function makeWorld(count: number, signed = true): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  const registry = new EmbeddedRegistry();
  const host = await registry.listen();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const images: string[] = [];
  for (let i = 0; i < count; i++) {
    const repository = `team/web${i}`;
    const digest = await pushSample(host, { repository, tag: '1', platforms: ['linux/amd64'], content: 'x' });
    if (signed) await signSample(host, repository, digest, privateKey);
    images.push(`${host}/${repository}:1@${digest}`);
  }
  const pem = (publicKey.export({ type: 'spki', format: 'pem' }) as string).trim().replaceAll('\n', '\n        ');
  const authorities = `authorities:\n  release:\n    keys:\n      - |\n        ${pem}\n    transparencyLog: ignore\n`;
  const rule = `  - {name: ours, images: ["${host}/**"], digest: resolve${signed ? ', signatures: {all: [release]}' : ''}}\n`;
  writeFileSync(join(folder, 'tagproof.yaml'), `${signed ? authorities : ''}rules:\n${rule}`);
  const close = async () => {
    await registry.close();
    rmSync(folder, { recursive: true });
  };
  return { folder, registry, host, images, close };
}

export type Webhook = {
  readonly ask: (path: string, image: string) => Promise<void>;
  /** MiB, resident. */
  readonly rss: () => number;
  readonly metrics: () => Promise<string>;
  readonly stop: () => Promise<void>;
};

/** Where taskset is: the server on the second core, everything else stays where the system puts it. */
const pinned = (program: string, args: string[]): [string, string[]] =>
  spawnSync('taskset', ['-c', '1', 'true']).status === 0 ? ['taskset', ['-c', '1', program, ...args]] : [program, args];

export async function startTagproof({ folder }: World, connections: number): Promise<Webhook> {
  const server = spawn(
    ...pinned(process.execPath, [...NODE_FLAGS, MAIN, 'serve', 'admission', '--standalone', '--port', '0']),
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: ENVIRONMENT },
  );
  const url = await new Promise<string>((resolve) =>
    server.stdout.on('data', (chunk) => {
      const found = /https:\/\/[\d.]+:\d+/.exec(String(chunk))?.[0];
      if (found) resolve(found.replace('127.0.0.1', 'localhost'));
    }),
  );
  return webhookAt(url, readFileSync(join(folder, 'tagproof-ca.pem'), 'utf8'), server, connections);
}

export function webhookAt(url: string, ca: string, server: ChildProcess, connections: number): Webhook {
  const pool = new Pool(url, { connections, connect: { ca } });
  return {
    ask: async (path, image) => {
      const { body } = await pool.request({
        path,
        method: 'POST',
        body: JSON.stringify(reviewOf(image)),
        headers: { 'content-type': 'application/json' },
      });
      const { response } = (await body.json()) as { response: { allowed: boolean } };
      if (!response.allowed) throw new Error(JSON.stringify(response));
    },
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024,
    metrics: async () => (await pool.request({ path: '/metrics', method: 'GET' })).body.text(),
    stop: async () => {
      server.kill();
      await pool.destroy();
    },
  };
}

/** A pod as they are: some kilobytes of labels and annotations around an image. */
function reviewOf(image: string): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      namespace: 'n',
      name: 'p',
      operation: 'CREATE',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p', namespace: 'n', labels: { filler: 'x'.repeat(3000) } },
        spec: { containers: [{ name: 'c', image }] },
      },
    },
  };
}

/** @returns reviews a second, and the client's own p99 in milliseconds */
export async function load(
  ask: (image: string) => Promise<void>,
  images: readonly string[],
  reviews: number,
  connections: number,
): Promise<{ perSecond: number; p99: number }> {
  let next = 0;
  const times: number[] = [];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < reviews) {
        const at = performance.now();
        await ask(images[next++ % images.length] as string);
        times.push(performance.now() - at);
      }
    }),
  );
  const perSecond = reviews / ((performance.now() - started) / 1000);
  times.sort((a, b) => a - b);
  return { perSecond, p99: times[Math.floor(times.length * 0.99)] as number };
}

/** The smallest bound of the server's own histogram that holds 99 of 100 allowed reviews of a step, milliseconds. */
export function serverP99(metrics: string, step: string): number {
  const rows = [
    ...metrics.matchAll(/tagproof_review_seconds_bucket\{step="(\w+)",allowed="true",le="([^"]+)"\} (\d+)/g),
  ].filter(([, of]) => of === step);
  const total = Number(rows.at(-1)?.[3] ?? 0);
  const [, , bound = 'Infinity'] = rows.find(([, , , count]) => Number(count) >= total * 0.99) ?? [];
  return Number(bound) * 1000;
}
