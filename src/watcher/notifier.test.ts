// Delivery of alarms: each sink gets what it wants once, and gets it again only while it does not
// accept it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLedger } from '../../test/watcher-fixtures.ts';
import type { Alarm } from '../ledger/alarms.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Notifier } from './notifier.ts';
import type { Sink } from './sinks.ts';

const SINKS: readonly Sink[] = [
  { name: 'own', kind: 'webhook', url: 'https://alarms.test/in' },
  { name: 'slack', kind: 'slack', url: 'https://hooks.slack.test/SECRET', codes: ['mixed-replicas'] },
  { name: 'teams', kind: 'teams', url: 'https://teams.test/in', codes: ['unpinned', 'mixed-replicas'] },
];
const alarm = (code: string, subject: string): Alarm => ({
  key: `${code} ${subject}`,
  code,
  severity: 'warning',
  subject,
  message: 'm',
  about: {},
});

function fixture(ledger: Ledger, sinks = SINKS) {
  const posted: { url: string; body: string }[] = [];
  const logged: string[] = [];
  const state = { answer: 200 as number | Error };
  const notifier = new Notifier(
    ledger,
    sinks,
    async (url, body) => {
      if (state.answer instanceof Error) throw state.answer;
      posted.push({ url, body });
      return state.answer;
    },
    (message, fields) => logged.push(`${message} ${JSON.stringify(fields)}`),
  );
  const raise = (alarms: Alarm[], now: number) =>
    ledger.alarms.fire(alarms, 'prod', (fresh) => notifier.messagesOf(fresh), now);
  return { posted, logged, state, notifier, raise };
}
const urls = (posted: readonly { url: string }[]) => posted.map(({ url }) => url).sort();

test(
  'alarms that come together are one message to each sink that wants any of them, once',
  withLedger(async (ledger) => {
    const { notifier, posted, raise } = fixture(ledger);
    const alarms = [alarm('unpinned', 'a'), alarm('unpinned', 'b'), alarm('mixed-replicas', 'a')];
    assert.equal((await raise(alarms, 1000)).length, 3);
    await raise(alarms, 1001);
    await notifier.tick(2000);
    assert.deepEqual(urls(posted), [
      'https://alarms.test/in',
      'https://hooks.slack.test/SECRET',
      'https://teams.test/in',
    ]);
    const own = posted.find(({ url }) => url.includes('alarms'));
    assert.equal((JSON.parse(own?.body ?? '') as { alarms: Alarm[] }).alarms.length, 3);
    await notifier.tick(10_000_000);
    assert.equal(posted.length, 3, 'an accepted message is not sent again');
  }),
);

test(
  'a sink that names codes hears of no others',
  withLedger(async (ledger) => {
    const { notifier, posted, raise } = fixture(ledger);
    await raise([alarm('unpinned', 'a')], 1000);
    await notifier.tick(2000);
    assert.deepEqual(urls(posted), ['https://alarms.test/in', 'https://teams.test/in']);
  }),
);

test(
  'a message that was not accepted is sent again later, not at once, and with growing pauses',
  withLedger(async (ledger) => {
    const { notifier, posted, logged, state, raise } = fixture(ledger, SINKS.slice(0, 1));
    state.answer = 500;
    await raise([alarm('unpinned', 'a')], 0);
    await notifier.tick(0);
    await notifier.tick(29_000);
    assert.equal(posted.length, 1);
    await notifier.tick(30_000);
    await notifier.tick(89_000);
    assert.equal(posted.length, 2);
    state.answer = 302;
    await notifier.tick(90_000);
    assert.equal((await ledger.alarms.waiting())[0]?.count, 1, 'a redirect is no acceptance');
    state.answer = 204;
    await notifier.tick(210_000);
    assert.deepEqual(await ledger.alarms.waiting(), []);
    assert.equal(logged.length, 3);
  }),
);

test(
  'an address is never logged or stored: it may be the secret of the sink',
  withLedger(async (ledger) => {
    const { notifier, logged, state, raise } = fixture(ledger);
    state.answer = new Error('connect ECONNREFUSED https://hooks.slack.test/SECRET');
    await raise([alarm('mixed-replicas', 'a')], 0);
    await notifier.tick(0);
    assert.equal(logged.length, 3);
    assert.doesNotMatch(logged.join(), /SECRET|slack\.test/);
    assert.doesNotMatch(JSON.stringify(await ledger.alarms.waiting()), /SECRET|slack\.test/);
    assert.match(logged.join(), /"sink":"slack"/);
  }),
);

test(
  'a message is dropped after 24 tries, and that is logged',
  withLedger(async (ledger) => {
    const { notifier, posted, logged, state, raise } = fixture(ledger, SINKS.slice(0, 1));
    state.answer = 500;
    await raise([alarm('unpinned', 'a')], 0);
    for (let i = 0, now = 0; i < 30; i++, now += 7 * 3_600_000) await notifier.tick(now);
    assert.equal(posted.length, 24);
    assert.deepEqual(await ledger.alarms.waiting(), []);
    assert.equal(logged.filter((line) => line.startsWith('an alarm was dropped')).length, 1);
  }),
);

test(
  'the messages of a sink that is no longer configured are dropped, and go to nobody else',
  withLedger(async (ledger) => {
    await fixture(ledger).raise([alarm('mixed-replicas', 'a')], 0);
    const { notifier, posted } = fixture(ledger, SINKS.slice(0, 1));
    await notifier.tick(0);
    assert.deepEqual(urls(posted), ['https://alarms.test/in']);
    assert.deepEqual(await ledger.alarms.waiting(), []);
  }),
);

test(
  'two sinks of one name are refused',
  withLedger(async (ledger) => {
    const [first] = SINKS as [Sink];
    assert.throws(() => fixture(ledger, [first, { ...first, url: 'https://other.test/' }]), /two sinks are named/);
  }),
);
