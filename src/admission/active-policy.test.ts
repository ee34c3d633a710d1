// The policy in force as doctor and simulate read it: ConfigMap, objects, lock, and what is missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import type { KubeObject } from '../kube/object.ts';
import { Problem } from '../problem.ts';
import { activePolicy } from './active-policy.ts';

const MAP = '/api/v1/namespaces/tagproof/configmaps/tagproof-admission';
const CLUSTER = '/apis/tagproof.dev/v1alpha1/imagepolicies';
const NAMESPACED = '/apis/tagproof.dev/v1alpha1/namespacedimagepolicies';
const FILE = 'rules: [{name: file, images: ["a.io/**"], digest: required}]';
const LOCK = `version: 1\nimages:\n  "x.io/web:1": {"digest":"sha256:${'1'.repeat(64)}","firstSeen":"2026-01-01T00:00:00Z","source":"registry"}\n`;
const object = (name: string, more: object = {}): KubeObject => ({
  kind: 'ImagePolicy',
  metadata: { name, uid: name, generation: 1, ...more },
  spec: { rules: [{ name: 'r', images: ['b.io/**'], digest: 'required' }] },
});

function setUp({ file, lock, objects }: { file?: string; lock?: string; objects?: KubeObject[] }) {
  const kube = new FakeKube();
  const data = { ...(file && { 'tagproof.yaml': file }), ...(lock && { 'tagproof.lock': lock }) };
  if (file !== undefined || lock !== undefined) kube.objects.set(MAP, { data });
  if (objects !== undefined) kube.lists.set(CLUSTER, objects).set(NAMESPACED, []);
  return kube;
}
const rulesOf = async (kube: FakeKube) =>
  (await activePolicy(kube.client, 'tagproof')).config.rules.map(({ name }) => name);

test('the file and the objects together', async () => {
  assert.deepEqual(await rulesOf(setUp({ file: FILE, objects: [object('p')] })), ['file', 'p/r']);
});

test('the file alone, where no policy objects are installed', async () => {
  assert.deepEqual(await rulesOf(setUp({ file: FILE })), ['file']);
});

test('the objects alone, without a ConfigMap', async () => {
  assert.deepEqual(await rulesOf(setUp({ objects: [object('p')] })), ['p/r']);
});

test('an unusable object denies here as it does in the webhook', async () => {
  const broken = { ...object('p'), spec: { rules: 'none' } };
  const { config } = await activePolicy(setUp({ file: FILE, objects: [broken] }).client, 'tagproof');
  assert.ok(config.rules.some(({ unusable, images }) => unusable !== undefined && images.includes('**')));
});

test('the lock of the ConfigMap is part of it', async () => {
  const { lock } = await activePolicy(setUp({ file: FILE, lock: LOCK }).client, 'tagproof');
  assert.deepEqual([...lock.keys()], ['x.io/web:1']);
});

test('no policy at all is an error that says where it was looked for', async () => {
  await assert.rejects(rulesOf(setUp({ objects: [] })), /namespace tagproof has no ConfigMap tagproof-admission/);
});

test('an unusable file, or an API server that refuses, is an error and never an empty policy', async () => {
  await assert.rejects(rulesOf(setUp({ file: 'rules: none' })), /ConfigMap tagproof\/tagproof-admission/);
  const kube = setUp({ file: FILE, objects: [] });
  kube.failures.set(NAMESPACED, new Problem('denied', 'forbidden'));
  await assert.rejects(rulesOf(kube), /forbidden/);
});
