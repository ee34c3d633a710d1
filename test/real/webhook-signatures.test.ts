// The whole way with nothing of ours but the webhook: images in Debian's registry, signed by cosign 2, cosign 3 and Docker Content Trust,
// pods made by kubectl at a real API server. Once warm, the registries may go.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdmissionServer } from '../../src/admission/server.ts';
import { makeCertificates } from '../../src/install/certificate.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { startCluster } from '../../src/kube/local.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { atEnd, command, dockerRegistry, freePort, scratch, start, suite } from './suite.ts';

suite(
  'the door with real signers',
  ['etcd', 'kube-apiserver', 'kubectl', 'docker-registry', 'cosign2', 'cosign3', 'notary', 'notary-server'],
  () => {
    const folder = scratch();
    const at = (name: string) => join(folder, name);
    const env = {
      ...process.env,
      HOME: folder,
      COSIGN_PASSWORD: '',
      NOTARY_ROOT_PASSPHRASE: 'passphrase-1',
      NOTARY_TARGETS_PASSPHRASE: 'passphrase-2',
      NOTARY_SNAPSHOT_PASSPHRASE: 'passphrase-3',
    };
    const digests: Record<string, string> = {};
    let host = '';
    let kubeconfig = '';

    const push = async (name: string) => {
      digests[name] = await pushSample(host, {
        repository: `team/${name}`,
        tag: 'v1',
        platforms: ['linux/amd64'],
        content: name,
      });
    };
    const run = (name: string, image: string) =>
      command('kubectl', [
        '--kubeconfig',
        kubeconfig,
        '--cache-dir',
        at('cache'),
        'run',
        name,
        '--image',
        image,
        '--restart=Never',
      ]).then(
        () => '',
        (error) => String(error.stderr),
      );
    const imageOf = (name: string) =>
      command('kubectl', [
        '--kubeconfig',
        kubeconfig,
        'get',
        'pod',
        name,
        '-o',
        'jsonpath={.spec.containers[0].image}',
      ]);

    before(async () => {
      process.env['TAGPROOF_DATA'] = at('data');
      host = await dockerRegistry(folder);
      for (const name of ['old', 'new', 'dct', 'unsigned']) await push(name);
      await command('cosign3', ['generate-key-pair', '--output-key-prefix', at('release')], env);
      const sign = (version: 2 | 3, name: string, more: string[]) =>
        command(
          `cosign${version}`,
          [
            'sign',
            '--key',
            at('release.key'),
            '--yes',
            '--allow-http-registry',
            '--tlog-upload=false',
            ...more,
            `${host}/team/${name}@${digests[name]}`,
          ],
          env,
        );
      await sign(2, 'old', []);
      await sign(3, 'new', ['--use-signing-config=false']);
      const server = `http://127.0.0.1:${await startNotary()}`;
      const gun = `${host}/team/dct`;
      const notary = (...args: string[]) => command('notary', ['-s', server, '-d', at('notary'), ...args], env);
      await notary('init', gun);
      await notary('addhash', gun, 'v1', '528', '--sha256', (digests['dct'] as string).slice(7), '-p');
      const { signed } = JSON.parse(readFileSync(join(at('notary'), 'tuf', gun, 'metadata/root.json'), 'utf8'));
      const [id] = signed.roles.root.keyids as [string];
      const root = Buffer.from(signed.keys[id].keyval.public, 'base64').toString();
      const block = (pem: string) => pem.trim().replaceAll('\n', '\n          ');
      writeFileSync(
        at('tagproof.yaml'),
        `authorities:
  release:
    keys:
      - |
          ${block(readFileSync(at('release.pub'), 'utf8'))}
    transparencyLog: ignore
  trust:
    notary:
      server: ${server}
      roots:
      - |
          ${block(root)}
rules:
  - {name: cosign, images: ["${host}/team/old", "${host}/team/new", "${host}/team/unsigned"], digest: resolve, signatures: {all: [release]}}
  - {name: trust, images: ["${host}/team/dct"], digest: resolve, signatures: {all: [trust]}}
`,
      );
      await startCluster(folder).then(async (cluster) => {
        atEnd(() => cluster.stop());
        kubeconfig = cluster.kubeconfig;
        const kube = new KubeClient(cluster.access);
        atEnd(() => kube.close());
        await install(kube);
      });
    });

    async function startNotary(): Promise<number> {
      const port = await freePort();
      const config = {
        server: { http_addr: `127.0.0.1:${port}` },
        trust_service: { type: 'local' },
        logging: { level: 'error' },
        storage: { backend: 'memory' },
      };
      writeFileSync(at('notary.json'), JSON.stringify(config));
      await start('notary-server', [`-config=${at('notary.json')}`], async () => {
        if (!(await fetch(`http://127.0.0.1:${port}/_notary_server/health`)).ok) throw new Error('not yet');
      });
      return port;
    }

    async function install(kube: KubeClient): Promise<void> {
      const tls = await makeCertificates(['localhost']);
      const server = new AdmissionServer({
        policy: at('tagproof.yaml'),
        templates: 'enforce',
        host: '127.0.0.1',
        port: 0,
        tls,
        userAgent: 'test',
        log: () => {},
      });
      const port = await server.start();
      atEnd(() => server.stop());
      const hook = (path: string) => ({
        name: `${path}.tagproof.dev`,
        clientConfig: { url: `https://localhost:${port}/${path}`, caBundle: Buffer.from(tls.ca).toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods'] }],
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
      });
      for (const [kind, path] of [
        ['Mutating', 'mutate'],
        ['Validating', 'validate'],
      ] as const)
        await kube.create(`/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`, {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: `${kind}WebhookConfiguration`,
          metadata: { name: 'tagproof' },
          webhooks: [hook(path)],
        });
      for (let i = 0; !/no rule applies/.test(await run('probe', 'probe.test/x:1')); i++) {
        assert.ok(i < 30);
        await command('kubectl', [
          '--kubeconfig',
          kubeconfig,
          'delete',
          'pod',
          'probe',
          '--ignore-not-found',
          '--grace-period=0',
          '--force',
        ]);
        await sleep(200);
      }
    }

    for (const [name, by] of [
      ['old', 'cosign 2'],
      ['new', 'cosign 3'],
      ['dct', 'Docker Content Trust'],
    ] as const)
      test(`signed by ${by}: admitted, with its digest`, async () => {
        assert.equal(await run(name, `${host}/team/${name}:v1`), '');
        assert.equal(await imageOf(name), `${host}/team/${name}:v1@${digests[name]}`);
      });

    test('not signed: denied, in words', async () => {
      assert.match(
        await run('unsigned', `${host}/team/unsigned:v1`),
        /must be signed by 'release'. 'release': not signed at all/,
      );
    });

    test('a tag that is pushed again after signing: the old digest keeps running, the new one is denied', async () => {
      const before = digests['new'] as string;
      await pushSample(host, { repository: 'team/new', tag: 'v1', platforms: ['linux/amd64'], content: 'evil' });
      // Within its lease the tag is the digest that was verified; by its new digest it is nothing.
      assert.equal(await run('again', `${host}/team/new:v1`), '');
      assert.equal(await imageOf('again'), `${host}/team/new:v1@${before}`);
      const evil = await pushSample(host, {
        repository: 'team/new',
        tag: 'v2',
        platforms: ['linux/amd64'],
        content: 'evil',
      });
      assert.match(await run('evil', `${host}/team/new:v1@${evil}`), /must be signed/);
    });
  },
);
