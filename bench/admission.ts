// The webhook, warm, as a process of its own: reviews a second over TLS, its own p99, its memory; and five hundred pods of one new image
// at once.
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushReferrer, pushSample } from '../src/registry/sample.ts';
import { signingKeyOf } from '../src/sign/key.ts';
import { makeBundle } from '../src/sign/sign.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../src/sigstore/statement.ts';

const CONNECTIONS = 16;
const REVIEWS = 20_000;
const IMAGES = 200;

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  const registry = new EmbeddedRegistry();
  const host = await registry.listen();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const images: string[] = [];
  for (let i = 0; i < IMAGES; i++) {
    const repository = `team/web${i}`;
    const digest = await pushSample(host, { repository, tag: '1', platforms: ['linux/amd64'], content: 'x' });
    const statement = { digest, predicateType: SIGN_PREDICATE, predicate: {}, annotations: {} };
    await pushReferrer(
      host,
      repository,
      digest,
      BUNDLE_TYPE,
      await makeBundle(statement, { key: signingKeyOf(privateKey) }),
    );
    images.push(`${host}/${repository}:1@${digest}`);
  }
  const pem = (publicKey.export({ type: 'spki', format: 'pem' }) as string).trim().replaceAll('\n', '\n        ');
  writeFileSync(
    join(folder, 'tagproof.yaml'),
    `authorities:\n  release:\n    keys:\n      - |\n        ${pem}\n    transparencyLog: ignore\nrules:\n  - {name: ours, images: ["**"], digest: resolve, signatures: {all: [release]}}\n`,
  );
  const main = join(import.meta.dirname, '../dist/main.js'); // the release: npm run build first
  const server = spawn(
    process.execPath,
    ['--max-semi-space-size=8', '--max-old-space-size=128', main, 'serve', 'admission', '--standalone', '--port', '0'],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const url = await new Promise<string>((resolve) =>
    server.stdout.on('data', (chunk) => {
      const found = /https:\/\/[\d.]+:\d+/.exec(String(chunk))?.[0];
      if (found) resolve(found.replace('127.0.0.1', 'localhost'));
    }),
  );
  const pool = new Pool(url, {
    connections: CONNECTIONS,
    connect: { ca: readFileSync(join(folder, 'tagproof-ca.pem')) },
  });
  const ask = async (path: string, image: string) => {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u',
        namespace: 'n',
        name: 'p',
        operation: 'CREATE',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        object: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'p', labels: { filler: 'x'.repeat(3000) } },
          spec: { containers: [{ name: 'c', image }] },
        },
      },
    };
    const { body } = await pool.request({
      path,
      method: 'POST',
      body: JSON.stringify(review),
      headers: { 'content-type': 'application/json' },
    });
    const { response } = (await body.json()) as { response: { allowed: boolean } };
    if (!response.allowed) throw new Error(JSON.stringify(response));
  };
  registry.log.length = 0;
  await Promise.all(Array.from({ length: 500 }, () => ask('/mutate', (images[0] as string).replace(/@.*/, ''))));
  const cold = registry.log.length;
  process.stdout.write(
    `500 pods of one new image at once: ${cold} requests in all (${registry.log.filter((line) => line.includes('/blobs/')).length} signature fetched)\n`,
  );
  for (const image of images) await ask('/validate', image);
  let next = 0;
  const times: number[] = [];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < REVIEWS) {
        const at = performance.now();
        await ask('/validate', images[next++ % IMAGES] as string);
        times.push(performance.now() - at);
      }
    }),
  );
  const perSecond = REVIEWS / ((performance.now() - started) / 1000);
  times.sort((a, b) => a - b);
  const p99 = times[Math.floor(times.length * 0.99)] as number;
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
  process.stdout.write(
    `warm, ${CONNECTIONS} connections, the client beside it on the same machine: ${(perSecond / 1500).toFixed(2)} x the goal of 1,500 reviews/s; p99 at the client ${(p99 / 10).toFixed(2)} of 10 ms; RSS ${(rss / 150).toFixed(2)} of 150 MiB\n`,
  );
  server.kill();
  await pool.destroy();
  await registry.close();
  rmSync(folder, { recursive: true });
}
