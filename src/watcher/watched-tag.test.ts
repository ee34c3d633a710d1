// How answers change the state of a watched tag: first seen, the same, moved, gone, failed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, referenceTo } from '../../test/watcher-fixtures.ts';
import { LONGEST_MS } from './schedule.ts';
import { eventOfTag, pollAnswered, pollFailed, pollOfTag, watchedTag } from './watched-tag.ts';

const HOUR = 3_600_000;
const NEW = { poll: undefined, interval: undefined };
const tagOf = (text = 'nginx:1', recorded: Parameters<typeof watchedTag>[1] = NEW) =>
  watchedTag(referenceTo(text), recorded, { index: 0, count: 1, now: 0 });

test('the first digest of a tag is no change; another one is, with the time it rested', () => {
  const tag = tagOf();
  assert.equal(pollAnswered(tag, A, HOUR, 0.5), undefined);
  assert.equal(pollAnswered(tag, A, 2 * HOUR, 0.5), undefined);
  const change = pollAnswered(tag, B, 5 * HOUR, 0.5);
  assert.deepEqual([change?.from, change?.to, change?.rested], [A, B, 4 * HOUR]);
  assert.deepEqual([tag.digest, tag.since, tag.moved, tag.checked], [B, 5 * HOUR, true, 5 * HOUR]);
});

test('a tag that is gone, and one that comes back, are changes', () => {
  const tag = tagOf();
  pollAnswered(tag, A, 0, 0.5);
  assert.equal(pollAnswered(tag, null, HOUR, 0.5)?.to, null);
  assert.equal(pollAnswered(tag, null, 2 * HOUR, 0.5), undefined, 'gone is reported once');
  assert.equal(pollAnswered(tag, A, 3 * HOUR, 0.5)?.from, null);
});

test('a registry that does not answer changes nothing but the failure, and is asked less and less often', () => {
  const tag = tagOf();
  pollAnswered(tag, A, 0, 0.5);
  const pauses = [0, 1, 2].map((i) => {
    const now = HOUR + i;
    pollFailed(tag, 'no answer', now, 0.5);
    return tag.due - now;
  });
  assert.deepEqual(pauses, [600_000, 1_200_000, 2_400_000]);
  assert.deepEqual([tag.digest, tag.checked, tag.failure, tag.failures], [A, 0, 'no answer', 3]);
  assert.equal(pollAnswered(tag, A, 2 * HOUR, 0.5), undefined);
  assert.deepEqual([tag.failure, tag.failures, tag.checked], [null, 0, 2 * HOUR]);
});

test('a digest that is served is polled once a day; one that is gone is polled as a tag is', () => {
  const tag = tagOf(`nginx@${A}`);
  pollAnswered(tag, A, 0, 0.5);
  assert.equal(tag.due, LONGEST_MS);
  pollAnswered(tag, null, HOUR, 0.5);
  assert.ok(tag.due - HOUR < LONGEST_MS / 4);
});

test('a hint is named as the source of what it led to, once', () => {
  const tag = tagOf();
  tag.hinted = true;
  assert.equal(eventOfTag(tag, A).source, 'hint');
  pollAnswered(tag, A, 0, 0.5);
  assert.equal(eventOfTag(tag, B).source, 'poll');
  tag.hinted = true;
  pollFailed(tag, 'no answer', 0, 0.5);
  assert.equal(eventOfTag(tag, B).source, 'poll');
});

test('what earlier runs recorded is taken over: nothing is due before its time, nothing is new that is known', () => {
  const poll = {
    registry: 'docker.io',
    repository: 'library/nginx',
    tag: '1',
    checked: 5,
    due: 9 * HOUR,
    failure: 'f',
  };
  const tag = tagOf('nginx:1', { poll, interval: { digest: A, since: 3, moved: true } });
  assert.deepEqual([tag.due, tag.checked, tag.failure], [9 * HOUR, 5, 'f']);
  assert.equal(pollAnswered(tag, A, 10 * HOUR, 0.5), undefined);
  assert.equal(pollAnswered(tag, B, 11 * HOUR, 0.5)?.rested, 11 * HOUR - 3);
});

test('in the ledger a digest stands in the place of the tag', () => {
  const tag = tagOf(`nginx:1@${A}`);
  assert.equal(eventOfTag(tag, A).tag, A);
  assert.deepEqual(
    [pollOfTag(tag).repository, pollOfTag(tag).tag, pollOfTag({ ...tag, due: 1.7 }).due],
    ['library/nginx', A, 2],
  );
});
