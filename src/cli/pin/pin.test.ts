// pin and unpin as a user runs them: real processes, real files, a real registry on loopback.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { host, registry, repository, WEB, web } from '../../../test/cli-registry.ts';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';
import { pushSample } from '../../registry/sample.ts';

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

test('pin: writes digests and the lock; a second run needs no network; unpin gives the bytes back', async () => {
  const before = podWith('HOST/web:1 # keep', '"HOST/db:2"').replaceAll('HOST', host);
  const folder = repository({ 'deploy/a.yaml': before });
  const dry = await runTagproof(folder, ['pin', '--diff']);
  assert.equal(dry.code, 1);
  assert.match(dry.stdout, new RegExp(`\\+  - image: ${host}/web:1@${web} # keep`));
  assert.equal(read(folder, 'deploy/a.yaml'), before);

  const { code, stdout } = await runTagproof(folder, ['pin']);
  assert.equal(code, 0);
  assert.match(stdout, /pinned 2 images in 1 file\ntagproof\.lock remembers 2 images, 2 new; commit it/);
  const pinned = read(folder, 'deploy/a.yaml');
  assert.equal(pinned.replace(/@sha256:[a-f0-9]{64}/g, ''), before);
  assert.match(read(folder, 'tagproof.lock'), new RegExp(`"${host}/web:1": {"digest":"${web}"`));
  assert.equal((await runTagproof(folder, ['check'])).code, 0);

  assert.equal((await runTagproof(folder, ['unpin'])).code, 0);
  assert.equal(read(folder, 'deploy/a.yaml'), before);
  const requests = registry.log.length;
  assert.equal((await runTagproof(folder, ['pin', '--frozen'])).code, 0);
  assert.equal(read(folder, 'deploy/a.yaml'), pinned);
  assert.equal(registry.log.length, requests);
  assert.deepEqual(readdirSync(join(folder, 'deploy')), ['a.yaml']);
});

test('unpin: a digest without tag goes where pin wrote it, and stays where it is its author’s own', async () => {
  const text = podWith('HOST/web', `HOST/db@sha256:${'0'.repeat(64)}`).replaceAll('HOST', host);
  await pushSample(host, { ...WEB, tag: 'latest' });
  const folder = repository({ 'a.yaml': text });
  await runTagproof(folder, ['pin']);
  assert.match(read(folder, 'a.yaml'), new RegExp(`${host}/web@sha256:`));
  assert.equal((await runTagproof(folder, ['unpin'])).code, 0);
  assert.equal(read(folder, 'a.yaml'), text);
  await runTagproof(folder, ['unpin', '--all']);
  assert.equal(read(folder, 'a.yaml'), podWith(`${host}/web`, `${host}/db`));
});

test('pin: what fails stops nothing else, is exit code 2, and --frozen names what the lock lacks', async () => {
  const folder = repository({
    'a.yaml': podWith('HOST/web:1', 'HOST/gone:1', 'HOST/gone:1'),
    'values.yaml': 'image: {repository: HOST/web, tag: ""}\n',
  });
  const { code, stdout, stderr } = await runTagproof(folder, ['pin']);
  assert.equal(code, 2);
  assert.match(read(folder, 'a.yaml'), new RegExp(`${host}/web:1@${web}\n.*${host}/gone:1\n`));
  assert.match(stderr, /a\.yaml:7:12: .*gone:1: .* has no .*gone with tag 1 .*\(and 1 more places\)/);
  assert.match(stdout, /1 cannot be pinned where they stand/);
  const frozen = await runTagproof(repository({ 'a.yaml': podWith('HOST/web:1') }), ['pin', '--frozen']);
  assert.equal(frozen.code, 2);
  assert.match(frozen.stderr, /not in tagproof\.lock/);
});

test('pin as a filter: standard input to standard output; after a failure nothing comes out', async () => {
  const good = await runTagproof(makeRepository({}), ['pin', '-', '--no-lock'], { stdin: podWith(`${host}/web:1`) });
  assert.equal(good.code, 0);
  assert.equal(good.stdout, podWith(`${host}/web:1@${web}`));
  const back = await runTagproof(makeRepository({}), ['unpin', '-', '--all'], { stdin: good.stdout });
  assert.equal(back.stdout, podWith(`${host}/web:1`));
  const bad = await runTagproof(makeRepository({}), ['pin', '-', '--no-lock'], {
    stdin: podWith(`${host}/web:1`, `${host}/gone:1`),
  });
  assert.equal(bad.code, 2);
  assert.equal(bad.stdout, '');
  const dockerfile = await runTagproof(makeRepository({}), ['pin', '-', '--no-lock', '--stdin-name', 'Dockerfile'], {
    stdin: `FROM ${host}/web:1`,
  });
  assert.equal(dockerfile.stdout, `FROM ${host}/web:1@${web}`);
});

test('pin --update moves pins to what the tags point to now', async () => {
  await pushSample(host, { ...WEB, repository: 'updated' });
  const folder = repository({
    'a.yaml': podWith('HOST/updated:1'),
    'chart/values.yaml': 'image: {repository: HOST/updated, tag: "1", digest: ""}\n',
    'chart/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
    'chart/templates/a.yaml': 'image: "{{ .Values.image.repository }}@{{ .Values.image.digest }}"\n',
  });
  await runTagproof(folder, ['pin']);
  const now = await pushSample(host, { ...WEB, repository: 'updated', content: 'newer' });
  assert.match((await runTagproof(folder, ['pin'])).stdout, /pinned 0 images in 0 files, 2 pinned before/);
  assert.equal((await runTagproof(folder, ['pin', '--update'])).code, 0);
  assert.match(read(folder, 'a.yaml'), new RegExp(`updated:1@${now}`));
  assert.match(read(folder, 'chart/values.yaml'), new RegExp(`digest: "${now}"`));
  assert.match(read(folder, 'tagproof.lock'), new RegExp(now));
});
