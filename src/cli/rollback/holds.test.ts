// What a rollback leaves behind: the blocklist, holds and their release, images that a node named only in part, all or nothing.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digests, GONE, host, MANIFEST, repository, tagproof, text, WEB } from '../../../test/rollback-fixture.ts';
import type { RunEvent } from '../../ledger/event.ts';
import { openLedger } from '../../ledger/open.ts';

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
