// pin, check and unpin beside others who pin the same tree: by hand, Renovate, Dependabot, several environments.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';
import { type LockEntry, parseLock } from '../../lock/lock.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';

const registry = new EmbeddedRegistry();
let host = '';
before(async () => {
  host = await registry.listen();
});
after(() => registry.close());

const push = (repository: string, tag: string, content: string) =>
  pushSample(host, { repository, tag, platforms: ['linux/amd64'], content });
const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
const write = (folder: string, file: string, ...images: string[]) =>
  writeFileSync(join(folder, file), podWith(...images));
const lockOf = (folder: string) => parseLock(read(folder, 'tagproof.lock'), 'tagproof.lock');
const entryAt = (folder: string, key: string) => lockOf(folder).get(key) as LockEntry;
type Row = { rule: string; level: string; message: string; file: string };
async function check(folder: string, ...args: string[]): Promise<{ code: number | null; findings: Row[] }> {
  const { code, stdout } = await runTagproof(folder, ['check', '-o', 'json', ...args]);
  return { code, findings: JSON.parse(stdout).findings };
}
const rules = ({ findings }: { findings: readonly Row[] }) => findings.map(({ rule, level }) => `${rule} ${level}`);

test('P33: a digest that stands in the tree is adopted, and the place without digest gets the same; P34: unpin leaves it', async () => {
  const digest = await push('hand', '1', 'hand');
  const [own, others] = [podWith(`${host}/hand:1`, `${host}/hand:1@${digest}`), podWith(`${host}/hand:1@${digest}`)];
  const folder = makeRepository({ 'a.yaml': own, 'b.yaml': others });
  const { code, stdout } = await runTagproof(folder, ['pin']);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /adopted: digests that others wrote\n.*hand:1 +→ sha256:\w+ +the tag has it now +a\.yaml:7 and 1 more place/,
  );
  assert.match(stdout, /adopted 1 digest that others wrote\n/);
  assert.equal(read(folder, 'a.yaml'), podWith(`${host}/hand:1@${digest}`, `${host}/hand:1@${digest}`));
  assert.deepEqual(entryAt(folder, `${host}/hand:1`).wrote, ['a.yaml spec.containers[0].image']);
  assert.equal((await check(folder)).code, 0);
  const unpinned = await runTagproof(folder, ['unpin']);
  assert.match(
    unpinned.stdout,
    /2 digests left: not written by tagproof pin, says tagproof\.lock; --all takes them out/,
  );
  assert.equal(read(folder, 'a.yaml'), own);
  assert.equal(read(folder, 'b.yaml'), others);
  assert.equal((await runTagproof(folder, ['pin'])).code, 0);
  assert.equal((await runTagproof(folder, ['unpin'])).code, 0);
  assert.equal(read(folder, 'a.yaml'), own, 'the same after a second round');
  await runTagproof(folder, ['unpin', '--all']);
  assert.doesNotMatch(read(folder, 'a.yaml') + read(folder, 'b.yaml'), /@sha256/);
});

test('P34: a lock of an older version says nothing of writers: its digests count as written by pin; without a lock nothing does', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const line = `  "docker.io/library/x:1": {"digest":"${digest}","firstSeen":"2026-01-01T00:00:00Z","source":"registry"}\n`;
  const pinned = podWith(`x:1@${digest}`, `y:1@${digest}`);
  const folder = makeRepository({ 'a.yaml': pinned, 'tagproof.lock': `version: 1\nimages:\n${line}` });
  await runTagproof(folder, ['unpin']);
  assert.equal(read(folder, 'a.yaml'), podWith('x:1', `y:1@${digest}`));
  const none = makeRepository({ 'a.yaml': pinned });
  assert.match((await runTagproof(none, ['unpin'])).stdout, /unpinned 0 images in 0 files\n2 digests left/);
  assert.equal(read(none, 'a.yaml'), pinned);
});

test('P34: a run over one file knows nothing of the others: it remembers where it wrote', async () => {
  const digest = await push('part', '1', 'part');
  const folder = makeRepository({ 'a.yaml': podWith(`${host}/part:1`), 'b.yaml': podWith(`${host}/part:1@${digest}`) });
  await runTagproof(folder, ['pin', 'a.yaml']);
  assert.deepEqual(entryAt(folder, `${host}/part:1`).wrote, ['a.yaml spec.containers[0].image']);
  await runTagproof(folder, ['unpin']);
  assert.equal(read(folder, 'a.yaml'), podWith(`${host}/part:1`));
  assert.equal(read(folder, 'b.yaml'), podWith(`${host}/part:1@${digest}`));
});

