// The chart in a cluster: what the real helm renders, the real kubectl applies and a real API server takes.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { startCluster } from '../../src/kube/local.ts';
import { atEnd, command, scratch, suite } from './suite.ts';

const IMAGE = `ghcr.io/org/tagproof:1@sha256:${'a'.repeat(64)}`;
const POLICY = { rules: [{ name: 'r', images: ['**'], digest: 'required' }] };

suite('the Helm chart at a real API server', ['helm', 'etcd', 'kube-apiserver', 'kubectl'], () => {
  const folder = scratch();
  test('rendered by helm, applied by kubectl; every object is created and deleted', { timeout: 60_000 }, async () => {
    const cluster = await startCluster(folder);
    atEnd(() => cluster.stop());
    const kubectl = (...args: string[]) =>
      command('kubectl', ['--kubeconfig', cluster.kubeconfig, '--cache-dir', join(folder, 'cache'), ...args]);
    const values = join(folder, 'values.json');
    writeFileSync(values, JSON.stringify({ image: IMAGE, policy: POLICY, pullSecrets: true, reportEvery: '1h' }));
    const chart = join(import.meta.dirname, '../../chart');
    const args = ['template', 'guard', chart, '--namespace', 'guarded', '--kube-version', '1.34.3', '--values', values];
    const text = await command('helm', args, { ...process.env, HOME: folder });
    const file = join(folder, 'rendered.yaml');
    writeFileSync(file, text);
    await kubectl('create', 'namespace', 'guarded');
    const applied = (await kubectl('apply', '--server-side', '-f', file)).trim().split('\n');
    assert.equal(applied.length, parseAllDocuments(text).filter((document) => document.toJS() !== null).length);
    const deleted = (await kubectl('delete', '--wait=false', '-f', file)).trim().split('\n');
    assert.equal(deleted.length, applied.length);
  });
});
