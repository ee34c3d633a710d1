// check, resolve, inspect, diff and lock as a user runs them, against a real registry on loopback.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { host, repository, WEB, web } from '../../../test/cli-registry.ts';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';
import { pushSample } from '../../registry/sample.ts';

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

test('pin --platform warns, --only-platform pins the child, check finds that out', async () => {
  const folder = repository({ 'a.yaml': podWith('HOST/web:1', 'HOST/db:2') });
  const warned = await runTagproof(folder, ['pin', '--platform', 'linux/arm64', '-o', 'json']);
  assert.equal(warned.code, 1);
  assert.deepEqual(
    JSON.parse(warned.stdout).findings.map((item: { rule: string; image: string }) => `${item.rule} ${item.image}`),
    [`platform-missing ${host}/db:2`],
  );
  assert.match(read(folder, 'tagproof.lock'), /"platforms":\["linux\/amd64","linux\/arm64"\]/);

  const child = repository({ 'a.yaml': podWith('HOST/web:1') });
  assert.equal((await runTagproof(child, ['pin', '--only-platform', 'arm64', '--no-lock'])).code, 0);
  const checked = await runTagproof(child, ['check', '--online']);
  assert.equal(checked.code, 1);
  assert.match(checked.stdout, /pins only linux\/arm64 of an image with several platforms/);
  assert.match(
    (await runTagproof(child, ['check', '--online', '--platform', 'linux/amd64'])).stdout,
    /has no linux\/amd64, only linux\/arm64/,
  );
});

test('check: offline findings, lock disagreement, --strict, --allow', async () => {
  const other = `sha256:${'0'.repeat(64)}`;
  const folder = repository({ 'a.yaml': podWith('HOST/web:1'), 't.yaml': podWith('"{{ .x }}"') });
  assert.equal((await runTagproof(folder, ['check'])).code, 1);
  await runTagproof(folder, ['pin']);
  assert.equal((await runTagproof(folder, ['check'])).code, 0);
  assert.match((await runTagproof(folder, ['check', '--strict'])).stdout, /templated/);
  writeFileSync(join(folder, 'a.yaml'), podWith(`${host}/web:1@${other}`));
  const { code, stdout } = await runTagproof(folder, ['check']);
  assert.equal(code, 1);
  assert.match(stdout, /tag-digest-disagree/);
  assert.equal((await runTagproof(folder, ['check', '--allow', 'tag-digest-disagree'])).code, 0);
});

test('check --online: moved tag, digest gone; a registry that fails is exit code 2, never "passed"', async () => {
  await pushSample(host, { ...WEB, repository: 'moving' });
  const folder = repository({ 'a.yaml': podWith('HOST/moving:1') });
  await runTagproof(folder, ['pin']);
  assert.equal((await runTagproof(folder, ['check', '--online'])).code, 0);
  const old = /sha256:[a-f0-9]{64}/.exec(read(folder, 'a.yaml'))?.[0] as string;
  const now = await pushSample(host, { ...WEB, repository: 'moving', content: 'other' });
  const moved = JSON.parse((await runTagproof(folder, ['check', '--online', '-o', 'json'])).stdout);
  assert.equal(moved.exitCode, 1);
  assert.match(moved.findings[0].message, new RegExp(`1 moved from ${old} to ${now}, pinned \\d{4}-`));
  writeFileSync(join(folder, 'b.yaml'), podWith(`${host}/moving:never@${now}`));
  assert.match(
    (await runTagproof(folder, ['check', '--online', 'b.yaml'])).stdout,
    /no longer has the tag never; .*tag-gone/,
  );
  await fetch(`http://${host}/v2/moving/manifests/${old}`, { method: 'DELETE' });
  assert.match((await runTagproof(folder, ['check', '--online'])).stdout, /digest-gone/);

  const down = repository({ 'a.yaml': podWith(`localhost:1/x:1@${old}`) });
  const failed = await runTagproof(down, ['check', '--online']);
  assert.equal(failed.code, 2);
  assert.match(failed.stdout, /could not check everything/);
});

test('resolve, inspect, diff', async () => {
  const resolved = await runTagproof(makeRepository({}), ['resolve', `${host}/web:1`, `${host}/gone`, 'Not Valid']);
  assert.equal(resolved.code, 2);
  assert.equal(resolved.stdout, `${host}/web:1@${web}\n`);
  assert.match(
    resolved.stderr,
    /gone with tag latest[\s\S]*Not Valid: not a valid image reference: it contains white space/,
  );

  const inspected = await runTagproof(makeRepository({}), ['inspect', `${host}/web:1`]);
  assert.equal(inspected.code, 0);
  assert.match(inspected.stdout, /platforms +linux\/amd64, linux\/arm64/);
  assert.match(inspected.stdout, new RegExp(`pin it as ${host}/web:1@${web}`));
  const missingPlatforms = await runTagproof(makeRepository({}), [
    'inspect',
    `${host}/web:1`,
    '--platform',
    'linux/s390x',
  ]);
  assert.equal(missingPlatforms.code, 2);
  assert.match(missingPlatforms.stderr, /has no linux\/s390x, only linux\/amd64, linux\/arm64/);

  await pushSample(host, { ...WEB, tag: '2', env: ['A=2'], labels: { x: 'y' } });
  const differs = await runTagproof(makeRepository({}), ['diff', `${host}/web:1`, `${host}/web:2`, '-o', 'json']);
  assert.equal(differs.code, 1);
  assert.deepEqual(JSON.parse(differs.stdout).differences, [
    { what: 'env', name: 'A', from: '1', to: '2' },
    { what: 'label', name: 'x', to: 'y' },
  ]);
  assert.equal((await runTagproof(makeRepository({}), ['diff', `${host}/web:1`, `${host}/web@${web}`])).code, 0);
});

test('lock push and pull: what clusters take from a registry is what stands in Git', async () => {
  const lock = `# Written by tagproof: what each tag was pinned to, and since when. Commit this file.\nversion: 1\nimages:\n  "${host}/web:1": {"digest":"${web}","firstSeen":"2026-01-01T00:00:00Z","source":"registry"}\n`;
  const folder = repository({ 'tagproof.lock': lock, 'broken.lock': 'version: 1\nimages:\n  x' });
  const pushed = await runTagproof(folder, ['lock', 'push', `${host}/deploy/lock:prod`]);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stdout, /1 image pushed as .*\/deploy\/lock:prod@sha256:/);
  assert.equal((await runTagproof(folder, ['lock', 'pull', `${host}/deploy/lock:prod`])).stdout, lock);
  const broken = await runTagproof(folder, ['lock', 'push', `${host}/deploy/lock:prod`, '--lock', 'broken.lock']);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /broken\.lock:3/);
  assert.equal((await runTagproof(folder, ['lock', 'pull', `${host}/web:1`])).code, 2, 'an image is no lock');
});
