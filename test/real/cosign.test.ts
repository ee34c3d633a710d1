// Real cosign, version 2 and 3, signs with keys into a real docker-registry (fallback tag) and a registry with the referrers
// API; tagproof says of each image who signed it.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { PinnedReference, Reference, Verdict } from '../../src/flow.ts';
import { parseReference, withDigest } from '../../src/image/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { gatherVerdicts, loadSigners } from '../../src/verify/verify.ts';
import { KEY_AUTHORITY } from '../signing/authority.ts';
import { pem } from '../signing/der.ts';
import { Services, tokenOf } from '../signing/services.ts';
import { atEnd, command, dockerRegistry, referrersRegistry, scratch, suite } from './suite.ts';

const SAMPLE = { repository: 'team/web', platforms: ['linux/amd64', 'linux/arm64'] };

suite('cosign 2 and 3: signatures by key', ['cosign2', 'cosign3', 'docker-registry', 'go'], () => {
  const folder = scratch();
  const registries: Record<string, string> = {};
  const env = { ...process.env, COSIGN_PASSWORD: '', HOME: folder };
  const client = new RegistryClient({ credentials: async () => undefined });
  atEnd(() => client.close());
  const cosign = (version: 2 | 3, ...args: string[]) => command(`cosign${version}`, args, env);

  before(async () => {
    registries['docker-registry'] = await dockerRegistry(folder);
    registries['referrers API'] = await referrersRegistry(folder);
    for (const name of ['release', 'other'])
      await cosign(3, 'generate-key-pair', '--output-key-prefix', join(folder, name));
    for (const [name, kind] of [
      ['p384', { namedCurve: 'P-384' }],
      ['rsa', { modulusLength: 2048 }],
    ] as const) {
      const pair =
        name === 'rsa'
          ? generateKeyPairSync('rsa', kind as { modulusLength: number })
          : generateKeyPairSync('ec', kind as { namedCurve: string });
      writeFileSync(join(folder, `${name}.pem`), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(join(folder, `${name}.pub`), pair.publicKey.export({ type: 'spki', format: 'pem' }));
      await cosign(
        3,
        'import-key-pair',
        '--key',
        join(folder, `${name}.pem`),
        '--output-key-prefix',
        join(folder, name),
      );
    }
  });

  const image = async (where: string, tag: string): Promise<PinnedReference> => {
    const host = registries[where] as string;
    return withDigest(
      parseReference(`${host}/team/web:${tag}`) as Reference,
      await pushSample(host, { ...SAMPLE, tag, content: `${where} ${tag}` }),
    );
  };

  const sign = async (version: 2 | 3, { text }: Reference, key: string, ...args: string[]) => {
    const offline = version === 2 ? ['--tlog-upload=false'] : ['--use-signing-config=false', '--tlog-upload=false'];
    await cosign(
      version,
      'sign',
      '--key',
      join(folder, `${key}.key`),
      '--yes',
      '--allow-http-registry',
      ...offline,
      ...args,
      text.replace(/:[^:@/]+@/, '@'),
    );
  };

  const verdict = async (
    subject: PinnedReference,
    key: string,
    annotations: Record<string, string> = {},
    hashAlgorithm: 'sha256' | 'sha384' = 'sha256',
  ): Promise<Verdict> => {
    const keys = [readFileSync(join(folder, `${key}.pub`), 'utf8')];
    const signers = await loadSigners({
      it: { ...KEY_AUTHORITY, keys, hashAlgorithm, annotations },
    });
    return (await gatherVerdicts(signers, { client, subject })).verdicts.get('it') as Verdict;
  };

  for (const where of ['docker-registry', 'referrers API']) {
    for (const version of [2, 3] as const) {
      test(`${where}, cosign ${version}: signed, by somebody else, not at all; annotations`, async () => {
        const subject = await image(where, `v${version}`);
        assert.deepEqual(await verdict(subject, 'release'), { kind: 'unsigned' });
        await sign(version, subject, 'other');
        assert.equal((await verdict(subject, 'release')).kind, 'others');
        await sign(version, subject, 'release', '-a', 'build=42');
        const verified = await verdict(subject, 'release', { build: '42' });
        assert.equal(verified.kind, 'verified', JSON.stringify(verified));
        assert.equal(verified.kind === 'verified' && verified.layout, version === 2 ? 'signature' : 'bundle');
        assert.equal((await verdict(subject, 'other')).kind, 'verified');
        assert.equal((await verdict(subject, 'release', { build: '43' })).kind, 'invalid');
      });
    }

    test(`${where}: P-384 (cosign 2.6 signs it with SHA-384) and RSA keys`, async () => {
      const subject = await image(where, 'keys');
      for (const key of ['p384', 'rsa']) {
        await sign(2, subject, key);
        assert.equal((await verdict(subject, key, {}, key === 'p384' ? 'sha384' : 'sha256')).kind, 'verified', key);
      }
    });

    for (const version of [2, 3] as const) {
      test(`${where}, cosign ${version}: an attestation is told with its content, and is not a signature (T31)`, async () => {
        const subject = await image(where, `attested-${version}`);
        writeFileSync(join(folder, 'predicate.json'), '{"spdxVersion":"SPDX-2.3"}');
        const offline = version === 2 ? ['--tlog-upload=false'] : ['--use-signing-config=false', '--tlog-upload=false'];
        const what = ['--type', 'spdxjson', '--predicate', join(folder, 'predicate.json')];
        await cosign(
          version,
          'attest',
          '--key',
          join(folder, 'release.key'),
          '--yes',
          '--allow-http-registry',
          ...offline,
          ...what,
          bare(subject),
        );
        const keys = [readFileSync(join(folder, 'release.pub'), 'utf8')];
        const signers = await loadSigners({ it: { ...KEY_AUTHORITY, keys, hashAlgorithm: 'sha256', annotations: {} } });
        const { verdicts, attestations } = await gatherVerdicts(signers, { client, subject, attestations: true });
        assert.equal(verdicts.get('it')?.kind, 'unsigned', JSON.stringify([...verdicts]));
        assert.deepEqual(
          attestations.verified.map(({ predicateType, predicate, layout }) => ({ predicateType, predicate, layout })),
          [
            {
              predicateType: 'https://spdx.dev/Document',
              predicate: { spdxVersion: 'SPDX-2.3' },
              layout: version === 2 ? 'signature' : 'bundle',
            },
          ],
        );
      });
    }
  }

  // --- the other way: what tagproof signs, real cosign verifies ---

  const tagproof = (...args: string[]) =>
    command(process.execPath, [join(import.meta.dirname, '../../src/cli/main.ts'), ...args], {
      ...env,
      COSIGN_PASSWORD: 'secret',
      SIGSTORE_ID_TOKEN: tokenOf('https://ci.test', 'https://git.test/org/app'),
    });
  const bare = ({ text }: Reference) => text.replace(/:[^:@/]+@/, '@');
  const cosignVerify = (what: 'verify' | 'verify-attestation', subject: PinnedReference, ...args: string[]) =>
    cosign(3, what, '--allow-http-registry', ...args, bare(subject));

  for (const where of ['docker-registry', 'referrers API']) {
    for (const kind of ['ECDSA', 'RSA', 'Ed25519', 'encrypted by cosign'] as const) {
      test(`${where}: cosign verifies what tagproof signs and attests: ${kind}`, async () => {
        const subject = await image(where, `by-${kind.slice(0, 3).toLowerCase()}`);
        const name = join(folder, `mine-${kind.slice(0, 3)}-${where.slice(0, 3)}`);
        if (kind === 'encrypted by cosign') {
          await command('cosign3', ['generate-key-pair', '--output-key-prefix', name], {
            ...env,
            COSIGN_PASSWORD: 'secret',
          });
        } else {
          const pair =
            kind === 'RSA'
              ? generateKeyPairSync('rsa', { modulusLength: 2048 })
              : kind === 'ECDSA'
                ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
                : generateKeyPairSync('ed25519');
          writeFileSync(`${name}.key`, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
          writeFileSync(`${name}.pub`, pair.publicKey.export({ type: 'spki', format: 'pem' }));
        }
        const key = ['--key', `${name}.pub`, '--insecure-ignore-tlog'];
        await assert.rejects(cosignVerify('verify', subject, ...key));
        await tagproof('sign', '--key', `${name}.key`, '-a', 'build=42', bare(subject));
        assert.match(await cosignVerify('verify', subject, ...key), new RegExp(subject.digest));
        assert.match(await cosignVerify('verify', subject, ...key, '-a', 'build=42'), /42/);
        await assert.rejects(cosignVerify('verify', subject, ...key, '-a', 'build=43'));
        writeFileSync(join(folder, 'spdx.json'), '{"spdxVersion":"SPDX-2.3"}');
        await tagproof(
          'attest',
          '--key',
          `${name}.key`,
          '--type',
          'spdxjson',
          '--predicate',
          join(folder, 'spdx.json'),
          bare(subject),
        );
        assert.match(await cosignVerify('verify-attestation', subject, ...key, '--type', 'spdxjson'), /payload/);
      });
    }

    test(`${where}: cosign verifies what tagproof signs keyless, with the same trust root`, async () => {
      const services = new Services();
      const url = await services.listen();
      atEnd(() => services.close());
      const root = join(folder, 'root.json');
      writeFileSync(root, services.stack.trustedRoot());
      for (const log of [
        ['--rekor-url', url],
        ['--rekor-url', url, '--rekor-version', '2', '--timestamp-url', `${url}/tsa`],
      ]) {
        const subject = await image(where, `keyless-${log.length}`);
        await tagproof('sign', '--fulcio-url', url, '--trust-root', root, ...log, bare(subject));
        const identity = [
          '--certificate-identity',
          'https://git.test/org/app',
          '--certificate-oidc-issuer',
          'https://ci.test',
        ];
        const times = log.length > 2 ? ['--use-signed-timestamps'] : [];
        assert.match(
          await cosignVerify('verify', subject, '--trusted-root', root, ...identity, ...times),
          new RegExp(subject.digest),
        );
      }
    });

    for (const version of [2, 3] as const) {
      test(`${where}: cosign ${version} signs keyless against services on loopback; tagproof verifies`, async () => {
        const services = new Services();
        const url = await services.listen();
        atEnd(() => services.close());
        const { stack } = services;
        const at = (name: string) => join(folder, name);
        writeFileSync(at('root.json'), stack.trustedRoot());
        writeFileSync(at('fulcio.pem'), pem(stack.issuerCertificate) + pem(stack.rootCertificate));
        writeFileSync(at('ct.pub'), stack.ct.publicKey.export({ type: 'spki', format: 'pem' }));
        writeFileSync(at('rekor.pub'), stack.log.rekor1.publicKey.export({ type: 'spki', format: 'pem' }));
        const subject = await image(where, `cosign-keyless-${version}`);
        const trust = {
          SIGSTORE_ROOT_FILE: at('fulcio.pem'),
          SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: at('ct.pub'),
          SIGSTORE_REKOR_PUBLIC_KEY: at('rekor.pub'),
        };
        const more = version === 2 ? [] : ['--use-signing-config=false', '--trusted-root', at('root.json')];
        const token = tokenOf('https://ci.test', 'https://git.test/org/app');
        await command(
          `cosign${version}`,
          [
            'sign',
            '--yes',
            '--allow-http-registry',
            '--fulcio-url',
            url,
            '--rekor-url',
            url,
            '--identity-token',
            token,
            ...more,
            bare(subject),
          ],
          { ...env, ...trust },
        );
        const signers = await loadSigners({
          it: {
            ...KEY_AUTHORITY,
            keys: [],
            hashAlgorithm: 'sha256',
            annotations: {},
            trustRoot: at('root.json'),
            identities: [{ issuer: 'https://ci.test', subject: 'https://git.test/org/app' }],
            transparencyLog: 'required',
            certificateTransparency: 'required',
          },
        });
        const verified = (await gatherVerdicts(signers, { client, subject })).verdicts.get('it') as Verdict;
        assert.equal(verified.kind, 'verified', JSON.stringify(verified));
        assert.equal(verified.kind === 'verified' && verified.layout, version === 2 ? 'signature' : 'bundle');
      });
    }
  }
});
