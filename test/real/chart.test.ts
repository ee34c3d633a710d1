// The real helm renders the chart: what comes out is, object for object, what `tagproof manifests` writes.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { manifests } from '../../src/install/manifests.ts';
import type { InstallOptions } from '../../src/install/options.ts';
import { command, scratch, suite } from './suite.ts';

const IMAGE = `ghcr.io/org/tagproof:1@sha256:${'a'.repeat(64)}`;
const POLICY = { rules: [{ name: 'r "quoted" {{ braces }}', images: ['**'], digest: 'required' }] };

suite('the Helm chart', ['helm'], () => {
  const folder = scratch();
  const chart = join(import.meta.dirname, '../../chart');
  const helm = (...args: string[]) => command('helm', args, { ...process.env, HOME: folder });
  const render = async (values: object) => {
    const file = join(folder, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const text = await helm(
      'template',
      'guard',
      chart,
      '--namespace',
      'guarded',
      '--kube-version',
      '1.34.3',
      '--values',
      file,
    );
    return parseAllDocuments(text)
      .map((document) => document.toJS() as { kind: string; data?: Record<string, string> } | null)
      .filter((object) => object !== null);
  };
  const byKind = (objects: readonly object[]) =>
    new Map(
      objects.map((object) => {
        const { kind, metadata } = object as { kind: string; metadata: { name: string } };
        return [`${kind}/${metadata.name}`, object];
      }),
    );

  const runs: [name: string, values: Record<string, unknown>, options: Partial<InstallOptions>][] = [
    ['as it comes', {}, {}],
    ['with cert-manager', { certificate: 'cert-manager' }, { tls: 'cert-manager' }],
    [
      'with every option',
      { pullSecrets: true, reportEvery: '1h', clientCa: 'PEM\nPEM\n' },
      { pullSecrets: true, reportEvery: '1h', clientCa: 'PEM\nPEM\n' },
    ],
    [
      'with a lock and a registry secret',
      { lock: '# lock\nversion: 1\n', registrySecret: 'pull' },
      { lock: '# lock\nversion: 1\n', registrySecret: 'pull' },
    ],
    ['with the watcher', { watcher: { enabled: true } }, { watcher: { clusterName: 'in-cluster', replicas: 1 } }],
    [
      'with two watchers and hints',
      { watcher: { enabled: true, clusterName: 'prod', replicas: 2, hintSecret: 'hints' }, registrySecret: 'pull' },
      { watcher: { clusterName: 'prod', replicas: 2, hintSecret: 'hints' }, registrySecret: 'pull' },
    ],
    [
      'softly',
      { failurePolicy: 'Ignore', templates: 'warn', exemptNamespaces: ['kube-system', 'db'], replicas: 1 },
      { failurePolicy: 'Ignore', templates: 'warn', exemptNamespaces: ['kube-system', 'db'], replicas: 1 },
    ],
  ];
  for (const [name, values, options] of runs) {
    test(`rendered ${name}, it is what manifests writes`, async () => {
      const rendered = byKind(await render({ image: IMAGE, policy: POLICY, ...values }));
      const expected = manifests({
        namespace: 'guarded',
        image: IMAGE,
        policy: stringify(POLICY),
        tls: 'own',
        cluster: true,
        pullSecrets: false,
        exemptNamespaces: ['kube-system'],
        failurePolicy: 'Fail',
        templates: 'enforce',
        replicas: 2,
        ...options,
      }).filter((object) => (object as { kind: string }).kind !== 'Namespace');
      assert.deepEqual([...rendered.keys()].sort(), [...byKind(expected).keys()].sort());
      for (const [kind, object] of byKind(expected)) {
        const got = rendered.get(kind) as { data?: Record<string, string> };
        // helm writes the policy's YAML in its own way: the meaning counts.
        if (kind.startsWith('ConfigMap')) {
          const [policy] = parseAllDocuments(got.data?.['tagproof.yaml'] ?? '');
          assert.deepEqual(policy?.toJS(), POLICY);
          assert.equal(got.data?.['tagproof.lock'], options.lock);
          assert.equal(got.data?.['client-ca.crt'], options.clientCa);
        } else assert.deepEqual(got, JSON.parse(JSON.stringify(object)), kind);
      }
    });
  }

  test('lint, and values that must not be', async () => {
    await helm('lint', chart, '--kube-version', '1.34.3', '--set', `image=${IMAGE}`, '--set', 'policy.rules[0].name=r');
    for (const values of [
      { policy: POLICY },
      { image: 'ghcr.io/org/tagproof:1', policy: POLICY },
      { image: IMAGE },
      { image: IMAGE, policy: POLICY, typo: 1 },
    ])
      await assert.rejects(render(values), /values don't meet the specifications/);
  });
});
