// Reports at a real API server, as OpenReports' own definitions take them: by the command and by the webhook.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { AdmissionServer } from '../../src/admission/server.ts';
import { makeCertificates } from '../../src/install/certificate.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { type LocalCluster, startCluster } from '../../src/kube/local.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { atEnd, command, scratch, suite } from './suite.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
/** The definitions that a cluster with OpenReports has. */
const REPORTS = { module: 'github.com/openreports/reports-api', version: 'v0.2.1', file: 'config/install.yaml' };

suite(
  'reports at a real API server',
  ['etcd', 'kube-apiserver', 'openssl', 'go'],
  () => {
    const folder = scratch();
    const at = (name: string) => join(folder, name);
    let cluster: LocalCluster;
    let kube: KubeClient;
    const pod = (name: string, image: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name: 'c', image }] },
    });

    before(async () => {
      writeFileSync(at('tagproof.yaml'), 'rules: [{name: r, images: ["**"], digest: required}]\n');
      cluster = await startCluster(folder);
      atEnd(() => cluster.stop());
      kube = new KubeClient(cluster.access);
      atEnd(() => kube.close());
    });

    test('reports: one a namespace, as OpenReports defines them; those of namespaces that have nothing go', {
      timeout: 60_000,
    }, async () => {
      const json = await command('go', ['mod', 'download', '-json', `${REPORTS.module}@${REPORTS.version}`], {
        ...process.env,
        GOFLAGS: '-mod=mod',
      });
      const { Dir } = JSON.parse(json) as { Dir: string };
      for (const document of parseAllDocuments(readFileSync(join(Dir, REPORTS.file), 'utf8'))) {
        const object = document.toJS() as { kind?: string } | null;
        if (object?.kind === 'CustomResourceDefinition')
          await kube.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', object);
      }
      const digest = `sha256:${'a'.repeat(64)}`;
      for (const name of ['one', 'two']) {
        await kube.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
        await kube.create(`/api/v1/namespaces/${name}/pods`, pod('pinned', `x@${digest}`));
      }
      await kube.create('/api/v1/namespaces/two/pods', pod('tagged', 'x:1'));
      const report = () =>
        command(process.execPath, [
          MAIN,
          'report',
          '--apply',
          '--config',
          at('tagproof.yaml'),
          '--kubeconfig',
          cluster.kubeconfig,
        ]);
      const path = (namespace: string) => `/apis/openreports.io/v1alpha1/namespaces/${namespace}/reports/tagproof`;
      for (let i = 0; ; i++) {
        const out = await report().catch((error) => String(error.stdout) + String(error.stderr));
        if (/2 reports written/.test(out)) break;
        assert.ok(i < 20, out); // the definitions are served in a moment
        await sleep(500);
      }
      const two = (await kube.get(path('two'))) as KubeObject & {
        summary: object;
        results: { result: string; message: string; resources: object[] }[];
      };
      assert.deepEqual(two.summary, { pass: 1, fail: 1, warn: 0, error: 0, skip: 0 });
      assert.equal(two.results[0]?.result, 'fail', 'the worst comes first');
      assert.match(two.results[0]?.message ?? '', /x:1: rule 'r': must be pinned/);
      await kube.delete('/api/v1/namespaces/two/pods/tagged?gracePeriodSeconds=0');
      await kube.delete('/api/v1/namespaces/one/pods/pinned?gracePeriodSeconds=0');
      await report();
      assert.equal(await kube.find(path('one')), undefined);
      assert.deepEqual(((await kube.get(path('two'))) as unknown as { summary: { fail: number } }).summary.fail, 0);
    });

    test('the webhook itself writes them, with --report-every', { timeout: 60_000 }, async () => {
      await kube.delete('/apis/openreports.io/v1alpha1/namespaces/two/reports/tagproof');
      const definitions = (await import('../../src/install/crds.ts')).definitions({});
      for (const object of definitions)
        await kube.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', object);
      const tls = await makeCertificates(['localhost']);
      const lines: string[] = [];
      const server = new AdmissionServer({
        policy: at('tagproof.yaml'),
        templates: 'enforce',
        host: '127.0.0.1',
        port: 0,
        tls,
        kube,
        reportEveryMs: 1000,
        userAgent: 'test',
        log: (line) => lines.push(JSON.stringify(line)),
      });
      await server.start();
      for (let i = 0; !(await kube.find('/apis/openreports.io/v1alpha1/namespaces/two/reports/tagproof')); i++) {
        assert.ok(i < 100, lines.join('\n'));
        await sleep(200);
      }
      await server.stop();
    });
  },
  240,
);
