// Polling: what each answer records, the budget, hints, restarts, and several watchers on one
// ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, freeBudget, referenceTo, withLedger } from '../../test/watcher-fixtures.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Problem } from '../problem.ts';
import { Budget } from './budget.ts';
import { Tags } from './tags.ts';
import type { TagChange } from './watched-tag.ts';

const HOUR = 3_600_000;
const NGINX = 'docker.io/library/nginx:1.27';

function fixture(ledger: Ledger, budget = freeBudget()) {
  const state = { answer: A as string | Problem, requests: [] as string[] };
  const changes: TagChange[] = [];
  const failures: string[] = [];
  const tags = new Tags({
    ledger,
    head: async ({ text }) => {
      state.requests.push(text);
      if (state.answer instanceof Problem) throw state.answer;
      return { digest: state.answer };
    },
    budget,
    moved: (change) => changes.push(change),
    failed: (_, problem) => failures.push(problem.code),
    ledgerFailed: assert.fail,
  });
  /** Starts without the timer: the test is the clock. */
  const start = async () => {
    await tags.start();
    tags.stop();
  };
  const history = async () =>
    (await ledger.tagHistory('docker.io', 'library/nginx', '1.27')).map(({ digest, source }) => [digest, source]);
  return { tags, state, changes, failures, start, history };
}

test(
  'a tag: first seen, the same, moved, gone, back; a registry that does not answer changes nothing',
  withLedger(async (ledger) => {
    const { tags, state, changes, failures, start } = fixture(ledger);
    await start();
    let now = Date.parse('2026-11-24T00:00:00Z');
    tags.follow([referenceTo('nginx:1.27'), referenceTo(NGINX)], now);
    assert.equal(tags.size, 1, 'one tag, however many use it');
    const answers = [A, A, B, new Problem('unreachable', 'down'), B, new Problem('not-found', 'gone'), A];
    for (const answer of answers) {
      state.answer = answer;
      await tags.tick(now);
      now += 25 * HOUR;
    }
    assert.deepEqual(
      changes.map(({ from, to }) => [from, to]),
      [
        [A, B],
        [B, null],
        [null, A],
      ],
    );
    assert.deepEqual(failures, ['unreachable']);
    const history = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
    assert.deepEqual(
      history.map(({ digest }) => digest),
      [A, null, B, A],
    );
    assert.equal(state.requests.length, 7);
  }),
);

for (const code of ['unreachable', 'denied', 'protocol', 'limit'] as const)
  test(
    `a registry that answers with ${code}: nothing is gone, nothing has moved, and the failure is shown`,
    withLedger(async (ledger) => {
      const { tags, state, changes, start, history } = fixture(ledger);
      await start();
      tags.follow([referenceTo(NGINX)], 0);
      await tags.tick(0);
      state.answer = new Problem(code, 'no');
      await tags.tick(25 * HOUR);
      assert.deepEqual(changes, []);
      assert.deepEqual(await history(), [[A, 'poll']]);
      assert.deepEqual([tags.state(NGINX)?.digest, tags.state(NGINX)?.failure], [A, 'no']);
      assert.equal(tags.state(NGINX)?.checked, 0, 'a failed poll is no check');
    }),
  );

test(
  'a hint makes the poll due now, and is never believed',
  withLedger(async (ledger) => {
    const { tags, state, changes, start, history } = fixture(ledger);
    await start();
    tags.follow([referenceTo(NGINX)], 0);
    await tags.tick(0);
    assert.equal(tags.hint('docker.io/library/other:1', 1), false);
    assert.equal(tags.hint(NGINX, 60_000), true);
    assert.equal(tags.state(NGINX)?.digest, A);
    await tags.tick(60_000);
    assert.deepEqual(changes, [], 'nothing was pushed');
    state.answer = B;
    tags.hint(NGINX, 120_000);
    assert.deepEqual(await history(), [[A, 'poll']], 'nothing is recorded before the poll');
    await tags.tick(120_000);
    assert.deepEqual(await history(), [
      [B, 'hint'],
      [A, 'poll'],
    ]);
  }),
);

