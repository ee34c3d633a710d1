// P36: in GitHub Actions, what does not fit into ten annotations is on the summary page of the job.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';

const images = (count: number) => podWith(...Array.from({ length: count }, (_, i) => `ghcr.io/org/image${i}:1`));

test('P36: eleven images are eleven annotations, and the summary of the job has them all; ten need none', async () => {
  const folder = makeRepository({ 'a.yaml': images(11), 'b.yaml': images(11) });
  const file = join(folder, 'summary.md');
  const env = { GITHUB_STEP_SUMMARY: file };
  const { code, stdout } = await runTagproof(folder, ['check', '-o', 'github'], { env });
  assert.equal(code, 1);
  assert.equal(stdout.match(/^::error /gm)?.length, 11);
  assert.match(stdout, /image0:1: not pinned .*\(also b\.yaml:6\)/);
  assert.match(stdout, /ten annotations of a kind for each step; the summary of the job has all/);
  assert.equal(readFileSync(file, 'utf8').match(/\| unpinned \|/g)?.length, 11);

  const none = await runTagproof(folder, ['check', '-o', 'github']);
  assert.match(none.stdout, /this log has all/);
  const denied = await runTagproof(folder, ['check', '-o', 'github'], { env: { GITHUB_STEP_SUMMARY: folder } });
  assert.equal(denied.code, 1, 'the verdict alone sets the exit code');
  assert.match(denied.stdout, /could not be written/);

  const few = makeRepository({ 'a.yaml': images(10) });
  const unused = join(few, 'summary.md');
  const ten = await runTagproof(few, ['check', '-o', 'github'], { env: { GITHUB_STEP_SUMMARY: unused } });
  assert.doesNotMatch(ten.stdout, /annotations/);
  assert.equal(existsSync(unused), false);
});

test('P36: check --summary counts, names the next step and fails the same; formats that list refuse it', async () => {
  const folder = makeRepository({ 'a.yaml': images(3), 'b.yaml': images(3) });
  const { code, stdout } = await runTagproof(folder, ['check', '--summary']);
  assert.equal(code, 1);
  assert.match(stdout, /^6 +2 +error +unpinned$/m);
  assert.match(stdout, /^2 +2 +ghcr\.io\/org\/image0:1$/m);
  assert.match(stdout, /^next step: run tagproof pin$/m);
  assert.doesNotMatch(stdout, /a\.yaml:/);
  for (const format of ['sarif', 'github', 'junit'])
    assert.equal((await runTagproof(folder, ['check', '--summary', '-o', format])).code, 2);
});
