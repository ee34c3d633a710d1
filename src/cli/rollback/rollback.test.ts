// Rolling back in files: candidates from the record, what is refused, what is written, and that pin respects it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digests, GONE, host, MANIFEST, repository, tagproof, text, WEB } from '../../../test/rollback-fixture.ts';
import type { RunEvent } from '../../ledger/event.ts';
import { openLedger } from '../../ledger/open.ts';
import { pushSample } from '../../registry/sample.ts';

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
