// What `tagproof vap` and `tagproof manifests` write, taken by a real API server.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { apply, at, kinds, kubectl, pod, rest, startApiServer } from './api-server.ts';
import { command, suite } from './suite.ts';

suite('manifests at a real API server', ['etcd', 'kube-apiserver', 'kubectl'], () => {
  before(startApiServer);

  test('tagproof vap: the API server itself enforces digests and registries, without a webhook', async () => {
    const scaled = kinds.find(([kind]) => kind === 'Deployment');
    assert.ok(scaled);
    const before = {
      apiVersion: scaled[1],
      kind: scaled[0],
      metadata: { name: 'before', namespace: 'default' },
      spec: scaled[2]('elsewhere.test/x:1'),
    };
    assert.ok((await apply(before)).ok);
    const yaml = await command(process.execPath, [
      join(import.meta.dirname, '../../src/cli/main.ts'),
      'vap',
      '--registry',
      'ghcr.io',
      '--registry',
      '*.trusted.test',
      '--registry',
      'docker.io',
    ]);
    writeFileSync(at('vap.yaml'), yaml);
    await kubectl('apply', '--validate=false', '-f', at('vap.yaml'));
    const digest = `@sha256:${'a'.repeat(64)}`;
    for (let i = 0; ; i++) {
      const { ok, out } = await apply(pod(`vap-${i}`, 'ghcr.io/x/y:1'));
      if (!ok && /must be pinned to a digest \(run tagproof pin\): ghcr\.io\/x\/y:1/.test(out)) break;
      assert.ok(i < 60, out);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const runs: [image: string, ok: boolean][] = [
      [`ghcr.io/x/y:1${digest}`, true],
      [`nginx:1${digest}`, true],
      [`library/nginx${digest}`, true],
      [`index.docker.io/library/nginx${digest}`, true],
      [`a.trusted.test/x${digest}`, true],
      [`trusted.test/x${digest}`, false],
      [`eviltrusted.test/x${digest}`, false],
      [`quay.io/x/ghcr.io/y${digest}`, false],
      ['ghcr.io/x/y:1', false],
      [`ghcr.io/x/y:1@sha256:${'a'.repeat(63)}`, false],
    ];
    for (const [i, [image, expected]] of runs.entries()) {
      const { ok, out } = await apply(pod(`vap-run-${i}`, image));
      assert.equal(ok, expected, `${image}: ${out}`);
    }
    for (const [kind, apiVersion, make] of kinds) {
      const object = {
        apiVersion,
        kind,
        metadata: { name: `vap-${kind.toLowerCase()}`, namespace: 'default' },
        spec: make('ghcr.io/x/y:1'),
      };
      assert.equal((await apply(object)).ok, false, kind);
      assert.ok((await apply({ ...object, spec: make(`ghcr.io/x/y:1${digest}`) })).ok, kind);
    }
    const volume = pod('vap-volume', `ghcr.io/x/y${digest}`, {
      volumes: [{ name: 'v', image: { reference: 'ghcr.io/x/y:1', pullPolicy: 'IfNotPresent' } }],
    });
    assert.equal((await apply(volume)).ok, false, 'an image volume');
    const body = { spec: { ephemeralContainers: [{ name: 'debug', image: 'ghcr.io/x/y:1' }] } };
    const debug = await rest(
      'PATCH',
      '/api/v1/namespaces/default/pods/vap-run-0/ephemeralcontainers',
      body,
      'application/strategic-merge-patch+json',
    );
    assert.ok(debug.status >= 400, debug.message);
    await kubectl('scale', 'deployment', 'before', '--replicas=1'); // its image is of another registry, and was there before
  });

  test('tagproof manifests: the API server takes every object; deleting them leaves nothing behind', async () => {
    writeFileSync(at('tagproof.yaml'), 'rules: [{name: r, images: ["**"], digest: required}]\n');
    const manifests = (...args: string[]) =>
      command(process.execPath, [
        join(import.meta.dirname, '../../src/cli/main.ts'),
        'manifests',
        '--policy',
        at('tagproof.yaml'),
        ...args,
      ]);
    await assert.rejects(manifests('--image', 'ghcr.io/org/tagproof:1'), /must be pinned/);
    const yaml = await manifests(
      '--image',
      `ghcr.io/org/tagproof:1@sha256:${'a'.repeat(64)}`,
      '--registry-secret',
      'pull',
      '--failure-policy',
      'Ignore',
    );
    writeFileSync(at('manifests.yaml'), yaml);
    const { parseAllDocuments } = await import('yaml');
    const plurals: Record<string, string> = { NetworkPolicy: 'networkpolicies' };
    for (const document of parseAllDocuments(yaml)) {
      const object = document.toJS() as {
        apiVersion: string;
        kind: string;
        metadata: { name: string; namespace?: string };
      };
      const { apiVersion, kind, metadata } = object;
      const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const within = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
      const path = `${base}${within}/${plurals[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
      // Strict: a field that does not exist is an error, not a silence.
      const query = 'fieldManager=test&fieldValidation=Strict';
      const answer = await rest('PATCH', `${path}?${query}`, object, 'application/apply-patch+yaml');
      assert.ok(answer.status < 300, `${kind}: ${answer.message}`);
    }
    const listed = await kubectl(
      'get',
      'all,configmap,secret,networkpolicy,poddisruptionbudget',
      '-n',
      'tagproof',
      '-o',
      'name',
    );
    for (const name of [
      'deployment.apps/tagproof-admission',
      'service/tagproof-admission',
      'configmap/tagproof-admission',
      'secret/tagproof-admission',
      'networkpolicy.networking.k8s.io/tagproof-admission',
      'poddisruptionbudget.policy/tagproof-admission',
    ])
      assert.match(listed, new RegExp(name));
    await kubectl('delete', '--wait=false', '-f', at('manifests.yaml'));
    for (const kind of ['mutatingwebhookconfiguration', 'validatingwebhookconfiguration'])
      assert.doesNotMatch(await kubectl('get', kind, '-o', 'name'), /tagproof-admission/);
  });
});
