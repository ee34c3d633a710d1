// The names and labels of the metrics, on which dashboards and alerts rely.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';

test('every metric of docs/admission.md is exported from the start or after its first event', () => {
  const metrics = new Metrics();
  metrics.observe('validate', true, 0.003);
  metrics.image('deny');
  metrics.policyFailed();
  metrics.bypassed('shop');
  metrics.eventDropped();
  metrics.kubeFailed();
  metrics.certificateEnds(1_800_000_000_000);
  metrics.policyInForce('sha256:old');
  metrics.policyInForce('sha256:new');
  const text = metrics.print();
  for (const line of [
    'tagproof_review_seconds_bucket{step="validate",allowed="true",le="0.0025"} 0',
    'tagproof_review_seconds_bucket{step="validate",allowed="true",le="0.005"} 1',
    'tagproof_review_seconds_count{step="validate",allowed="true"} 1',
    'tagproof_images_total{outcome="deny"} 1',
    'tagproof_policy_errors_total 1',
    'tagproof_bypasses_total{namespace="shop"} 1',
    'tagproof_events_dropped_total 1',
    'tagproof_kubernetes_errors_total 1',
    'tagproof_certificate_expiry_timestamp_seconds 1800000000',
    'tagproof_policy_info{policy="sha256:new"} 1',
  ])
    assert.ok(text.includes(`\n${line}\n`), line);
  assert.doesNotMatch(text, /sha256:old/, 'one policy is in force');
  assert.ok(text.endsWith('\n'));
});

test('counters are exported as 0 before their first event, because alerts watch their rate', () => {
  const text = new Metrics().print();
  for (const name of ['images', 'policy_errors', 'bypasses', 'events_dropped', 'kubernetes_errors'])
    assert.match(text, new RegExp(`^tagproof_${name}_total 0$`, 'm'));
});
