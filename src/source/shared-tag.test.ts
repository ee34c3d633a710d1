// Tags behind anchors (P31).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findIn } from './find.ts';

async function show(text: string): Promise<string[]> {
  const { found, skipped } = await findIn(text, 'values.yaml', { fields: [], argsAndEnv: false });
  return [
    ...found.map(({ reference, slot }) => `${reference.text} ${slot.blocked ?? 'pinnable'}`),
    ...skipped.map(({ text: value, reason }) => `${reason} ${value}`),
  ];
}

test('P31: one tag of two images carries no digest at all', async () => {
  const blocked = 'the tag is the anchor &v, and 2 images share it: write the tag of each image out';
  assert.deepEqual(
    await show('web:\n  image: {repository: org/web, tag: &v "1.2"}\njob:\n  image: {repository: org/job, tag: *v}\n'),
    [`org/web:1.2 ${blocked}`, `org/job:1.2 ${blocked}`],
  );
});

test('P31: one tag of one image carries its digest, and the aliases follow', async () => {
  assert.deepEqual(
    await show('web:\n  image: {repository: org/web, tag: &v "1.2"}\njob:\n  image: {repository: org/web, tag: *v}\n'),
    ['org/web:1.2 pinnable', 'incomplete org/web:1.2'],
  );
});

test('P31: a tag that other values use too carries no digest', async () => {
  assert.match(
    (await show('web:\n  image: {repository: org/web, tag: &v "1.2"}\n  version: *v\n'))[0] ?? '',
    /other values use it too/,
  );
});

test('P31: an anchor that nobody uses is an ordinary tag', async () => {
  assert.deepEqual(await show('image: {repository: org/web, tag: &v "1.2"}\n'), ['org/web:1.2 pinnable']);
});
