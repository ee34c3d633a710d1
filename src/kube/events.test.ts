// Events are told once in a while and dropped when nobody takes them; whoever tells one never
// waits, and never fails (T44).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from './client.ts';
import { EventRecorder, type KubeEvent } from './events.ts';

const happening = (note: string): KubeEvent => ({
  type: 'Warning',
  reason: 'ImageDenied',
  action: 'Admission',
  note,
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'p' },
});
const sink = (create: (path: string, object: object) => Promise<unknown>) => ({ create }) as unknown as KubeClient;

test('the same thing is told once in five minutes', async () => {
  const written: object[] = [];
  const events = new EventRecorder(
    sink(async (_, object) => written.push(object)),
    'pod',
    () => assert.fail('dropped'),
  );
  const now = Date.now();
  for (let i = 0; i < 50; i++) events.record(happening('a'), now);
  events.record(happening('b'), now);
  events.record(happening('a'), now + 5 * 60_000 + 1);
  await sleep(500);
  assert.deepEqual(
    written.map((object) => (object as { note: string }).note),
    ['a', 'b', 'a'],
  );
});

test('T44: an API server that fails, or hangs, costs events and nothing else', async () => {
  let dropped = 0;
  const failing = new EventRecorder(
    sink(async () => {
      throw new Error('down');
    }),
    'pod',
    () => dropped++,
  );
  failing.record(happening('a'));
  await sleep(200);
  assert.equal(dropped, 1);
  const hanging = new EventRecorder(
    sink(() => new Promise(() => {})),
    'pod',
    () => dropped++,
  );
  for (let i = 0; i < 1000; i++) hanging.record(happening(String(i)));
  assert.ok(dropped > 700, 'what does not fit is dropped, and counted');
});
