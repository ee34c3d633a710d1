// What is worth telling, of what is deployed and of what moved; and to whom it goes.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deployedRow, identifiedAs } from '../../test/deployed.ts';
import type { DeployedContainer, EvidenceSummary, RunningImage } from '../inventory/deployed.ts';
import { openLedger } from '../ledger/open.ts';
import { alarmOfMove, alarmOfSigners, firingAlarms } from './alarm.ts';
import { Notifier, type Sink } from './notifier.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B] = [digest('a'), digest('b')];
const evidence = (outcome: EvidenceSummary['outcome']): EvidenceSummary => ({
  outcome,
  signers: [],
  reason: 'because',
  checked: 0,
  since: 0,
});
const row = (seen: Partial<RunningImage>, more: Partial<DeployedContainer> = {}) =>
  deployedRow('web', A, { pinned: 'both', running: [identifiedAs(A, { state: 'exact' }, seen)], ...more });
const hold = { digest: B, reason: 'v2 leaks', by: 'ann', since: '2026-11-24T00:00:00Z' };

test('what stands: each thing that is wrong, once; nothing for what is in order or not known', () => {
  const cases: [name: string, row: DeployedContainer, evaluation: boolean, codes: string[]][] = [
    ['in order', row({ evidence: evidence('allow'), pullable: { digest: A, served: true, checked: 0 } }), true, []],
    ['nobody has looked yet', row({}), true, []],
    ['declared by a tag', row({}, { pinned: 'tag' }), false, ['unpinned']],
    ['mixed', row({}, { mixed: true }), false, ['mixed-replicas']],
    [
      'its tag is gone',
      row({}, { tag: { name: 'v1', digest: null, since: 0, checked: 0, failure: null } }),
      false,
      ['tag-gone'],
    ],
    ['gone', row({ pullable: { digest: A, served: false, checked: 0 } }), false, ['digest-gone']],
    [
      'its tag moved away',
      row({ identity: { state: 'moved', now: B } }, { pinned: 'tag' }),
      false,
      ['unpinned', 'digest-going'],
    ],
    ['another image', row({ identity: { state: 'different', declared: B } }), false, ['runs-something-else']],
    ['not known', row({ identity: { state: 'unknown', reason: 'r' } }), false, []],
    ['never again', row({ blocked: 'it leaks' }), false, ['blocked-image']],
    ['held elsewhere', row({ pullable: { digest: A, served: true, checked: 0 } }, { hold }), false, ['hold-broken']],
    ['held here', row({ pullable: { digest: B, served: true, checked: 0 } }, { hold }), false, []],
    ['denied', row({ evidence: evidence('deny') }), true, ['denied']],
    ['not checked', row({ evidence: evidence('open') }), true, ['unverified']],
    ['denied, but there are no rules any more', row({ evidence: evidence('deny') }), false, []],
    ['no longer for arm', row({}, { missingPlatforms: ['linux/arm64'] }), false, ['platform-missing']],
    ['all platforms', row({}, { missingPlatforms: [] }), false, []],
  ];
  for (const [name, given, evaluation, codes] of cases)
    assert.deepEqual(
      firingAlarms([given], evaluation).map(({ code }) => code),
      codes,
      name,
    );
  const [twice, ...more] = firingAlarms(
    [
      deployedRow('web', A, {
        pinned: 'both',
        running: [
          identifiedAs(A, { state: 'exact' }, { blocked: 'x' }),
          identifiedAs(B, { state: 'exact' }, { blocked: 'x' }),
        ],
      }),
    ],
    false,
  );
  assert.deepEqual([twice?.subject, more], ['shop/Deployment/web main', []]);
});

test('a tag that moves: remarkable after a long rest; the same move is the same alarm', () => {
  const day = 86_400_000;
  const move = (rested: number, changes?: string) =>
    alarmOfMove({ image: 'docker.io/library/nginx:1.27', from: A, to: B, restedMs: rested, changes }, 30 * day);
  assert.deepEqual([move(day)?.code, move(day)?.severity], ['tag-moved', 'warning']);
  assert.deepEqual([move(400 * day)?.code, move(400 * day)?.severity], ['tag-moved-after-rest', 'critical']);
  assert.match(move(400 * day, 'another base')?.message ?? '', /after 400 days: another base$/);
  assert.equal(move(day)?.key, move(day)?.key);
  assert.equal(alarmOfMove({ image: 'x', from: A, to: null, restedMs: 0 }, day), undefined);
});

