// Which Kubernetes Events a decision causes, and about which object.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admission, ImageDecision } from './admit.ts';
import { eventsFor } from './kube-events.ts';
import type { AdmissionRequest } from './review.ts';

const request = (more: object = {}) =>
  ({
    namespace: 'shop',
    name: '',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    object: { apiVersion: 'v1', metadata: { generateName: 'web-' } },
    ...more,
  }) as unknown as AdmissionRequest;
const decision: ImageDecision = { image: 'a:1', decision: { outcome: 'deny', results: [] } };
const bypass = { namespace: 'shop', name: 'night', images: ['a:1'], reason: 'incident', until: 1 };
const denied: Admission = { answer: { allowed: false, message: 'denied: a:1' }, decisions: [decision] };
const bypassed: Admission = { answer: { allowed: true }, decisions: [{ ...decision, bypass }] };

test('an admission without a bypass causes no Event', () => {
  assert.deepEqual(eventsFor(request(), { answer: { allowed: true }, decisions: [decision] }), []);
});

test('a denial is an Event about the object, by the best name that it has', () => {
  const [event] = eventsFor(request(), denied);
  assert.deepEqual(event, {
    type: 'Warning',
    reason: 'ImageDenied',
    action: 'Admission',
    note: 'denied: a:1',
    regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-' },
  });
  const names = (more: object) => eventsFor(request(more), denied).map(({ regarding }) => regarding.name);
  assert.deepEqual(names({ name: 'web-1' }), ['web-1']);
  assert.deepEqual(names({ object: { metadata: { name: 'web' } } }), ['web']);
  assert.deepEqual(names({ object: {} }), ['unnamed']);
  assert.deepEqual(names({ object: null }), []);
});

test('a denied pod never existed, so the Event is about its controller', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5', uid: 'id', controller: true };
  const object = { metadata: { ownerReferences: [{ ...owner, controller: false, name: 'x' }, owner] } };
  const [event] = eventsFor(request({ object }), denied);
  assert.deepEqual(event?.regarding, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    namespace: 'shop',
    name: 'web-5',
    uid: 'id',
  });
});

test('each use of a bypass is an Event, also beside a denial of another image', () => {
  const [event] = eventsFor(request(), bypassed);
  assert.equal(event?.reason, 'ImageBypassed');
  assert.match(event?.note ?? '', /a:1 was admitted unchecked by bypass 'night': incident/);
  const both = eventsFor(request(), { ...denied, decisions: [...denied.decisions, ...bypassed.decisions] });
  assert.deepEqual(
    both.map(({ reason }) => reason),
    ['ImageBypassed', 'ImageDenied'],
  );
});
