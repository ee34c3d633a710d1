// For tests of rollback: a registry with three versions of one image, files that run the last, and the record of a day.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { RunEvent } from '../src/ledger/event.ts';
import { openLedger } from '../src/ledger/open.ts';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushSample } from '../src/registry/sample.ts';
import { runTagproof } from './run-cli.ts';

export const registry = new EmbeddedRegistry();
export let host = '';
export const digests: Record<string, string> = {};
const folders: string[] = [];
before(async () => {
  host = await registry.listen();
  for (const tag of ['v1', 'v2', 'v3'])
    digests[tag] = await pushSample(host, { repository: 'web', tag, platforms: ['linux/amd64'], content: tag });
});
after(async () => {
  await registry.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

export const GONE = `sha256:${'9'.repeat(64)}`;
export const MANIFEST = () => `# a comment that stays
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: c
          image: ${host}/web:v3@${digests['v3']}  # released
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: shop}
spec: {template: {spec: {containers: [{name: c, image: "${host}/web:v3@${digests['v3']}"}]}}}
`;

export async function repository(policy = ''): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-rollback-'));
  folders.push(folder);
  writeFileSync(join(folder, 'web.yaml'), MANIFEST());
  writeFileSync(join(folder, 'tagproof.yaml'), `registries: [{host: "${host}"}]\n${policy}`);
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  // One revision a tag.
  const run = (tag: string, digest: string, pods: number): RunEvent => ({
    kind: 'run',
    revision: String(Number(tag.slice(1)) + 1),
    cluster: 'prod',
    namespace: 'shop',
    workload: { kind: 'Deployment', name: 'web' },
    container: 'c',
    type: 'container',
    image: `${host}/web:${tag}`,
    digest,
    pods,
  });
  const at = (hour: number) => new Date(Date.UTC(2026, 10, 24, hour));
  await ledger.append([run('v0', GONE, 1)], at(0));
  await ledger.append([run('v0', GONE, 0), run('v1', digests['v1'] as string, 2)], at(1));
  await ledger.append([run('v1', digests['v1'] as string, 0), run('v2', digests['v2'] as string, 2)], at(2));
  await ledger.append([run('v2', digests['v2'] as string, 0), run('v3', digests['v3'] as string, 2)], at(3));
  await ledger.close();
  return folder;
}

type Result = { readonly code: number | null; readonly out: string };
export const tagproof = async (folder: string, ...args: string[]): Promise<Result> => {
  const { code, stdout, stderr } = await runTagproof(folder, args);
  return { code, out: stdout + stderr };
};
export const WEB = 'shop/Deployment/web';
export const text = (folder: string) => readFileSync(join(folder, 'web.yaml'), 'utf8');
