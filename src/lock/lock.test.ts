import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { Problem } from '../problem.ts';
import { type Lock, type LockEntry, LockSchema, parseLock, printLock, readLock } from './lock.ts';

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
  ['images:\n=======\n', /l:2: git conflict marker/],
  ['>>>>>>> branch\n', /l:1: git conflict marker/],
  [`  a: {"digest":"${A}","firstSeen":"2026-01-01T00:00:00Z","source":"x"}\n`, /expected one image a line/],
  [`  "a": {"digest":"${A}","firstSeen":"2026-01-01T00:00:00Z","source":"x"} # c\n`, /expected one image a line/],
  [`  "a": {"digest":"${A}","firstSeen":"2026-01-01T00:00:00Z"}\n`, /source: /],
  [`  "a": {"digest":"${A}","firstSeen":"2026-01-01T00:00:00Z","source":"x","more":1}\n`, /more: /],
  [`  "a": {"digest":"${A.toUpperCase()}","firstSeen":"2026-01-01T00:00:00Z","source":"x"}\n`, /digest: expected/],
  [`  "a": {"digest":"${A}x","firstSeen":"2026-01-01T00:00:00Z","source":"x"}\n`, /digest: expected/],
  [
    `  "a": {"digest":"${A}","firstSeen":"2026-01-01T00:00:00Z","source":"x","hold":{"reason":"r","by":"b","at":"now"}}\n`,
    /hold\.at: /,
  ],
  ['  "a": [1]\n', /expected one image a line/],
  ['  "a": {"digest":"sha256:1","firstSeen":"2026-01-01T00:00:00Z","source":"x"}\n', /digest: expected sha256:/],
  [`  "a": {"digest":"${A}","firstSeen":"yesterday","source":"x"}\n`, /firstSeen: /],
];
for (const [text, message] of broken) {
  test(`a broken lock is said with its line: ${text.slice(0, 20).trim()}`, () =>
    assert.throws(() => parseLock(text, 'l'), message));
}

test('line ends of Windows, comments and blank lines are read over', () => {
  const text = printLock(lock).replaceAll('\n', '\r\n').replace('images:', '# c\r\n\r\nimages:');
  assert.deepEqual(parseLock(text, 'l'), new Map([...lock].reverse()));
});

test('an entry with everything is read back, its keys in one order', () => {
  const full: LockEntry = {
    ...entry(A),
    verified: { policy: B, by: [{ authority: 'release', keyId: 'ab', times: ['2026-01-01T00:00:00Z'] }] },
    hold: { reason: 'broken', by: 'me', at: '2026-01-03T00:00:00.000Z' },
    platforms: ['linux/amd64'],
  };
  const text = printLock(new Map([['a:1', full]]));
  assert.deepEqual(parseLock(text, 'l').get('a:1'), full);
  const reversed = Object.fromEntries(Object.entries(full).reverse()) as LockEntry;
  assert.equal(printLock(new Map([['a:1', reversed]])), text);
  assert.ok(v.is(LockSchema, load(text)), 'the file is valid by its own schema');
});

const digest = fc.constantFrom(A, B);
const when = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString());
const entries = fc.record({ digest, firstSeen: when, source: fc.string() }, { noNullPrototype: true });
const locks = fc.array(fc.tuple(fc.string({ unit: 'binary' }), entries)).map((pairs): Lock => new Map(pairs));

test('property: a lock is read back as it was printed, and printing it again gives the same bytes', () => {
  fc.assert(
    fc.property(locks, (value) => {
      const text = printLock(value);
      const again = parseLock(text, 'l');
      assert.deepEqual(new Map([...again].sort()), new Map([...value].sort()));
      assert.equal(printLock(again), text);
    }),
  );
});

test('property: a union of the lines of two branches has the earlier first sight, in whatever order they are', () => {
  fc.assert(
    fc.property(when, when, (one, two) => {
      const lines = [one, two].map((firstSeen) => `  "a:1": ${JSON.stringify(entry(A, firstSeen))}\n`);
      for (const text of [lines.join(''), lines.toReversed().join('')])
        assert.equal(parseLock(text, 'l').get('a:1')?.firstSeen, one < two ? one : two);
    }),
  );
});

test('an absent file is an empty lock; any other failure is a problem that names the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-lock-'));
  try {
    assert.deepEqual(readLock(join(folder, 'none')), { lock: new Map(), bytes: undefined });
    mkdirSync(join(folder, 'folder'));
    assert.throws(
      () => readLock(join(folder, 'folder')),
      (error) => error instanceof Problem && error.code === 'file' && error.where.file === join(folder, 'folder'),
    );
    writeFileSync(join(folder, 'lock'), printLock(lock));
    const { lock: read, bytes } = readLock(join(folder, 'lock'));
    assert.deepEqual([read.size, bytes?.toString()], [2, printLock(lock)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
