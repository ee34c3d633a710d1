// From pods to run events: a rollout pod by pod, pods whose owner is not known yet, restarts,
// revisions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, OWNERS, podObject, podRunning, withLedger } from '../../test/watcher-fixtures.ts';
import { podOf } from '../inventory/pods.ts';
import type { RunEvent } from '../ledger/event.ts';
import { isPlaced, Recorder } from './recorder.ts';

const printed = (events: readonly RunEvent[]) =>
  events.map(({ workload, digest, pods }) => `${workload.kind}/${workload.name} ${digest === A ? 'A' : 'B'} ${pods}`);

test('a rollout, pod by pod: what starts, what grows, what ends; nothing twice', () => {
  const recorder = new Recorder('prod', []);
  const steps: [pods: ReturnType<typeof podRunning>[], expected: string[]][] = [
    [[podRunning('1', undefined)], []],
    [[podRunning('1', A)], ['Deployment/web A 1']],
    [[podRunning('1', A)], []],
    [[podRunning('1', A), podRunning('2', A)], ['Deployment/web A 2']],
    [[podRunning('1', A)], []],
    [[podRunning('1', A), podRunning('3', B)], ['Deployment/web B 1']],
    [[podRunning('3', B), podRunning('4', A, { phase: 'Succeeded' })], ['Deployment/web A 0']],
    [[], ['Deployment/web B 0']],
  ];
  for (const [pods, expected] of steps) assert.deepEqual(printed(recorder.changes(pods, OWNERS)), expected);
});

test('a pod whose ReplicaSet is not known yet waits: nobody can say which workload it belongs to', () => {
  const recorder = new Recorder('prod', []);
  assert.deepEqual(recorder.changes([podRunning('1', A)], new Map()), []);
  assert.deepEqual(printed(recorder.changes([podRunning('1', A)], new Map([['rs', null]]))), ['ReplicaSet/web-1 A 1']);
  assert.equal(isPlaced(podRunning('1', A, { owner: null }), new Map()), true, 'a pod on its own waits for nobody');
  const custom = { apiVersion: 'x.io/v1', kind: 'Game', name: 'g', uid: 'g' };
  assert.equal(isPlaced(podRunning('1', A, { owner: custom }), new Map()), true, 'nor does one of a custom resource');
});

test(
  'a restart goes on from the ledger: what ended meanwhile is closed, what still runs is not repeated',
  withLedger(async (ledger) => {
    const before = new Recorder('prod', []);
    await ledger.append(before.changes([podRunning('1', A), podRunning('2', B, { owner: null })], OWNERS));
    const again = new Recorder('prod', await ledger.open('prod'));
    assert.deepEqual(printed(again.changes([podRunning('1', A)], OWNERS)), ['Pod/2 B 0']);
    const elsewhere = new Recorder('other', await ledger.open('other'));
    assert.deepEqual(elsewhere.changes([], OWNERS), [], 'runs of another cluster are not ended');
  }),
);

test('the revision: of the Deployment, or of the ControllerRevision that the pod names', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'ss' };
  const object = podObject('db-0', A, { owner });
  const labels = { 'controller-revision-hash': 'db-7f' };
  const pod = podOf({ ...object, metadata: { ...object.metadata, labels } });
  const owners = new Map([['ss', null]]);
  const [event] = new Recorder('prod', []).changes([pod], owners, new Map([['ss/db-7f', '4']]));
  assert.deepEqual([event?.workload, event?.revision], [{ kind: 'StatefulSet', name: 'db' }, '4']);
  const [unknown] = new Recorder('prod', []).changes([pod], owners);
  assert.equal(unknown?.revision, undefined);
});

test('a finished pod gives what it ran with its own times; one that did not say when gives nothing', () => {
  const recorder = new Recorder('prod', []);
  const object = podObject('job-1', A, { phase: 'Succeeded', owner: null });
  const terminated = { startedAt: '2026-11-24T01:00:00Z', finishedAt: '2026-11-24T01:00:07Z' };
  const [status] = object.status.containerStatuses;
  const pod = podOf({
    ...object,
    status: { phase: 'Succeeded', containerStatuses: [{ ...status, state: { terminated } }] },
  });
  const [event, ...more] = recorder.finished([pod, podRunning('2', A), podOf(object)], OWNERS);
  assert.deepEqual(more, []);
  assert.equal(event?.pods, 1);
  assert.equal(Date.parse(event?.since ?? ''), Date.parse(terminated.startedAt));
  assert.equal(Date.parse(event?.until ?? ''), Date.parse(terminated.finishedAt));
});
