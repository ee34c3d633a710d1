// Rolling back: candidates from the record, what is refused, what is written, and that pin respects it. The cluster: test/real/watcher.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import type { RunEvent } from '../../ledger/event.ts';
import { openLedger } from '../../ledger/open.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';

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
  assert.match(out, /web:v3 .* now +- +nobody +runs now/);
  assert.match(out, /web:v2 .*2026-11-24T02:00:00Z +2026-11-24T03:00:00Z .*nobody +yes/);
  assert.match(out, /web:v0 .*no: .*404/);
  assert.match(
    (await tagproof(folder, 'rollback', 'shop/Deployment/nothing')).out,
    /no record of shop\/Deployment\/nothing in tagproof\.db \(\d+ entries since /,
  );
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
    assert.match(pinned.out, /1 place held since a rollback/, pinned.out);
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
      /today's policy denies it: .*no rule applies/,
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

test('by revision, as kubectl rollout history counts them', async () => {
  const folder = await repository();
  const { code, out } = await tagproof(folder, 'rollback', WEB, '--to', '3', '--reason', 'r');
  assert.equal(code, 0, out);
  assert.match(text(folder), new RegExp(`web:v2@${digests['v2']}`));
  assert.match((await tagproof(folder, 'rollback', WEB, '--to', '9', '--reason', 'r')).out, /it has no revision 9/);
});

test('a moment at which a digest ran that ran again later', async () => {
  const folder = await repository();
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  const [first] = await ledger.runHistory({ namespace: 'shop', name: 'web' });
  const again = { ...(first as object), kind: 'run', workload: { kind: 'Deployment', name: 'web' }, revision: '7' };
  const {
    id: _,
    node: __,
    until: ___,
    since: ____,
    name: _____,
    actor: ______,
    ...event
  } = again as Record<string, unknown>;
  const v1 = { ...event, image: `${host}/web:v1`, digest: digests['v1'] } as unknown as RunEvent;
  await ledger.append(
    [{ ...(event as unknown as RunEvent), revision: '4', pods: 0 }, v1],
    new Date('2026-11-24T05:00:00Z'),
  );
  await ledger.append(
    [
      { ...v1, pods: 0 },
      { ...(event as unknown as RunEvent), revision: '8' },
    ],
    new Date('2026-11-24T06:00:00Z'),
  );
  await ledger.close();
  const { out } = await tagproof(folder, 'rollback', WEB, '--to', '2026-11-24T01:30:00Z', '--diff');
  assert.match(out, new RegExp(`web:v1@${digests['v1']}`), out);
});

test('a whole namespace goes back to a moment as one plan, or not at all', async () => {
  const folder = await repository();
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  const other = (tag: string, pods: number, name = 'other'): RunEvent => ({
    kind: 'run',
    cluster: 'prod',
    namespace: 'shop',
    workload: { kind: 'Deployment', name },
    container: 'c',
    type: 'container',
    image: `${host}/web:${tag}`,
    digest: digests[tag] as string,
    pods,
  });
  await ledger.append([other('v2', 1), other('v3', 1, 'steady')], new Date('2026-11-24T01:00:00Z'));
  await ledger.append([other('v2', 0), other('v3', 1), other('v1', 1, 'new')], new Date('2026-11-24T03:00:00Z'));
  await ledger.close();
  const to = ['shop', '--to', '2026-11-24T02:30:00Z'];
  const { code, out } = await tagproof(folder, 'rollback', ...to, '--reason', 'bad release');
  assert.equal(code, 0, out);
  assert.match(out, /steady runs that already[\s\S]*shop\/Deployment\/new did not run then[\s\S]*changed 1 file/);
  assert.equal(text(folder), MANIFEST().replaceAll(`v3@${digests['v3']}`, `v2@${digests['v2']}`));
  const early = await tagproof(folder, 'rollback', 'shop', '--to', '2026-11-24T00:30:00Z', '--reason', 'r');
  assert.equal(early.code, 1, early.out);
  assert.match(early.out, /1 container of 1 cannot be rolled back, so nothing was changed/);
  assert.match((await tagproof(folder, 'rollback', 'shop')).out, /expected --to with a time/);
  assert.match((await tagproof(folder, 'rollback', 'shop', '--to', '3', '--reason', 'r')).out, /to a time only/);
  assert.match(
    (await tagproof(folder, 'rollback', 'nowhere', '--to', '2026-11-24T02:30:00Z', '--reason', 'r')).out,
    /nothing ran in nowhere/,
  );
});

test('never again: what ran is blocked for everybody who asks the policy, and cannot be gone back to', async () => {
  const folder = await repository(`rules: [{name: all, images: ["${host}/**"], digest: required}]\n# the end\n`);
  const gone = await tagproof(folder, 'rollback', WEB, '--to', '3', '--reason', 'v3 leaks', '--block');
  assert.equal(gone.code, 0, gone.out);
  const policy = readFileSync(join(folder, 'tagproof.yaml'), 'utf8');
  assert.match(
    policy,
    new RegExp(
      `# the end\nblocked:\n  - \\{"digest":"${digests['v3']}","repository":"${host}/web","reason":"v3 leaks","by":".+"\\}\n$`,
    ),
  );
  const verified = await tagproof(folder, 'verify', `${host}/web@${digests['v3']}`);
  assert.equal(verified.code, 1);
  assert.match(verified.out, /is on the blocklist: v3 leaks/);
  assert.equal((await tagproof(folder, 'verify', `${host}/web@${digests['v2']}`)).code, 0);
  const back = await tagproof(folder, 'rollback', WEB, '--to', digests['v3'] as string, '--reason', 'r');
  assert.match(back.out, /it must never run again: v3 leaks/);
  assert.equal(back.code, 1);
  assert.match((await tagproof(folder, 'rollback', WEB)).out, /web:v3 .*runs now/);
});

test('never again: never what is gone back to, whichever of its digests a node names', async () => {
  const folder = await repository();
  const [good, bad, shared] = ['c', 'd', 'e'].map((letter) => `sha256:${letter.repeat(64)}`) as [
    string,
    string,
    string,
  ];
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  // Two indexes with one manifest in common, as after a rebuild for one platform; one pod's node names that manifest.
  const v2 = digests['v2'] as string;
  for (const [root, own] of [
    [v2, good],
    [digests['v3'] as string, bad],
  ] as const) {
    const members = [root, own, shared].map((digest, i) => ({
      digest,
      role: i === 0 ? ('index' as const) : ('manifest' as const),
    }));
    await ledger.append([{ kind: 'closure', root, members }]);
  }
  const [now] = await ledger.runHistory({ namespace: 'shop', name: 'web' });
  const { cluster, namespace, container, image } = now as NonNullable<typeof now>;
  const workload = { kind: 'Deployment', name: 'web' };
  await ledger.append([
    { kind: 'run', cluster, namespace, workload, container, type: 'container', image, digest: shared, pods: 1 },
  ]);
  await ledger.close();
  const { out, code } = await tagproof(folder, 'rollback', WEB, '--to', v2, '--reason', 'v3 leaks', '--block');
  // The manifest is in both: of v3 only what is its own is blocked, and its index, which has it too, is no part of v2.
  assert.equal(code, 0, out);
  const policy = readFileSync(join(folder, 'tagproof.yaml'), 'utf8');
  assert.match(policy, new RegExp(bad));
  assert.match(policy, new RegExp(digests['v3'] as string));
  for (const kept of [v2, good, shared]) assert.doesNotMatch(policy, new RegExp(kept));
});

test('what a node named only in part is gone back to as a whole: by what the tag was then', async () => {
  const folder = await repository();
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  const part = `sha256:${'f'.repeat(64)}`;
  const v2 = digests['v2'] as string;
  // Two images have this manifest; the tag pointed to v2 when the node started it.
  for (const root of [digests['v1'] as string, v2])
    await ledger.append([
      {
        kind: 'closure',
        root,
        members: [
          { digest: root, role: 'index' },
          { digest: part, role: 'manifest' },
        ],
      },
    ]);
  await ledger.append(
    [{ kind: 'tag', registry: host, repository: 'web', tag: 'main', digest: v2, source: 'poll' }],
    new Date('2026-11-24T03:30:00Z'),
  );
  const run = (digest: string, image: string, pods: number): RunEvent => ({
    kind: 'run',
    cluster: 'prod',
    namespace: 'shop',
    workload: { kind: 'Deployment', name: 'other' },
    container: 'c',
    type: 'container',
    image: `${host}/web:${image}`,
    digest,
    pods,
  });
  await ledger.append([run(part, 'main', 1)], new Date('2026-11-24T04:00:00Z'));
  await ledger.append([run(part, 'main', 0), run(digests['v3'] as string, 'v3', 1)], new Date('2026-11-24T05:00:00Z'));
  await ledger.close();
  const listed = await tagproof(folder, 'rollback', 'shop/Deployment/other');
  assert.match(listed.out, new RegExp(`web:main +${v2.slice(0, 19)}.* yes`), listed.out);
  for (const to of [part, v2, '2026-11-24T04:30:00Z']) {
    const { out } = await tagproof(folder, 'rollback', 'shop/Deployment/other', '--to', to, '--diff');
    assert.match(out, new RegExp(`web:main@${v2}`), out);
  }
});

test('a hold is let go of by --release: in the lock and in the ledger', async () => {
  const folder = await repository();
  assert.match((await tagproof(folder, 'rollback', WEB, '--release')).out, /is not held/);
  await tagproof(folder, 'rollback', WEB, '--to', '3', '--reason', 'v3 leaks');
  assert.match(readFileSync(join(folder, 'tagproof.lock'), 'utf8'), /"hold"/);
  const { code, out } = await tagproof(folder, 'rollback', WEB, '--release');
  assert.equal(code, 0, out);
  assert.match(out, /no longer held at sha256:/);
  assert.doesNotMatch(readFileSync(join(folder, 'tagproof.lock'), 'utf8'), /"hold"/);
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  assert.deepEqual(await ledger.statements.holds(), []);
  await ledger.close();
});

test('--block with a list that cannot be added to: no file changes and nothing is recorded (K6)', async () => {
  const policy = `blocked: [{digest: "${GONE}", reason: old}]\n`;
  const folder = await repository(policy);
  const { code, out } = await tagproof(folder, 'rollback', WEB, '--to', '3', '--reason', 'r', '--block');
  assert.equal(code, 2, out);
  assert.match(out, /tagproof\.yaml.*(?:by hand|cannot be added to)/s);
  assert.match(out, /not changed: tagproof\.lock, tagproof\.yaml, web\.yaml · not tried: the ledger entry/);
  assert.equal(text(folder), MANIFEST());
  assert.equal(existsSync(join(folder, 'tagproof.lock')), false);
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  assert.deepEqual(await ledger.statements.holds(), []);
  await ledger.close();
});

test('a plan of which one workload has no place in the files: not half of it is written', async () => {
  const folder = await repository();
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  const absent = (tag: string, pods: number): RunEvent => ({
    kind: 'run',
    cluster: 'prod',
    namespace: 'shop',
    workload: { kind: 'Deployment', name: 'absent' },
    container: 'c',
    type: 'container',
    image: `${host}/web:${tag}`,
    digest: digests[tag] as string,
    pods,
  });
  await ledger.append([absent('v2', 1)], new Date('2026-11-24T02:00:00Z'));
  await ledger.append([absent('v2', 0), absent('v3', 1)], new Date('2026-11-24T03:00:00Z'));
  await ledger.close();
  const { code, out } = await tagproof(folder, 'rollback', 'shop', '--to', '2026-11-24T02:30:00Z', '--reason', 'r');
  assert.equal(code, 2, out);
  assert.match(out, /no file here has .*Deployment\/absent/);
  assert.match(out, /nothing was changed/);
  assert.equal(text(folder), MANIFEST());
  assert.equal(existsSync(join(folder, 'tagproof.lock')), false);
});
