// Contract: what several watchers share, so that one of them does it: polls, leases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closing, type Open } from './events.ts';

const poll = (name: string, due: number) => ({
  registry: 'r.io',
  repository: 'x',
  tag: name,
  checked: null,
  due,
  failure: null,
});
const namesOf = (polls: readonly { tag: string }[]) => polls.map(({ tag }) => tag).sort();

export function sharedWorkContract(open: Open): void {
  test('two watchers claim the same polls at once: each poll goes to one of them', async () => {
    const ledger = await open();
    const polls = ['a', 'b', 'c'].map((name) => poll(name, 0));
    await closing([ledger], async () => {
      const [first, second] = await Promise.all([
        ledger.polls.claim(polls, 10, 100),
        ledger.polls.claim(polls, 10, 100),
      ]);
      assert.deepEqual(namesOf([...first.mine, ...second.mine]), ['a', 'b', 'c']);
      assert.equal(first.mine.length + first.others.length, 3);
    });
  });

  test('a claim lasts until it expires; then another watcher polls', async () => {
    const ledger = await open();
    const polls = ['a', 'b'].map((name) => poll(name, 0));
    await closing([ledger], async () => {
      assert.deepEqual(await ledger.polls.claim([], 0, 100), { mine: [], others: [] });
      assert.equal((await ledger.polls.claim(polls, 0, 100)).mine.length, 2);
      const { mine, others } = await ledger.polls.claim(polls, 99, 200);
      assert.deepEqual([namesOf(mine), namesOf(others)], [[], ['a', 'b']]);
      assert.deepEqual(namesOf((await ledger.polls.claim(polls, 100, 200)).mine), ['a', 'b']);
    });
  });

  test('a poll is not due before its time, and others see the result of the last one', async () => {
    const ledger = await open();
    const polls = ['a', 'b'].map((name) => poll(name, 50));
    await closing([ledger], async () => {
      assert.deepEqual((await ledger.polls.claim(polls, 49, 100)).mine, []);
      await ledger.polls.save([{ ...poll('a', 5000), checked: 300, failure: 'no answer' }]);
      const { mine, others } = await ledger.polls.claim(polls, 300, 400);
      assert.deepEqual(namesOf(mine), ['b']);
      assert.deepEqual(others, [{ ...poll('a', 5000), checked: 300, failure: 'no answer' }]);
      assert.deepEqual(namesOf(await ledger.polls.all()), ['a', 'b']);
      // More than fit into one statement.
      await ledger.polls.save(Array.from({ length: 1201 }, (_, i) => poll(`t${i}`, i)));
      assert.equal((await ledger.polls.all()).length, 1203);
    });
  });

  test('one watcher holds a lease, until it gives it up or stops renewing it', async () => {
    const ledger = await open();
    const acquire = (holder: string, now: number) => ledger.acquire('cluster prod', holder, now, 100);
    await closing([ledger], async () => {
      const first = [await acquire('a', 0), await acquire('b', 50), await acquire('a', 90), await acquire('b', 150)];
      assert.deepEqual(first, [true, false, true, false]);
      assert.equal(await acquire('b', 190), false, 'renewed at 90, it lasts until 190');
      assert.equal(await acquire('b', 191), true, 'it has expired');
      assert.equal(await acquire('a', 192), false);
      await ledger.release('a');
      assert.equal(await acquire('a', 193), false, 'only the holder can give it up');
      await ledger.release('b');
      assert.equal(await acquire('a', 194), true);
      assert.equal(await ledger.acquire('cluster other', 'b', 194, 100), true, 'each task has a lease of its own');
    });
  });

  test('many ask for a lease at once: one gets it', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      const got = await Promise.all(Array.from({ length: 8 }, (_, i) => ledger.acquire('x', `w${i}`, 0, 100)));
      assert.equal(got.filter(Boolean).length, 1);
    });
  });
}