test('P33: an update of the digest alone: check is red and says why, online it is an update, --frozen names the command, pin heals', async () => {
  const old = await push('digest', '1', 'old');
  const folder = makeRepository({ 'a.yaml': podWith(`${host}/digest:1`) });
  await runTagproof(folder, ['pin']);
  const now = await push('digest', '1', 'new');
  write(folder, 'a.yaml', `${host}/digest:1@${now}`);

  const offline = await check(folder);
  assert.equal(offline.code, 1);
  assert.deepEqual(rules(offline), ['tag-digest-disagree error']);
  const says = new RegExp(
    `has ${old.slice(0, 19)} for 1 since 20..-..-.., here it is ${now.slice(0, 19)}: .*run tagproof pin`,
  );
  assert.match(offline.findings[0]?.message ?? '', says);
  const online = await check(folder, '--online');
  assert.equal(online.code, 0);
  assert.deepEqual(rules(online), ['lock-behind note']);
  assert.match(online.findings[0]?.message ?? '', /an update of sha256:\w+ that the registry confirms/);

  const requests = registry.log.length;
  const frozen = await runTagproof(folder, ['pin', '--frozen']);
  assert.equal(frozen.code, 1);
  assert.match(frozen.stdout, /run tagproof pin without --frozen/);
  assert.equal(registry.log.length, requests);
  assert.equal(entryAt(folder, `${host}/digest:1`).digest, old);

  const healed = await runTagproof(folder, ['pin']);
  assert.equal(healed.code, 0);
  assert.match(healed.stdout, new RegExp(`digest:1 +${old.slice(0, 19)} → ${now.slice(0, 19)} +the tag has it now`));
  assert.match(healed.stdout, /adopted 1 digest that others wrote, 1 update of what the lock had/);
  assert.deepEqual(
    [...lockOf(folder)].map(([key, { digest }]) => [key, digest]),
    [[`${host}/digest:1`, now]],
  );
  assert.deepEqual(await check(folder), { code: 0, findings: [] });
  assert.match(
    (await runTagproof(folder, ['pin'])).stdout,
    /pinned 0 images in 0 files, 1 pinned before\n(?!.*adopted)/,
  );
});

test('P33: an update of tag and digest: check notes it, pin takes the new tag into the lock and the old one out of it', async () => {
  await push('both', '1.0', 'one');
  const folder = makeRepository({ 'a.yaml': podWith(`${host}/both:1.0`), 'b.yaml': podWith(`${host}/both:1.0`) });
  await runTagproof(folder, ['pin']);
  const digest = await push('both', '1.1', 'two');
  for (const file of ['a.yaml', 'b.yaml']) write(folder, file, `${host}/both:1.1@${digest}`);
  const offline = await check(folder);
  assert.equal(offline.code, 0);
  assert.deepEqual(rules(offline), ['lock-behind note', 'lock-behind note', 'lock-stale note']);
  assert.equal((await check(folder, '--online')).code, 0);
  assert.equal((await runTagproof(folder, ['pin', '--frozen'])).code, 0);
  const { code, stdout } = await runTagproof(folder, ['pin']);
  assert.equal(code, 0);
  assert.match(stdout, /tagproof\.lock remembers 1 image, 1 new, 1 removed that no place uses any more; commit it/);
  assert.deepEqual([...lockOf(folder).keys()], [`${host}/both:1.1`]);
  assert.deepEqual(await check(folder), { code: 0, findings: [] });
});

test('P27: two environments may pin one tag to two digests: both are in the lock, and both are said', async () => {
  const first = await push('env', '1', 'first');
  const folder = makeRepository({ 'prod.yaml': podWith(`${host}/env:1`), 'stage.yaml': podWith(`${host}/env:1`) });
  await runTagproof(folder, ['pin']);
  const second = await push('env', '1', 'second');
  assert.equal((await runTagproof(folder, ['pin', '--update', 'stage.yaml'])).code, 0);
  const checked = await check(folder);
  assert.equal(checked.code, 0);
  assert.deepEqual(rules(checked), ['two-digests note']);
  assert.match(
    checked.findings[0]?.message ?? '',
    /two digests for one tag: sha256:\w+ in prod\.yaml:6, sha256:\w+ in stage\.yaml:6/,
  );
  assert.deepEqual([...lockOf(folder).keys()].sort(), [`${host}/env:1`, `${host}/env:1@${first}`]);
  assert.equal(entryAt(folder, `${host}/env:1`).digest, second);
  assert.equal((await runTagproof(folder, ['pin'])).code, 0);
  assert.equal(lockOf(folder).size, 2, 'both are used');
  write(folder, 'new.yaml', `${host}/env:1`);
  await runTagproof(folder, ['pin']);
  assert.equal(read(folder, 'new.yaml'), podWith(`${host}/env:1@${second}`));
  rmSync(join(folder, 'stage.yaml'));
  rmSync(join(folder, 'new.yaml'));
  await runTagproof(folder, ['pin']);
  assert.deepEqual(
    [...lockOf(folder)].map(([key, { digest }]) => [key, digest]),
    [[`${host}/env:1`, first]],
  );
});