test('somebody else signed, or nobody any more; what was not checked is no loss', () => {
  const cases: [before: string[], now: string[], outcome: EvidenceSummary['outcome'], code: string | undefined][] = [
    [['release: ann'], ['release: ann'], 'allow', undefined],
    [['release: ann'], ['release: ann', 'ci: bob'], 'allow', undefined],
    [['release: ann'], ['release: eve'], 'allow', 'signer-changed'],
    [['release: ann'], [], 'deny', 'signature-lost'],
    [['release: ann'], [], 'open', undefined],
    [[], ['release: ann'], 'allow', undefined],
  ];
  for (const [before, signers, outcome, code] of cases)
    assert.equal(alarmOfSigners('x', { digest: A, signers: before }, { digest: B, signers, outcome })?.code, code);
});

const folder = mkdtempSync(join(tmpdir(), 'tagproof-notifier-'));
after(() => rmSync(folder, { recursive: true }));
const secret = join(folder, 'secret');
writeFileSync(secret, 'a secret of some length\n');
writeFileSync(join(folder, 'slack'), 'https://hooks.slack.test/services/T/B/SECRET\n');
const SINKS: readonly Sink[] = [
  { name: 'own', kind: 'webhook', url: 'https://alarms.test/in', secretFile: secret },
  { name: 'slack', kind: 'slack', urlFile: join(folder, 'slack'), codes: ['mixed-replicas'] },
  { name: 'teams', kind: 'teams', url: 'https://teams.test/in', codes: ['unpinned', 'mixed-replicas'] },
];

test('each sink gets what it wants in its own form, once, and again only while it does not take it', async () => {
  const ledger = await openLedger(':memory:');
  const posted: { url: string; body: string; headers: Record<string, string> }[] = [];
  const said: string[] = [];
  let answer: number | Error = 200;
  const notifier = new Notifier(
    ledger,
    SINKS,
    async (url, body, headers) => {
      if (answer instanceof Error) throw answer;
      posted.push({ url, body, headers });
      return answer;
    },
    (message, more) => said.push(`${message} ${JSON.stringify(more)}`),
  );
  const rows = [row({}, { pinned: 'tag', mixed: true, name: 'a<b&c' }), row({}, { pinned: 'tag', name: 'other' })];
  const raise = (now: number) =>
    ledger.alarms.fire(firingAlarms(rows, false), 'prod', (fresh) => notifier.messagesOf(fresh), now);
  assert.equal((await raise(1000)).length, 3);
  await raise(1001);
  await notifier.tick(2000);
  assert.deepEqual(
    posted.map(({ url }) => url).sort(),
    ['https://alarms.test/in', 'https://hooks.slack.test/services/T/B/SECRET', 'https://teams.test/in'],
    'alarms that came together are one message to each',
  );
  const of = (part: string) => posted.find(({ url }) => url.includes(part)) as (typeof posted)[number];
  const own = of('alarms');
  assert.deepEqual(
    (JSON.parse(own.body) as { alarms: { code: string }[] }).alarms.map(({ code }) => code),
    ['unpinned', 'mixed-replicas', 'unpinned'],
  );
  const expected = createHmac('sha256', 'a secret of some length').update(own.body).digest('hex');
  assert.equal(own.headers['x-tagproof-signature'], `sha256=${expected}`);
  assert.match(
    (JSON.parse(of('slack').body) as { text: string }).text,
    /one alarm.*\n🔴 \*mixed-replicas\* shop\/Deployment\/a&lt;b&amp;c main \(prod\)/,
  );
  const card = JSON.parse(of('teams').body) as {
    attachments: { contentType: string; content: { body: { text: string }[] } }[];
  };
  assert.equal(card.attachments[0]?.contentType, 'application/vnd.microsoft.card.adaptive');
  assert.match(card.attachments[0]?.content.body[1]?.text ?? '', /🔴 \*\*mixed-replicas\*\*/);
  await notifier.tick(10_000_000);
  assert.equal(posted.length, 3, 'taken is taken');

  rows.push(row({}, { pinned: 'tag', name: 'third' }));
  answer = new Error('connect ECONNREFUSED https://teams.test/in?secret');
  await raise(20_000_000);
  await notifier.tick(20_000_000);
  answer = 500;
  await notifier.tick(20_000_001);
  assert.equal((await ledger.alarms.waiting()).length, 2, 'one that failed is tried again later, not at once');
  await notifier.tick(20_031_000);
  answer = 204;
  await notifier.tick(20_120_000);
  assert.deepEqual(await ledger.alarms.waiting(), []);
  assert.equal(said.length, 4);
  assert.doesNotMatch(said.join(), /secret|teams\.test/, 'an address may be a secret');
  await ledger.close();
});
