// The text format of Prometheus. test/real/prometheus-parser reads it with a parser of another project.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, processFigures, Value } from './prometheus.ts';

test('a counter starts at 0 and has a value for each set of labels', () => {
  const counter = new Value('counter', 'x_total', 'Help.');
  assert.deepEqual(counter.print(), ['# HELP x_total Help.', '# TYPE x_total counter', 'x_total 0']);
  counter.add({ a: '1' });
  counter.add({ a: '1' }, 2);
  counter.add({ a: '2' });
  assert.deepEqual(counter.print().slice(2), ['x_total{a="1"} 3', 'x_total{a="2"} 1']);
});

test('a gauge that was not set has no value, and clear removes its labels', () => {
  const gauge = new Value('gauge', 'x', 'Help.');
  assert.deepEqual(gauge.print().slice(2), []);
  gauge.set(1, { policy: 'old' });
  gauge.clear();
  gauge.set(2, { policy: 'new' });
  assert.deepEqual(gauge.print().slice(2), ['x{policy="new"} 2']);
});

test('label values are escaped', () => {
  const gauge = new Value('gauge', 'x', 'Help.');
  gauge.set(1, { a: 'back\\slash "quote"\nline' });
  assert.equal(gauge.print().at(-1), 'x{a="back\\\\slash \\"quote\\"\\nline"} 1');
});

test('histogram buckets are cumulative and end at +Inf', () => {
  const histogram = new Histogram('x_seconds', 'Help.', [1, 2, 5]);
  for (const value of [0.5, 1, 1.5, 4, 9]) histogram.observe(value, { step: 's' });
  assert.deepEqual(histogram.print().slice(2), [
    'x_seconds_bucket{step="s",le="1"} 2',
    'x_seconds_bucket{step="s",le="2"} 3',
    'x_seconds_bucket{step="s",le="5"} 4',
    'x_seconds_bucket{step="s",le="+Inf"} 5',
    'x_seconds_sum{step="s"} 16',
    'x_seconds_count{step="s"} 5',
  ]);
});

test('the process metrics have positive values', () => {
  const values = processFigures.print().filter((line) => !line.startsWith('#'));
  assert.equal(values.length, 4);
  for (const line of values) assert.ok(Number(line.split(' ')[1]) > 0, line);
});
