// Going back: candidates from the record, what is refused, what is written, and that pin respects it. The cluster: test/real/watcher.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import type { RunEvent } from '../ledger/event.ts';
import { openLedger } from '../ledger/open.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';

const MAIN = resolve('src/cli/main.ts');
const registry = new EmbeddedRegistry();
let host = '';
const digests: Record<string, string> = {};
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

const GONE = `sha256:${'9'.repeat(64)}`;
const MANIFEST = () => `# a comment that stays
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

async function repository(policy = ''): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-rollback-'));
  folders.push(folder);
  writeFileSync(join(folder, 'web.yaml'), MANIFEST());
  writeFileSync(join(folder, 'tagproof.yaml'), `registries: [{host: "${host}"}]\n${policy}`);
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  const run = (tag: string, digest: string, pods: number): RunEvent => ({
    kind: 'run',
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

type Result = { code: number; out: string };
const tagproof = (folder: string, ...args: string[]): Promise<Result> =>
  new Promise((done) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' } },
      (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), out: stdout + stderr }),
    );
  });
const WEB = 'shop/Deployment/web';
const text = (folder: string) => readFileSync(join(folder, 'web.yaml'), 'utf8');

test('candidates: what ran before, whether it can still be pulled, and would be let in today', async () => {
  const folder = await repository(`rules: [{name: no v1, images: ["${host}/**"], digest: required}]\n`);
  const { code, out } = await tagproof(folder, 'rollback', WEB);
  assert.equal(code, 0, out);
  assert.match(out, /web:v3 .* now +runs now/);
  assert.match(out, /web:v2 .*2026-11-24T02:00:00Z +2026-11-24T03:00:00Z +yes/);
  assert.match(out, /web:v0 .*no: .*404/);
  assert.match((await tagproof(folder, 'rollback', 'shop/Deployment/nothing')).out, /knows nothing/);
});

test('by digest or by time: the files say exactly what ran, other workloads are left alone, pin respects it', async () => {
  for (const to of [digests['v2'] as string, '2026-11-24T02:30:00Z']) {
    const folder = await repository();
    const diff = await tagproof(folder, 'rollback', WEB, '--to', to, '--diff');
    assert.match(diff.out, new RegExp(`\\+ +image: ${host}/web:v2@${digests['v2']}  # released`));
    assert.equal(text(folder), MANIFEST(), 'nothing is written by --diff');
    const { code, out } = await tagproof(folder, 'rollback', WEB, '--to', to, '--reason', 'v3 leaks');
    assert.equal(code, 0, out);
    assert.equal(
      text(folder),
      MANIFEST().replace(`web:v3@${digests['v3']}  # released`, `web:v2@${digests['v2']}  # released`),
    );
    assert.match(readFileSync(join(folder, 'tagproof.lock'), 'utf8'), /"hold":\{"reason":"v3 leaks"/);
    const ledger = await openLedger(join(folder, 'tagproof.db'));
    let last = '';
    for await (const { body } of ledger.entries()) last = body;
    await ledger.close();
    assert.match(last, /"kind":"rollback".*"reason":"v3 leaks"/);
    // Somebody moves v2; an update leaves what was gone back to.
    await pushSample(host, { repository: 'web', tag: 'v2', platforms: ['linux/amd64'], content: `v2 again ${to}` });
    const pinned = await tagproof(folder, 'pin', '--update', 'web.yaml');
    assert.match(pinned.out, /1 place held since it was gone back to/, pinned.out);
    assert.match(text(folder), new RegExp(`web:v2@${digests['v2']}`));
  }
});

test('what cannot be pulled, or is denied today, is not gone back to; nothing is written', async () => {
  const cases: [policy: string, to: string, more: string[], code: number, says: RegExp][] = [
    ['', GONE, ['--reason', 'r'], 1, /cannot be pulled.*nothing was changed/s],
    [
      `rules: [{name: only, images: ["${'elsewhere.test'}/**"]}]\n`,
      'v1',
      ['--reason', 'r'],
      1,
      /today's policy denies it: .*no rule speaks/,
    ],
    ['', 'v1', [], 2, /expected --reason/],
    ['', `sha256:${'8'.repeat(64)}`, ['--reason', 'r'], 2, /it did not run sha256:8888/],
    ['', 'yesterday', ['--reason', 'r'], 2, /expected a digest .* or a time/],
  ];
  for (const [policy, to, more, code, says] of cases) {
    const folder = await repository(policy);
    const result = await tagproof(folder, 'rollback', WEB, '--to', digests[to] ?? to, ...more);
    assert.match(result.out, says, result.out);
    assert.equal(result.code, code, result.out);
    assert.equal(text(folder), MANIFEST());
  }
});
