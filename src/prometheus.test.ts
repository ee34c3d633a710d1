// The text that Prometheus reads, line by line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, processFigures, Value } from './prometheus.ts';

test('counters and gauges; what labels hold is escaped', () => {
  const counter = new Value('counter', 'c_total', 'Help.');
  assert.deepEqual(counter.print(), ['# HELP c_total Help.', '# TYPE c_total counter', 'c_total 0']);
  counter.add({ a: 'x"y\\z\n' });
  counter.add({ a: 'x"y\\z\n' }, 2);
  assert.deepEqual(counter.print().slice(2), ['c_total{a="x\\"y\\\\z\\n"} 3']);
  const gauge = new Value('gauge', 'g', 'Help.');
  assert.equal(gauge.print().length, 2, 'a gauge that was never set says nothing');
  gauge.set(1, { p: 'a' });
  gauge.clear();
  gauge.set(2, { p: 'b' });
  assert.deepEqual(gauge.print().slice(2), ['g{p="b"} 2']);
});

test('a histogram counts up to each bound, and all', () => {
  const histogram = new Histogram('h', 'Help.', [1, 2]);
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value, { s: 'x' });
  assert.deepEqual(histogram.print().slice(2), [
    'h_bucket{s="x",le="1"} 2',
    'h_bucket{s="x",le="2"} 3',
    'h_bucket{s="x",le="+Inf"} 4',
    'h_sum{s="x"} 12',
    'h_count{s="x"} 4',
  ]);
});

test('every line of the process is a comment or a number', () => {
  for (const line of processFigures.print()) assert.match(line, /^(# (HELP|TYPE) .+|[a-z_]+ [\d.e+]+)$/);
});