test('P33: a digest that nobody can confirm beside a place without one: two digests are said, and both ways out work', async () => {
  const old = await push('moved', '1', 'old');
  const now = await push('moved', '1', 'now');
  const files = { 'a.yaml': podWith(`${host}/moved:1@${old}`), 'b.yaml': podWith(`${host}/moved:1`) };
  for (const way of ['--adopt', '--update']) {
    const folder = makeRepository(files);
    const { code, stdout } = await runTagproof(folder, ['pin', '-o', 'json']);
    assert.equal(code, 1);
    const report = JSON.parse(stdout) as { findings: Row[] };
    assert.deepEqual(rules(report), ['tag-digest-disagree error', 'two-digests note']);
    assert.match(
      report.findings[0]?.message ?? '',
      /nobody here knows whether it ever was .*--update takes.*--adopt keeps/,
    );
    assert.equal(read(folder, 'b.yaml'), podWith(`${host}/moved:1@${now}`));
    assert.equal((await check(folder)).code, 1);
    assert.equal((await runTagproof(folder, ['pin', way])).code, 0);
    assert.equal(read(folder, 'a.yaml'), podWith(`${host}/moved:1@${way === '--adopt' ? old : now}`));
    assert.equal((await check(folder)).code, 0);
  }
  const without = await runTagproof(makeRepository(files), ['pin', '--no-lock']);
  assert.equal(without.code, 1);
  assert.match(without.stdout, /two digests for one tag/);
});

test('P33: what no registry serves is never adopted; an unreachable registry is exit code 2 where the lock disagrees', async () => {
  const digest = await push('gone', '1', 'gone');
  const folder = makeRepository({ 'a.yaml': podWith(`${host}/gone:1@sha256:${'0'.repeat(64)}`) });
  const kept = await runTagproof(folder, ['pin', '--adopt']);
  assert.equal(kept.code, 0);
  assert.match(kept.stdout, /was not taken into tagproof\.lock/);
  assert.doesNotMatch(kept.stdout, /remembers/);
  const line = `  "localhost:1/x:1": {"digest":"${digest}","firstSeen":"2026-01-01T00:00:00Z","source":"registry"}\n`;
  const lock = `version: 1\nimages:\n${line}`;
  const down = makeRepository({ 'a.yaml': podWith(`localhost:1/x:1@sha256:${'0'.repeat(64)}`), 'tagproof.lock': lock });
  assert.equal((await runTagproof(down, ['pin'])).code, 2);
  assert.equal(read(down, 'tagproof.lock'), lock, 'nothing is pruned from what could not be checked');
});

test('P27: only a run over the whole tree prunes the lock, and check names what it would remove', async () => {
  await push('keep', '1', 'keep');
  await push('drop', '1', 'drop');
  const folder = makeRepository({ 'a/a.yaml': podWith(`${host}/keep:1`), 'b.yaml': podWith(`${host}/drop:1`) });
  await runTagproof(folder, ['pin']);
  rmSync(join(folder, 'b.yaml'));
  await runTagproof(folder, ['pin', 'a']);
  await runTagproof(folder, ['pin', '--exclude', 'x']);
  await runTagproof(folder, ['pin', '--frozen']);
  assert.equal(lockOf(folder).size, 2);
  assert.deepEqual(rules(await check(folder)), ['lock-stale note']);
  assert.deepEqual(rules(await check(folder, 'a')), []);
  await runTagproof(folder, ['pin']);
  assert.deepEqual([...lockOf(folder).keys()], [`${host}/keep:1`]);
});

test('P3: the tag was edited, and the lock knows it under another digest: an error offline, and pin writes the digest of the tag', async () => {
  const [one, two] = [await push('edit', '1.0', 'one'), await push('edit', '2.0', 'two')];
  const folder = makeRepository({ 'a.yaml': podWith(`${host}/edit:1.0`, `${host}/edit:2.0`) });
  await runTagproof(folder, ['pin']);
  write(folder, 'a.yaml', `${host}/edit:2.0@${one}`, `${host}/edit:2.0@${two}`);
  const offline = await check(folder);
  assert.equal(offline.code, 1);
  assert.match(
    offline.findings[0]?.message ?? '',
    /knows sha256:\w+ as 1\.0, not as 2\.0, which is sha256:\w+: the tag was edited/,
  );
  assert.equal((await runTagproof(folder, ['pin', '--frozen'])).code, 1);
  assert.equal((await runTagproof(folder, ['pin'])).code, 0);
  assert.equal(read(folder, 'a.yaml'), podWith(`${host}/edit:2.0@${two}`, `${host}/edit:2.0@${two}`));
  assert.deepEqual(await check(folder), { code: 0, findings: [] });
});
