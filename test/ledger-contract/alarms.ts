// Contract: an alarm is announced once while it fires, and each message is delivered by one
// watcher.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alarm } from '../../src/ledger/alarms.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { closing, iso, type Open, START } from './events.ts';

const alarm = (name: string, more: Partial<Alarm> = {}): Alarm => ({
  key: `unpinned prod shop/Deployment/${name} c`,
  code: 'unpinned',
  severity: 'warning',
  subject: `shop/Deployment/${name} c`,
  message: 'declared by tag',
  about: { cluster: 'prod' },
  ...more,
});
const MINUTE = 60_000;
const fire = async (ledger: Ledger, alarms: Alarm[], minute: number, scope: string | undefined = 'prod') =>
  (
    await ledger.alarms.fire(
      alarms,
      scope,
      (fresh) => fresh.map(({ key }) => ({ sink: 'ops', body: key })),
      START + minute * MINUTE,
    )
  ).length;
const once = (ledger: Ledger, alarms: Alarm[]) =>
  ledger.alarms.fire(alarms, undefined, () => [{ sink: 'ops', body: '' }], START);

export function alarmsContract(open: Open): void {
  test('an alarm is announced once while it fires, and again when it fires an hour after it ended', async () => {
    const ledger = await open();
    const web = alarm('web');
    const active = async () => (await ledger.alarms.list(true)).length;
    await closing([ledger], async () => {
      assert.deepEqual([await fire(ledger, [web], 0), await fire(ledger, [web], 1)], [1, 0]);
      assert.equal(await active(), 1);
      await fire(ledger, [], 3);
      assert.equal(await active(), 0);
      assert.equal(await fire(ledger, [web], 62), 0, 'within the hour it is the same one');
      assert.equal(await active(), 1);
      assert.equal((await ledger.alarms.list(true))[0]?.since, iso(0));
      await fire(ledger, [], 70);
      assert.equal(await fire(ledger, [web], 130), 1, 'after an hour it is announced again');
      assert.equal((await ledger.alarms.list(true))[0]?.since, iso(130 * 60));
      assert.deepEqual(await ledger.alarms.waiting(), [{ sink: 'ops', count: 2, failure: null }]);
    });
  });

  test('alarms of one cluster neither end nor hide those of another', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      await fire(ledger, [alarm('web'), alarm('db')], 0);
      await fire(ledger, [], 2, 'other');
      assert.equal((await ledger.alarms.list(true)).length, 2);
      await fire(ledger, [alarm('db')], 3);
      assert.deepEqual((await ledger.alarms.list(false)).map(({ subject, until }) => [subject, until]).sort(), [
        ['shop/Deployment/db c', null],
        ['shop/Deployment/web c', iso(180)],
      ]);
    });
  });

  test('a single occurrence is announced once, ends at once, and ends nothing else', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      await fire(ledger, [alarm('web')], 0);
      const moved = alarm('x', { key: 'tag-moved x', code: 'tag-moved' });
      assert.deepEqual([(await once(ledger, [moved])).length, (await once(ledger, [moved])).length], [1, 0]);
      assert.deepEqual(
        (await ledger.alarms.list(true)).map(({ code }) => code),
        ['unpinned'],
      );
      assert.equal((await ledger.alarms.list(false)).length, 2);
    });
  });

  test('eight watchers raise the same alarm at once: one announces it', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      const raised = await Promise.all(Array.from({ length: 8 }, () => once(ledger, [alarm('web')])));
      assert.equal(raised.flat().length, 1);
      assert.deepEqual(await ledger.alarms.waiting(), [{ sink: 'ops', count: 1, failure: null }]);
    });
  });

  test('a message goes to one watcher until its claim expires; delivered once, and tried again after a failure', async () => {
    const ledger = await open();
    const { alarms } = ledger;
    await closing([ledger], async () => {
      await fire(ledger, [alarm('a'), alarm('b'), alarm('c')], 0);
      assert.deepEqual(await alarms.claim(START - 1, START), [], 'not due yet');
      const [one, two, ...rest] = await alarms.claim(START, START + 100);
      assert.equal(rest.length, 1);
      assert.deepEqual(await alarms.claim(START + 99, START + 200), [], 'claimed by another watcher');
      await alarms.delivered(one?.id as number);
      await alarms.failed(two?.id as number, 'no answer', START + 500);
      assert.deepEqual(await alarms.waiting(), [{ sink: 'ops', count: 2, failure: 'no answer' }]);
      const expired = await alarms.claim(START + 100, START + 200);
      assert.deepEqual(
        expired.map(({ id, tries }) => [id, tries]),
        [[rest[0]?.id, 0]],
        'the watcher that claimed it is gone',
      );
      const retried = await alarms.claim(START + 500, START + 600, 1);
      assert.equal(retried.length, 1, 'no more than asked for');
      const [again] = await alarms.claim(START + 500, START + 600);
      const failed = [...retried, again].find((item) => item?.id === two?.id);
      assert.deepEqual([failed?.tries, failed?.failure], [1, 'no answer']);
    });
  });

  test('an alarm whose message cannot be stored is not stored either', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      const broken = ledger.alarms.fire([alarm('web')], 'prod', () => {
        throw new Error('no message');
      });
      await assert.rejects(broken, /no message/);
      assert.deepEqual(await ledger.alarms.list(false), []);
    });
  });
}
