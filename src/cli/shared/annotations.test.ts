// P16: from every folder SARIF, GitHub annotations and JUnit name files from git's top level.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';

const FILES = {
  '.git': 'gitdir: elsewhere\n',
  'apps/my web/pod 1%.yaml': podWith('a:1'),
  'apps/my web/bad.yaml': 'image: [\n',
  'apps/other/x.yaml': podWith('b:1'),
};
const PATHS = ['apps/my web/bad.yaml', 'apps/my web/pod 1%.yaml', 'apps/other/x.yaml'];

/** The same files, asked for from several folders. */
const FROM = [
  ['.', 'apps'],
  ['apps', '.'],
  ['apps/my web', '.', '../other'],
  ['apps/other', '..'],
] as const;

async function print(format: string, [from, ...paths]: readonly string[], folder: string): Promise<string> {
  return (await runTagproof(join(folder, from as string), ['check', '-o', format, ...paths])).stdout;
}

test('P16: SARIF', async () => {
  const folder = makeRepository(FILES);
  for (const from of FROM) {
    const [run] = JSON.parse(await print('sarif', from, folder)).runs;
    const places = [...run.results, ...run.invocations[0].toolExecutionNotifications].flatMap(
      ({ locations }) => locations,
    );
    const uris = places.map(({ physicalLocation }) => physicalLocation.artifactLocation.uri).sort();
    assert.deepEqual(uris, ['apps/my%20web/bad.yaml', 'apps/my%20web/pod%201%25.yaml', 'apps/other/x.yaml'], from[0]);
    const prints = run.results.map((result: { partialFingerprints: object }) => result.partialFingerprints);
    assert.match(JSON.stringify(prints), /unpinned apps\/other\/x\.yaml b:1/);
  }
});

test('P16: GitHub annotations', async () => {
  const folder = makeRepository(FILES);
  for (const from of FROM) {
    const files = [...(await print('github', from, folder)).matchAll(/^::error file=([^,]+),/gm)].map(
      ([, file]) => file,
    );
    assert.deepEqual(files.sort(), ['apps/my web/bad.yaml', 'apps/my web/pod 1%25.yaml', 'apps/other/x.yaml'], from[0]);
  }
});

test('P16: JUnit', async () => {
  const folder = makeRepository(FILES);
  for (const from of FROM) {
    const files = [...(await print('junit', from, folder)).matchAll(/ file="([^"]+)"/g)].map(([, file]) => file);
    assert.deepEqual(files.sort(), PATHS, from[0]);
  }
});

test('P16: a file outside of the repository has its absolute path; without a repository paths are as they are shown', async () => {
  const folder = makeRepository({ 'repo/.git': 'gitdir: x\n', 'repo/a/b.yaml': '', 'out.yaml': podWith('a:1') });
  const outside = await print('sarif', ['repo/a', '../../out.yaml'], folder);
  assert.ok(outside.includes(`"uri": "file://${folder}/out.yaml"`), outside);
  assert.match(await print('github', ['repo', '../out.yaml'], join(folder)), /file=\/.*\/out\.yaml,/);
  assert.match(await print('github', ['.', 'out.yaml'], folder), /file=out\.yaml,/);
});

test('P16: text, JSON and Markdown stay relative to the working folder', async () => {
  const folder = makeRepository(FILES);
  assert.match(await print('text', ['apps/other', '.'], folder), /^x\.yaml$/m);
  assert.equal(JSON.parse(await print('json', ['apps/other', '.'], folder)).findings[0].file, 'x.yaml');
  assert.match(await print('markdown', ['apps/other', '.'], folder), /\| x\.yaml:6 \|/);
});
