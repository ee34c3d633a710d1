// One of several watchers records a cluster: who leads, who takes over and when, and what happens
// while the ledger is away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLedger } from '../../test/watcher-fixtures.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { LeaderElection } from './leader-election.ts';

function candidate(ledger: Ledger, clusters = ['prod']) {
  const changes: [cluster: string, isLeader: boolean][] = [];
  const failures: string[] = [];
  const election = new LeaderElection(
    ledger,
    clusters,
    (cluster, isLeader) => changes.push([cluster, isLeader]),
    (problem) => failures.push(problem.message),
  );
  return { election, changes, failures };
}

test(
  'the first leads, the second does not; each change is reported once',
  withLedger(async (ledger) => {
    const [first, second] = [candidate(ledger), candidate(ledger)];
    for (const now of [0, 3000, 6000]) {
      await first.election.renew(now);
      await second.election.renew(now + 1);
    }
    assert.deepEqual([first.election.has('prod'), second.election.has('prod')], [true, false]);
    assert.deepEqual([first.changes, second.changes], [[['prod', true]], []]);
  }),
);

test(
  'a leader that renews its lease keeps it; one that is silent for ten seconds loses it, and learns that it did',
  withLedger(async (ledger) => {
    const [first, second] = [candidate(ledger), candidate(ledger)];
    await first.election.renew(0);
    await second.election.renew(9999);
    assert.equal(second.election.has('prod'), false);
    await second.election.renew(10_001);
    assert.equal(second.election.has('prod'), true);
    await first.election.renew(10_002);
    assert.equal(first.election.has('prod'), false);
    assert.deepEqual(first.changes, [
      ['prod', true],
      ['prod', false],
    ]);
  }),
);

test(
  'clusters are led one by one',
  withLedger(async (ledger) => {
    const [first, second] = [candidate(ledger, ['prod']), candidate(ledger, ['prod', 'lab'])];
    await first.election.renew(0);
    await second.election.renew(1);
    assert.deepEqual(
      ['prod', 'lab'].map((name) => [first.election.has(name), second.election.has(name)]),
      [
        [true, false],
        [false, true],
      ],
    );
  }),
);

test(
  'a watcher that ends releases its leases at once, and takes no new ones',
  withLedger(async (ledger) => {
    const [first, second] = [candidate(ledger), candidate(ledger)];
    await first.election.renew(0);
    await first.election.stop();
    await second.election.renew(1);
    assert.equal(second.election.has('prod'), true);
    await second.election.stop();
    await first.election.renew(2);
    assert.equal(first.changes.length, 1, 'nothing is reported after the end');
  }),
);

test(
  'while the ledger does not answer the leader stays leader, and the failure is reported',
  withLedger(async (ledger) => {
    const { election, failures } = candidate(ledger);
    await election.renew(0);
    const acquire = ledger.acquire;
    ledger.acquire = async () => {
      throw new Error('the database is gone');
    };
    await assert.rejects(election.renew(1));
    assert.equal(election.has('prod'), true);
    await election.start();
    assert.match(failures.join(), /the database is gone/);
    ledger.acquire = acquire;
    await election.stop();
  }),
);
