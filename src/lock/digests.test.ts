// Several digests under one tag, several tags under one digest, and which lines of the lock a tree still uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PinnedReference, Reference } from '../flow.ts';
import { parsePinned, parseReference } from '../image/reference.ts';
import { digestKey, entryOf, tagsOfDigest } from './digests.ts';
import { type Lock, type LockEntry, parseLock, printLock } from './lock.ts';
import { recordDigest, recordFurther, recordWriting } from './record.ts';
import { settleLock, unusedKeys } from './settle.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string, string];
const DIGESTS = [A, B, C];
const seen = { firstSeen: '2026-01-02T00:00:00Z', source: 'registry' };
const pin = (text: string, digest: string): PinnedReference => parsePinned(`${text}@${digest}`);
const use = (text: string, place = text) => ({ reference: parseReference(text) as Reference, place });
const X = 'docker.io/library/x:1';

test('P27: two digests of one tag are two lines; the key of the tag has the one that new pins get', () => {
  const lock: Lock = new Map();
  recordDigest(lock, pin('x:1', A), seen);
  recordDigest(lock, pin('x:1', B), { ...seen, firstSeen: '2026-02-02T00:00:00Z' });
  assert.deepEqual([...lock.keys()].sort(), [X, `${X}@${A}`]);
  assert.equal(lock.get(X)?.digest, B);
  assert.equal(entryOf(lock, pin('x:1', A))?.firstSeen, seen.firstSeen);
  assert.equal(entryOf(lock, pin('x:1', C)), undefined);
  assert.deepEqual(parseLock(printLock(lock), 'l'), new Map([...lock].sort()));
  recordDigest(lock, pin('x:1', A), { ...seen, firstSeen: '2026-03-03T00:00:00Z' });
  assert.equal(lock.get(X)?.firstSeen, seen.firstSeen, 'the first sight is kept');
  recordFurther(lock, pin('x:1', C), seen);
  assert.equal(lock.get(X)?.digest, A);
  assert.equal(lock.size, 3);
});

test('P27: a line whose name has another digest than its entry is refused', () => {
  const line = (key: string) => `  ${JSON.stringify(key)}: ${JSON.stringify({ digest: A, ...seen })}\n`;
  assert.equal(parseLock(line(`${X}@${A}`), 'l').size, 1);
  assert.throws(() => parseLock(line(`${X}@${B}`), 'l'), /l:1: .*another digest than its name/);
});

test('P3: tags of a digest: only where the lock does not know it under the written tag, by its first line or another', () => {
  const lock: Lock = new Map();
  recordDigest(lock, pin('x:1', A), seen);
  recordDigest(lock, pin('x:1', B), seen);
  recordDigest(lock, pin('x:2', C), seen);
  recordDigest(lock, pin('y:1', C), seen);
  assert.deepEqual(tagsOfDigest(lock, pin('x:2', A)), ['1'], 'x:2 has another digest, and this one is of x:1');
  assert.deepEqual(tagsOfDigest(lock, pin('x:3', C)), ['2']);
  assert.deepEqual(tagsOfDigest(lock, pin('x:1', A)), []);
  assert.deepEqual(tagsOfDigest(lock, pin('x:1', B)), []);
  assert.deepEqual(tagsOfDigest(lock, pin('z:1', A)), [], 'another repository');
  assert.deepEqual(tagsOfDigest(lock, parseReference(`x@${A}`) as Reference), []);
});

const tags = fc.constantFrom('x:1', 'x:2', 'y:1');
const uses = fc.array(fc.tuple(tags, fc.option(fc.constantFrom(...DIGESTS), { nil: undefined })), { maxLength: 6 });
const locks = fc.array(fc.tuple(tags, fc.constantFrom(...DIGESTS)), { maxLength: 6 });

test('P27: property: what the tree uses stays, what nobody uses goes, a tag that is left has a first digest, a second run removes nothing', () => {
  fc.assert(
    fc.property(locks, uses, (pairs, places) => {
      const lock: Lock = new Map();
      for (const [tag, digest] of pairs) recordDigest(lock, pin(tag, digest), seen);
      const before = new Map(lock);
      const tree = places.map(([tag, digest], i) => use(digest === undefined ? tag : `${tag}@${digest}`, `p${i}`));
      const removed = settleLock(lock, tree);
      assert.deepEqual(settleLock(lock, tree), []);
      assert.equal(lock.size, before.size - removed.length);
      for (const [tag, digest] of places) {
        if (digest === undefined)
          assert.equal(lock.has(`docker.io/library/${tag}`), before.has(`docker.io/library/${tag}`));
        else assert.deepEqual(entryOf(lock, pin(tag, digest)), entryOf(before, pin(tag, digest)));
      }
      const used = new Set(places.map(([tag]) => `docker.io/library/${tag}`));
      for (const key of lock.keys()) {
        const tag = key.replace(/@.*/, '');
        assert.ok(used.has(tag) && lock.has(tag), `${key} is left`);
      }
    }),
  );
});

test('P27: an entry that shows a disagreement stays, and so does one that is held', () => {
  const lock: Lock = new Map();
  recordDigest(lock, pin('x:1', A), seen);
  assert.deepEqual(unusedKeys(lock, [use(`x:1@${B}`)]), [], 'the tree has a digest that nobody confirmed');
  assert.deepEqual(unusedKeys(lock, []), [X]);
  lock.set(X, { ...(lock.get(X) as LockEntry), hold: { reason: 'r', by: 'b', at: seen.firstSeen } });
  assert.deepEqual(unusedKeys(lock, []), []);
});

test('P34: the lock says where pin wrote: everywhere, nowhere, or in these places', () => {
  const lock: Lock = new Map();
  const one = pin('x:1', A);
  const wrote = () => entryOf(lock, one)?.wrote;
  recordDigest(lock, one, seen);
  recordWriting(lock, one, { isNew: true, written: ['p1'], partly: false });
  assert.equal(wrote(), undefined, 'everywhere');
  recordWriting(lock, one, { isNew: false, written: ['p2'], partly: true });
  assert.equal(wrote(), undefined, 'everywhere stays everywhere');
  lock.clear();
  recordDigest(lock, one, seen);
  recordWriting(lock, one, { isNew: true, written: [], partly: true });
  assert.deepEqual(wrote(), [], 'adopted');
  recordWriting(lock, one, { isNew: false, written: ['p2', 'p1'], partly: false });
  assert.deepEqual(wrote(), ['p1', 'p2']);
  settleLock(lock, [use(`x:1@${A}`, 'p1'), use(`x:1@${A}`, 'p3')]);
  assert.deepEqual(wrote(), ['p1'], 'p2 is gone');
  settleLock(lock, [use(`x:1@${A}`, 'p1')]);
  assert.equal(wrote(), undefined, 'all that are left are its own');
});

test('P34: after a merge of two branches, what others wrote is still known to be theirs', () => {
  const line = (wrote?: string[]) => `  "${X}": ${JSON.stringify({ digest: A, ...seen, ...(wrote && { wrote }) })}\n`;
  const joined = (...lists: (string[] | undefined)[]) => parseLock(lists.map(line).join(''), 'l').get(X)?.wrote;
  assert.deepEqual(joined(['a'], ['b']), ['a', 'b']);
  assert.deepEqual(joined(undefined, []), []);
  assert.deepEqual(joined([], undefined), []);
  assert.equal(joined(undefined, undefined), undefined);
  assert.equal(digestKey(pin('x:1', A)), `${X}@${A}`);
});
