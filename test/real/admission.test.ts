// The webhook at a real kube-apiserver with etcd: every workload kind and subresource, kubectl's words, a policy and certificates that
// change while it runs. No kubelet: nothing has to start for an object to be admitted or not.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { makeCertificates } from '../../src/install/certificate.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { signSample } from '../../src/sign/sample.ts';
import { keyAuthorityYaml } from '../signing/authority.ts';
import { until } from '../until.ts';
import { apply, at, kinds, kubectl, pod, rest, startApiServer, template } from './api-server.ts';
import { atEnd, freePort, suite } from './suite.ts';

suite('admission at a real API server', ['etcd', 'kube-apiserver', 'kubectl'], () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const registry = new EmbeddedRegistry();
  let host = '';
  let signed = '';
  let webhook: ChildProcess | undefined;
  /** What it wrote to standard output. */
  let log = '';

  const policy = (more = '') => `registries: []
authorities:
${keyAuthorityYaml('release', publicKey)}rules:
  - {name: ours, images: ["${host}/**"], digest: resolve, signatures: {all: [release]}}
${more}`;

  before(async () => {
    host = await registry.listen();
    atEnd(() => registry.close());
    signed = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'signed' });
    await signSample(host, 'web', signed, privateKey);
    await pushSample(host, { repository: 'web', tag: 'evil', platforms: ['linux/amd64'], content: 'evil' });
    await startApiServer();
    await startWebhook();
  });

  async function startWebhook(): Promise<void> {
    writeFileSync(at('tagproof.yaml'), policy());
    const made = await makeCertificates(['localhost', '127.0.0.1']);
    writeFileSync(at('tls.crt'), made.cert);
    writeFileSync(at('tls.key'), made.key);
    const port = await freePort();
    webhook = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '../../src/cli/main.ts'),
        'serve',
        'admission',
        '--policy',
        at('tagproof.yaml'),
        '--cert',
        at('tls.crt'),
        '--key',
        at('tls.key'),
        '--port',
        String(port),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    atEnd(() => webhook?.kill('SIGKILL'));
    webhook.stdout?.setEncoding('utf8').on('data', (chunk) => (log += chunk));
    await until(
      () => log.includes('listening'),
      () => `the webhook does not listen: ${log}`,
      30_000,
    );
    const everything = [
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['pods', 'pods/ephemeralcontainers', 'replicationcontrollers', 'podtemplates'],
      },
      {
        apiGroups: ['apps'],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'],
      },
      { apiGroups: ['batch'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['jobs', 'cronjobs'] },
    ];
    const hook = (name: string, path: string, rules: object[]) => ({
      name,
      rules,
      clientConfig: { url: `https://localhost:${port}${path}`, caBundle: Buffer.from(made.ca).toString('base64') },
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Fail',
      timeoutSeconds: 10,
    });
    const pods = [everything[0]].map((rule) => ({ ...rule, resources: ['pods', 'pods/ephemeralcontainers'] }));
    for (const object of [
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        metadata: { name: 'tagproof' },
        webhooks: [hook('mutate.tagproof.dev', '/mutate', pods)],
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'tagproof' },
        webhooks: [hook('validate.tagproof.dev', '/validate', everything)],
      },
    ])
      assert.ok((await apply(object)).ok);
    // The API server takes the webhooks up in a moment.
    for (let i = 0; ; i++) {
      const { ok, out } = await apply(pod('probe', evil()));
      if (!ok) break;
      await kubectl('delete', 'pod', 'probe', '--grace-period=0', '--force');
      assert.ok(i < 50, out);
    }
  }

  const good = () => `${host}/web:v1`;
  const evil = () => `${host}/web:evil`;
  test('a pod takes the verified digest, and keeps its tag', async () => {
    const { ok, out } = await apply(pod('good', good()));
    assert.ok(ok, out);
    const image = await kubectl('get', 'pod', 'good', '-o', 'jsonpath={.spec.containers[0].image}');
    assert.equal(image, `${good()}@${signed}`);
  });

  test('kubectl shows the reason, and the command that shows more', async () => {
    const { ok, out } = await apply(pod('bad', evil()));
    assert.equal(ok, false);
    assert.match(
      out,
      /admission webhook "validate\.tagproof\.dev" denied the request: tagproof denies this: .*must be signed by 'release'.*For details run tagproof verify/,
    );
  });

  for (const [kind, apiVersion, make] of kinds) {
    test(`every workload kind: ${kind}`, async () => {
      const object = (image: string) => ({
        apiVersion,
        kind,
        metadata: { name: `x-${kind.toLowerCase()}`, namespace: 'default' },
        spec: make(image),
      });
      const bad = await apply(object(evil()));
      assert.equal(bad.ok, false, bad.out);
      const fine = await apply(object(`${good()}@${signed}`));
      assert.ok(fine.ok, fine.out);
    });
  }

  test('PodTemplate, initContainers, image volumes (T12)', async () => {
    const podTemplate = {
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name: 't', namespace: 'default' },
      template: template(evil()),
    };
    assert.equal((await apply(podTemplate)).ok, false);
    const init = pod('init', `${good()}@${signed}`, { initContainers: [{ name: 'i', image: evil() }] });
    assert.equal((await apply(init)).ok, false);
    const volume = pod('volume', `${good()}@${signed}`, {
      volumes: [{ name: 'v', image: { reference: evil(), pullPolicy: 'IfNotPresent' } }],
    });
    const denied = await apply(volume);
    assert.equal(denied.ok, false, denied.out);
    assert.match(denied.out, /must be signed/);
  });

  test('T11: kubectl debug puts no unsigned container into a running pod', async () => {
    const body = (image: string) => ({
      spec: { ephemeralContainers: [{ name: `d${Math.random().toString(36).slice(2, 7)}`, image }] },
    });
    const path = '/api/v1/namespaces/default/pods/good/ephemeralcontainers';
    const patch = 'application/strategic-merge-patch+json';
    const bad = await rest('PATCH', path, body(evil()), patch);
    assert.equal(bad.status, 403, bad.message);
    assert.match(bad.message, /must be signed/);
    const fine = await rest('PATCH', path, body(good()), patch);
    assert.equal(fine.status, 200, fine.message);
  });

  test('T17: scaling, labels and deletion of existing objects work while the registry is down', async () => {
    await registry.close();
    await kubectl('scale', 'deployment', 'x-deployment', '--replicas=3');
    await kubectl('label', 'pod', 'good', 'touched=yes');
    const { ok } = await apply(pod('fresh', `${host}/web:v2`));
    assert.equal(ok, false, 'and nothing new gets in');
    await kubectl('delete', 'pod', 'good', '--grace-period=0', '--force');
  });

  test('the policy changes while it runs; a broken one does not take its place', async () => {
    const object = pod('elsewhere', `elsewhere.test/x@sha256:${'a'.repeat(64)}`);
    const before = await apply(object);
    assert.match(before.out, /no rule applies to this image/);
    writeFileSync(at('tagproof.yaml'), 'rules: [{name: broken}]\n');
    await until(
      () => log.includes('the previous policy stays in force'),
      () => log.slice(-2000),
      30_000,
    );
    assert.match((await apply(object)).out, /no rule applies to this image/, 'the old one is in force');
    writeFileSync(
      at('tagproof.yaml'),
      policy('  - {name: elsewhere, images: ["elsewhere.test/**"], digest: required}\n'),
    );
    let last = '';
    await until(
      async () => {
        const { ok, out } = await apply(object);
        last = out;
        return ok;
      },
      () => last,
      30_000,
    );
  });

  test('shutdown loses no review', async () => {
    const exit = new Promise((resolve) => webhook?.on('exit', resolve));
    webhook?.kill('SIGTERM');
    assert.equal(await exit, 0);
  });
});
