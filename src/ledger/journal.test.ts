// The journal in SQLite: append, restore, and what `verify` finds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, block, tag } from '../../test/ledger-contract/events.ts';
import { journalContract } from '../../test/ledger-contract/journal.ts';
import { sqliteLedgers } from '../../test/ledger-contract/sqlite.ts';
import { bodyOf, chain, GENESIS } from './event.ts';

const { open, tamper } = sqliteLedgers();
journalContract(open, tamper);

test('the text of an event does not depend on the order of its fields, and leaves out what is undefined', () => {
  const event = tag(A);
  const reversed = Object.fromEntries(Object.entries(event).reverse()) as typeof event;
  assert.equal(bodyOf(reversed), bodyOf(event));
  assert.equal(bodyOf({ ...event, since: undefined } as never), bodyOf(event));
  assert.notEqual(bodyOf(tag(null)), bodyOf(event), 'null is a value');
  assert.deepEqual(JSON.parse(bodyOf(block(['b', 'a']))).digests, ['b', 'a'], 'lists keep their order');
});

test('a hash covers the previous hash, the number, the time and the text', () => {
  const hash = chain(GENESIS, 1, 't', 'body');
  assert.match(hash, /^sha256:[0-9a-f]{64}$/);
  const others = [chain(hash, 1, 't', 'body'), chain(GENESIS, 2, 't', 'body'), chain(GENESIS, 1, 'u', 'body')];
  assert.equal(new Set([hash, ...others, chain(GENESIS, 1, 't', 'bodx')]).size, 5);
});
