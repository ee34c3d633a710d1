import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { type Lock, type LockEntry, parseLock, printLock } from './lock.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const entry = (digest: string, firstSeen = '2026-01-02T00:00:00.000Z') => ({ digest, firstSeen, source: 'registry' });

const lock: Lock = new Map<string, LockEntry>([
  ['quay.io/b:1', { ...entry(B), mediaType: 'application/vnd.oci.image.index.v1+json', platforms: ['linux/amd64'] }],
  ['docker.io/library/a:1', entry(A)],
]);

test('prints sorted, one image a line, and reads it back', () => {
  const text = printLock(lock);
  assert.deepEqual(parseLock(text, 'l'), new Map([...lock].reverse()));
  assert.deepEqual(
    text.split('\n').map((line) => line.slice(0, 26)),
    [
      '# Written by tagproof: wha',
      'version: 1',
      'images:',
      '  "docker.io/library/a:1":',
      '  "quay.io/b:1": {"digest"',
      '',
    ],
  );
  assert.deepEqual(Object.keys((load(text) as { images: object }).images), ['docker.io/library/a:1', 'quay.io/b:1']);
  assert.equal(printLock(parseLock(printLock(new Map()), 'l')), printLock(new Map()));
});

test('lines of both sides of a merge: equal digests are one, the earlier sight counts; others are a conflict', () => {
  const text = `${printLock(lock)}  "quay.io/b:1": ${JSON.stringify(entry(B, '2026-01-01T00:00:00.000Z'))}\n`;
  assert.equal(parseLock(text, 'l').get('quay.io/b:1')?.firstSeen, '2026-01-01T00:00:00.000Z');
  assert.throws(
    () => parseLock(`${text}  "quay.io/b:1": ${JSON.stringify(entry(A))}\n`, 'l'),
    /l:7: quay.io\/b:1 is here twice/,
  );
});

const broken: [text: string, message: RegExp][] = [
  ['<<<<<<< HEAD\n', /l:1: git conflict marker/],
  ['version: 2\n', /expected version 1, got 2/],
  ['nonsense\n', /l:1: expected one image a line/],
  ['  "a": {"digest":"sha256:1","firstSeen":"2026-01-01T00:00:00Z","source":"x"}\n', /digest: expected sha256:/],
  [`  "a": {"digest":"${A}","firstSeen":"yesterday","source":"x"}\n`, /firstSeen: /],
];
for (const [text, message] of broken) {
  test(`a broken lock is said with its line: ${text.slice(0, 20).trim()}`, () =>
    assert.throws(() => parseLock(text, 'l'), message));
}
