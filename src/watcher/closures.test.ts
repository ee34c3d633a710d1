// The queue of closures: each is read once, kept in the ledger, urgent ones first, and failures are
// not repeated at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, digestOf, referenceTo, until, withLedger } from '../../test/watcher-fixtures.ts';
import type { Reference } from '../flow.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Closures, type ReadClosure } from './closures.ts';

const web = referenceTo('web:v1');
const closureOf: ReadClosure = async ({ digest = '' }) => ({
  root: digest,
  members: new Map([
    [digest, { role: 'index' as const }],
    [B, { role: 'manifest' as const, platform: 'linux/amd64' }],
  ]),
  images: [],
});

function fixture(ledger: Ledger, read: ReadClosure = closureOf) {
  const requests: string[] = [];
  const failures: string[] = [];
  let added = 0;
  const closures = new Closures(
    ledger,
    (reference: Reference) => {
      requests.push(reference.digest ?? '');
      return read(reference);
    },
    (_, problem) => failures.push(problem.message),
    () => added++,
  );
  return { closures, requests, failures, added: () => added };
}

test(
  'a closure is read once; the next watcher takes it from the ledger',
  withLedger(async (ledger) => {
    const first = fixture(ledger);
    first.closures.want(web, A, false);
    first.closures.want(web, A, true);
    await first.closures.settledOn(A);
    first.closures.want(web, A, true);
    await first.closures.settled();
    assert.deepEqual(first.requests, [A]);
    assert.equal(first.added(), 1);
    assert.equal(first.closures.of(A)?.members.get(B)?.platform, 'linux/amd64');
    const second = fixture(ledger);
    second.closures.want(web, A, false);
    await second.closures.settledOn(A);
    assert.deepEqual(second.requests, []);
    assert.deepEqual(second.closures.of(A), first.closures.of(A));
  }),
);

test(
  'urgent closures overtake the others, four at a time',
  withLedger(async (ledger) => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const { closures, requests } = fixture(ledger, async (reference) => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      return closureOf(reference);
    });
    const letters = [...'0123456789'];
    for (const letter of letters) closures.want(web, digestOf(letter), false);
    closures.want(web, digestOf('e'), true);
    closures.want(web, digestOf('9'), true);
    await until('four are read', () => running === 4);
    gate.resolve();
    await closures.settled();
    assert.equal(most, 4);
    assert.deepEqual(requests.slice(0, 6), [...'0123'].map(digestOf).concat(digestOf('e'), digestOf('9')));
    assert.equal(new Set(requests).size, requests.length, 'none is read twice');
  }),
);

test(
  'a closure that could not be read is reported, and tried again after half an hour',
  withLedger(async (ledger) => {
    const { closures, requests, failures } = fixture(ledger, async () => {
      throw new Error('the registry is down');
    });
    closures.want(web, A, true);
    await closures.settledOn(A);
    assert.match(failures.join(), /the registry is down/);
    assert.equal(closures.of(A), undefined);
    closures.want(web, A, true);
    await closures.settled();
    assert.equal(requests.length, 1);
    closures.want(web, A, true, Date.now() + 31 * 60_000);
    await closures.settled();
    assert.equal(requests.length, 2);
  }),
);

test(
  'a closure that cannot be written is not known: it is on disk first',
  withLedger(async (ledger) => {
    const { closures, failures } = fixture(ledger);
    ledger.append = async () => {
      throw new Error('the disk is full');
    };
    closures.want(web, A, true);
    await closures.settled();
    assert.equal(closures.of(A), undefined);
    assert.match(failures.join(), /the disk is full/);
  }),
);
