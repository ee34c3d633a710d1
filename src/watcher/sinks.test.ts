// What each kind of sink is sent: the body, the signature, and the address.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Alarm } from '../ledger/alarms.ts';
import { addressOf, bodyFor, headersFor, type Sink, sinksByName } from './sinks.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-sinks-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const alarm = (more: Partial<Alarm> = {}): Alarm => ({
  key: 'k',
  code: 'unpinned',
  severity: 'warning',
  subject: 'shop/Deployment/web main',
  message: 'declared by tag: web:v1',
  about: { cluster: 'prod' },
  ...more,
});
const critical = alarm({ code: 'mixed-replicas', severity: 'critical', message: 'a<b & c' });
const slackText = (alarms: Alarm[]) => (JSON.parse(bodyFor('slack', alarms)) as { text: string }).text.split('\n');
type Card = { attachments: { contentType: string; content: { body: { text: string }[] } }[] };
const cardOf = (alarms: Alarm[]) => (JSON.parse(bodyFor('teams', alarms)) as Card).attachments[0];

test('a webhook gets the alarms as they are', () => {
  assert.deepEqual(JSON.parse(bodyFor('webhook', [critical])), { version: 1, alarms: [critical] });
});

test('the body of a webhook is signed with the secret of its file, without its line end', () => {
  const secretFile = file('secret', 'a secret of some length\n');
  const sink: Sink = { name: 'own', kind: 'webhook', url: 'https://alarms.test/', secretFile };
  const expected = createHmac('sha256', 'a secret of some length').update('body').digest('hex');
  assert.deepEqual(headersFor(sink, 'body'), {
    'content-type': 'application/json',
    'x-tagproof-signature': `sha256=${expected}`,
  });
  const { secretFile: _, ...unsigned } = sink;
  assert.deepEqual(headersFor(unsigned, 'body'), { 'content-type': 'application/json' });
  assert.deepEqual(headersFor({ ...sink, kind: 'slack' }, 'body'), { 'content-type': 'application/json' });
});

test('Slack: critical alarms first, and no text of a cluster becomes markup', () => {
  assert.deepEqual(slackText([alarm(), critical]), [
    '*tagproof: 2 alarms*',
    '🔴 *mixed-replicas* shop/Deployment/web main (prod): a&lt;b &amp; c',
    '🟡 *unpinned* shop/Deployment/web main (prod): declared by tag: web:v1',
  ]);
  assert.equal(slackText([alarm({ about: {} })])[1], '🟡 *unpinned* shop/Deployment/web main: declared by tag: web:v1');
});

test('Teams: an Adaptive Card, and no text of a cluster becomes markup', () => {
  const card = cardOf([alarm({ message: '[x](https://evil.test) *bold*' })]);
  assert.equal(card?.contentType, 'application/vnd.microsoft.card.adaptive');
  assert.deepEqual(
    card?.content.body.map(({ text }) => text),
    ['tagproof: one alarm', '🟡 **unpinned** shop/Deployment/web main (prod): \\[x\\](https://evil.test) \\*bold\\*'],
  );
});

test('a chat message has twenty lines, and counts the rest', () => {
  const many = Array.from({ length: 25 }, () => alarm());
  assert.equal(slackText(many).length, 22);
  assert.equal(slackText(many).at(-1), '… and 5 more');
  assert.equal(cardOf(many)?.content.body.at(-1)?.text, '… and 5 more');
});

test('the address comes from the configuration or from a file; a sink without one is an error that does not repeat it', () => {
  const sink = { name: 'ops', kind: 'slack' } as const;
  assert.equal(addressOf({ ...sink, url: 'https://hooks.test/x' }), 'https://hooks.test/x');
  assert.equal(
    addressOf({ ...sink, urlFile: file('url', 'https://hooks.test/SECRET\n') }),
    'https://hooks.test/SECRET',
  );
  for (const wrong of [sink, { ...sink, urlFile: file('wrong', 'no address: SECRET') }])
    assert.throws(
      () => addressOf(wrong),
      ({ message }: Error) => /the sink 'ops' has no usable address/.test(message) && !/SECRET/.test(message),
    );
});

test('two sinks never share a name: the message of one would go to the address of the other', () => {
  const slack: Sink = { name: 'ops', kind: 'slack', url: 'https://slack.test/' };
  const teams: Sink = { name: 'ops', kind: 'teams', url: 'https://teams.test/' };
  assert.throws(() => sinksByName([slack, teams]), /two sinks are named 'ops'/);
  assert.throws(() => sinksByName([slack, { ...slack }]), /two sinks are named 'ops'/);
  assert.deepEqual([...sinksByName([slack, { ...teams, name: 'dev' }]).keys()], ['ops', 'dev']);
});
