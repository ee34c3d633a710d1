// The watcher's metrics: every counter and gauge, and no name of a workload or an image.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedRow } from '../../test/deployed.ts';
import { A } from '../../test/watcher-fixtures.ts';
import { WatcherMetrics } from './metrics.ts';

const ALARM = { key: 'k', code: 'unpinned', severity: 'warning', subject: 's', message: 'm', about: {} } as const;

test('counts without names, in the text format', () => {
  const metrics = new WatcherMetrics();
  metrics.moved();
  metrics.hinted(false);
  metrics.recorded(3);
  metrics.ledgerFailed();
  metrics.raised([ALARM, ALARM]);
  const rows = [deployedRow('web', A)];
  const text = metrics.print({
    rows,
    clusters: [{ name: 'prod', synced: true }],
    freshness: { lateMs: 1500, tags: 3, fresh: 2, objectiveMs: 300_000 },
    budget: [
      {
        registry: 'docker.io',
        credential: 'anonymous',
        perSecond: 6,
        asked: 7,
        limit: { limit: 100, remaining: 40, windowSeconds: 60 },
        restsUntil: undefined,
      },
    ],
    alarms: [ALARM],
    waiting: [{ sink: 'ops', count: 2 }],
  });
  for (const line of [
    'tagproof_cluster_synced{cluster="prod"} 1',
    'tagproof_containers{cluster="prod",question="unpinned"} 1',
    'tagproof_alarms{code="unpinned",severity="warning"} 1',
    'tagproof_poll_late_seconds 1.5',
    'tagproof_registry_remaining{registry="docker.io"} 40',
    'tagproof_deliveries_waiting{sink="ops"} 2',
    'tagproof_tag_moves_total 1',
    'tagproof_alarms_total{code="unpinned",severity="warning"} 2',
    'tagproof_ledger_events_total 3',
    'tagproof_ledger_errors_total 1',
    'tagproof_poll_objective_seconds 300',
    'tagproof_tags_followed 3',
    'tagproof_tags_fresh 2',
    'tagproof_registry_requests_hour{registry="docker.io"} 7',
    'tagproof_hints_total{followed="false"} 1',
  ])
    assert.ok(text.includes(`\n${line}\n`) || text.startsWith(`${line}\n`), `${line}\n${text}`);
  assert.doesNotMatch(text, /shop|web/);
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  assert.equal(new Set(names).size, names.length, 'Prometheus refuses a metric that is there twice');
});