test(
  'a change that cannot be written is not believed: it is polled, found and reported again',
  withLedger(async (ledger) => {
    const { tags, state, changes, start } = fixture(ledger);
    await start();
    tags.follow([referenceTo(NGINX)], 0);
    await tags.tick(0);
    state.answer = B;
    const append = ledger.append.bind(ledger);
    ledger.append = async () => {
      throw new Error('the disk is full');
    };
    await assert.rejects(tags.tick(25 * HOUR));
    assert.equal(tags.state(NGINX)?.digest, A);
    assert.deepEqual(changes, []);
    ledger.append = append;
    await tags.tick(26 * HOUR);
    assert.equal(tags.state(NGINX)?.digest, B);
    assert.equal(changes.length, 1);
  }),
);

test(
  'a restart polls nothing that is not due, knows each tag, and stays within the budget',
  withLedger(async (ledger) => {
    const now = Date.now();
    const all = Array.from({ length: 30 }, (_, i) => referenceTo(`r.io/x:${i}`));
    const first = fixture(ledger);
    await first.start();
    first.tags.follow(all, now);
    for (let i = 0; i < 10; i++) await first.tags.tick(now + 5000 + i * 1000);
    assert.equal(first.state.requests.length, 30);
    const second = fixture(ledger);
    await second.start();
    second.tags.follow(all, now + 20_000);
    await second.tags.tick(now + 21_000);
    assert.equal(second.state.requests.length, 0);
    await second.tags.tick(now + 90 * 60_000);
    assert.equal(second.state.requests.length, 6, 'six a second');
    assert.deepEqual(second.changes, []);
  }),
);

test(
  'of two watchers one polls, and the other reads what it found',
  withLedger(async (ledger) => {
    const [first, second] = [fixture(ledger), fixture(ledger)];
    for (const { start, tags } of [first, second]) {
      await start();
      tags.follow([referenceTo(NGINX)], 0);
    }
    await first.tags.tick(0);
    await second.tags.tick(0);
    assert.deepEqual([first.state.requests.length, second.state.requests.length], [1, 0]);
    assert.equal(second.tags.state(NGINX)?.digest, A);
    assert.equal(second.tags.state(NGINX)?.checked, 0);
    assert.deepEqual(second.changes, []);
  }),
);

test(
  'a registry without budget is not polled, and does not hold up the others',
  withLedger(async (ledger) => {
    const limit = { limit: 100, remaining: 0, windowSeconds: 3600 };
    const budget = new Budget((registry) => (registry === 'empty.io' ? limit : undefined));
    const { tags, state, start } = fixture(ledger, budget);
    await start();
    tags.follow(['empty.io/a:1', 'empty.io/b:1', 'r.io/c:1'].map(referenceTo), 0);
    await tags.tick(1000);
    assert.deepEqual(state.requests, ['r.io/c:1']);
  }),
);

test(
  'freshness: how late the oldest poll is, and how many tags are as fresh as the objective demands',
  withLedger(async (ledger) => {
    const { tags, start } = fixture(ledger);
    await start();
    tags.follow([referenceTo(NGINX), referenceTo('r.io/x:1')], 0);
    assert.deepEqual(tags.freshness(0), { lateMs: 0, tags: 2, fresh: 0, objectiveMs: 300_000 });
    await tags.tick(200);
    assert.equal(tags.freshness(1000).fresh, 2);
    const later = tags.freshness(3 * HOUR);
    assert.ok(later.lateMs > HOUR);
    assert.equal(later.fresh, 0);
    assert.deepEqual(
      tags.due(1).map(({ checked, failure }) => [checked, failure]),
      [[200, null]],
    );
  }),
);

test(
  'a tag that nobody uses any more is not polled; one that is used again continues',
  withLedger(async (ledger) => {
    const { tags, state, start } = fixture(ledger);
    await start();
    tags.follow([referenceTo(NGINX)], 0);
    await tags.tick(0);
    tags.follow([], HOUR);
    await tags.tick(50 * HOUR);
    assert.deepEqual([tags.size, state.requests.length], [0, 1]);
  }),
);
