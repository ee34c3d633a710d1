// Events are written once per repetition interval, and dropped if the API server does not take them. Recording
// neither waits nor throws (T44).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import { until } from '../../test/until.ts';
import { Problem } from '../problem.ts';
import { EventRecorder, type KubeEvent } from './events.ts';

const PATH = '/apis/events.k8s.io/v1/namespaces/n/events';
const event = (note: string, namespace = 'n'): KubeEvent => ({
  type: 'Warning',
  reason: 'ImageDenied',
  action: 'Admission',
  note,
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name: 'p' },
});
const notes = (kube: FakeKube) => kube.writes.map(({ body }) => (body as { note: string }).note);

test('an identical Event is written once in five minutes', async () => {
  const kube = new FakeKube();
  const events = new EventRecorder(kube.client, 'pod', () => assert.fail('dropped'));
  const now = Date.now();
  for (let i = 0; i < 50; i++) events.record(event('a'), now);
  events.record(event('b'), now);
  events.record(event('a'), now + 5 * 60_000 - 1);
  events.record(event('a'), now + 5 * 60_000 + 1);
  events.record(event('last'), now);
  await until(() => notes(kube).includes('last'));
  assert.deepEqual(notes(kube), ['a', 'b', 'a', 'last']);
});

test('what is written: reporter, time in microseconds, a bounded note, a namespace for cluster-scoped objects', async () => {
  const kube = new FakeKube();
  const events = new EventRecorder(kube.client, 'pod-1', () => assert.fail('dropped'), 'tagproof.dev/watcher');
  events.record(event('x'.repeat(3000)));
  events.record(event('y', ''));
  await until(() => kube.writes.length === 2);
  const [first, second] = kube.writes as unknown as { path: string; body: Record<string, string> }[];
  assert.equal(first?.path, PATH);
  assert.equal(first?.body['note']?.length, 1000);
  assert.equal(first?.body['reportingController'], 'tagproof.dev/watcher');
  assert.equal(first?.body['reportingInstance'], 'pod-1');
  assert.match(first?.body['eventTime'] ?? '', /^\d{4}-.*\.\d{6}Z$/);
  assert.equal(second?.path, '/apis/events.k8s.io/v1/namespaces/default/events');
});

test('T44: an API server that fails costs the Event and nothing else', async () => {
  const kube = new FakeKube();
  kube.failures.set(PATH, new Problem('unreachable', 'down'));
  let dropped = 0;
  const events = new EventRecorder(kube.client, 'pod', () => dropped++);
  events.record(event('a'));
  await until(() => dropped === 1);
  kube.failures.clear();
  events.record(event('b'));
  await until(() => kube.writes.length === 1);
});

test('T44: an API server that hangs fills a bounded queue; further Events are dropped and counted', () => {
  const kube = new FakeKube();
  kube.create = () => new Promise(() => {});
  let dropped = 0;
  const events = new EventRecorder(kube.client, 'pod', () => dropped++);
  for (let i = 0; i < 1000; i++) events.record(event(String(i)));
  assert.equal(dropped, 1000 - 201, 'one is in flight, 200 wait');
});
