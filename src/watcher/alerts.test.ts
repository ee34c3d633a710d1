// Raising alarms: stored once, logged, counted, written as an Event; and what a moved tag and a new
// signer give.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedRow } from '../../test/deployed.ts';
import { A, B, referenceTo, until, withLedger } from '../../test/watcher-fixtures.ts';
import type { KubeEvent } from '../kube/events.ts';
import type { EvidenceEvent, ImageFacts } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Alerts, eventOf } from './alerts.ts';
import { WatcherMetrics } from './metrics.ts';

function fixture(ledger: Ledger) {
  const logged: string[] = [];
  const events: [cluster: string, event: KubeEvent][] = [];
  const posted: string[] = [];
  const alerts = new Alerts(
    ledger,
    {
      restDays: 2,
      sinks: [{ name: 'own', kind: 'webhook', url: 'https://alarms.test/' }],
      post: async (_, body) => (posted.push(body), 200),
      event: (cluster, event) => events.push([cluster, event]),
    },
    new WatcherMetrics(),
    (message, fields) => logged.push(`${message} ${JSON.stringify(fields)}`),
  );
  const codes = async () => (await ledger.alarms.list(false)).map(({ code }) => code).sort();
  return { alerts, logged, events, codes, posted };
}
const evidenceOf = (digest: string, signers: string[]): EvidenceEvent => ({
  kind: 'evidence',
  registry: 'docker.io',
  repository: 'library/nginx',
  digest,
  outcome: signers.length > 0 ? 'allow' : 'deny',
  signers,
  reason: 'r',
  policy: 'p',
  source: 'watcher',
});
const tag = referenceTo('nginx:1');
const day = 86_400_000;
const move = (rested = day) => ({ reference: tag, from: A, to: B, rested });
const facts = (revision: string): ImageFacts => ({
  platform: 'linux/amd64',
  entrypoint: '',
  cmd: '',
  user: '',
  workingDir: '',
  env: {},
  labels: { 'org.opencontainers.image.revision': revision },
  layers: [],
});

test(
  'an alarm is raised once, with an Event about its workload, and ends when it no longer fires',
  withLedger(async (ledger) => {
    const { alerts, logged, events, codes } = fixture(ledger);
    const row = deployedRow('web', A, { pinned: 'tag' });
    await alerts.firing('prod', [row], true);
    await alerts.firing('prod', [row], true);
    assert.deepEqual(await codes(), ['unpinned']);
    assert.equal(logged.length, 1);
    assert.equal(events.length, 1);
    assert.deepEqual(events[0]?.[0], 'prod');
    assert.deepEqual(events[0]?.[1].regarding, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      uid: 'web',
    });
    await alerts.firing('other', [], true);
    assert.equal((await ledger.alarms.list(true)).length, 1, 'another cluster ends nothing here');
    await alerts.firing('prod', [], true);
    assert.deepEqual(await ledger.alarms.list(true), []);
    assert.equal((await ledger.alarms.waiting())[0]?.count, 1, 'queued for its sink, once');
  }),
);

test('the reason of an Event is the code, as Kubernetes writes reasons; a tag has no workload and no Event', () => {
  const alarm = { key: 'k', code: 'mixed-replicas', severity: 'critical', subject: 's', message: 'm' } as const;
  const about = (kind: string) => ({ cluster: 'prod', kind, namespace: 'shop', name: 'web' });
  const event = eventOf({ ...alarm, about: about('Deployment') });
  assert.deepEqual([event?.reason, event?.note, event?.type], ['MixedReplicas', 's: m', 'Warning']);
  const versions = ['StatefulSet', 'CronJob', 'Pod'].map(
    (kind) => eventOf({ ...alarm, about: about(kind) })?.regarding.apiVersion,
  );
  assert.deepEqual(versions, ['apps/v1', 'batch/v1', 'v1']);
  assert.equal(eventOf({ ...alarm, about: { image: 'nginx:1', from: A, to: B } }), undefined);
});

test(
  'a moved tag says what changed, where both images are known, and is critical after the configured rest',
  withLedger(async (ledger) => {
    const { alerts, codes } = fixture(ledger);
    const closure = (root: string, revision: string) =>
      ({ kind: 'closure', root, members: [{ digest: root, role: 'manifest' }], images: [facts(revision)] }) as const;
    await ledger.append([closure(A, '4f1c9d2'), closure(B, 'e0a7b66')]);
    await alerts.moved(move(), async () => {});
    await alerts.moved(move(3 * day), async () => {});
    assert.deepEqual(await codes(), ['tag-moved', 'tag-moved-after-rest']);
    const [alarm] = await ledger.alarms.list(false);
    assert.match(alarm?.message ?? '', /source 4f1c9d2 → e0a7b66/);
  }),
);

test(
  'a moved tag whose new image is signed by someone else, or by nobody, is an alarm of its own',
  withLedger(async (ledger) => {
    const { alerts, codes } = fixture(ledger);
    await ledger.append([evidenceOf(A, ['release: ann']), evidenceOf(B, [])]);
    await alerts.moved(move(), async () => {});
    assert.deepEqual(await codes(), ['signature-lost', 'tag-moved']);
  }),
);

test(
  'the evidence of the new image is waited for',
  withLedger(async (ledger) => {
    const { alerts, codes } = fixture(ledger);
    await ledger.append([evidenceOf(A, ['release: ann'])]);
    const done = alerts.moved(move(), async () => {});
    await until('the first alarm', async () => (await codes()).length === 1);
    await ledger.append([evidenceOf(B, ['release: eve'])]);
    await done;
    assert.deepEqual(await codes(), ['signer-changed', 'tag-moved']);
  }),
);

test(
  'what the webhook recorded is no evidence of a change: it asked another policy',
  withLedger(async (ledger) => {
    const { alerts, codes } = fixture(ledger);
    await ledger.append([{ ...evidenceOf(A, ['release: ann']), source: 'admission' }, evidenceOf(B, [])]);
    await alerts.moved(move(), async () => {});
    assert.deepEqual(await codes(), ['tag-moved']);
  }),
);

test(
  'a digest that is evaluated again and has lost its signer is an alarm; one that could not be checked is none',
  withLedger(async (ledger) => {
    const { alerts, codes } = fixture(ledger);
    const { kind: _, ...row } = evidenceOf(A, ['release: ann']);
    const before = { ...row, since: '2026-11-24T00:00:00Z', until: null };
    const now = { signers: [], reason: 'r', checked: 0, since: 0 };
    alerts.signers({ reference: tag, before, now: { ...now, outcome: 'open' } });
    alerts.signers({ reference: tag, before, now: { ...now, outcome: 'deny' } });
    await until('the alarm', async () => (await codes()).length > 0);
    assert.deepEqual(await codes(), ['signature-lost']);
  }),
);

test(
  'a ledger that does not answer is logged, and ends nothing',
  withLedger(async (ledger) => {
    const { alerts, logged } = fixture(ledger);
    ledger.images = async () => {
      throw new Error('the database is gone');
    };
    await alerts.moved(move(), async () => {});
    assert.match(logged.join(), /an alarm could not be stored/);
  }),
);
