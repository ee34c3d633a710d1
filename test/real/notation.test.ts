// The real notation signs into a real docker-registry (fallback tag) and into a registry with the referrers API, as JWS and as
// COSE, with and without time stamps; tagproof says who signed. What notation itself says is the oracle.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { PinnedReference, Reference, Verdict } from '../../src/flow.ts';
import { parseReference, withDigest } from '../../src/image/reference.ts';
import type { NotationAuthority } from '../../src/policy/config.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { loadNotationSigner } from '../../src/verify/notation/signer.ts';
import { verifyNotation } from '../../src/verify/notation/verify.ts';
import * as der from '../signing/der.ts';
import { spkiOf } from '../signing/keys.ts';
import { SigstoreStack } from '../signing/sigstore-stack.ts';
import { atEnd, command, dockerRegistry, referrersRegistry, scratch, suite } from './suite.ts';

const DAY = 86_400_000;
const WHO = { C: 'US', ST: 'WA', O: 'tagproof', CN: 'release' };
const ROOT = { C: 'US', ST: 'WA', O: 'tagproof', CN: 'root' };
const IDENTITY = 'x509.subject: C=US, ST=WA, O=tagproof';

suite('notation: Notary Project signatures', ['notation', 'docker-registry', 'go', 'openssl'], () => {
  const folder = scratch();
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: join(folder, '.config') };
  const config = join(folder, '.config/notation');
  const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
  atEnd(() => client.close());
  const stack = new SigstoreStack();
  const registries: Record<string, string> = {};
  const keys: { name: string; keyPath: string; certPath: string }[] = [];
  const root = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const from = new Date(Date.now() - DAY);
  const to = new Date(Date.now() + DAY);
  const rootCertificate = der.certificate({
    subject: ROOT,
    issuer: ROOT,
    spki: spkiOf(root.publicKey),
    signer: root.privateKey,
    from,
    to,
    hash: 'sha384',
    extensions: [der.EXTENSIONS.authority(), der.EXTENSIONS.usage(0x04)],
  });
  let tsa = '';

  /** A key that notation may sign with. */
  function addKey(name: string, pair: { publicKey: KeyObject; privateKey: KeyObject }): void {
    const leaf = der.certificate({
      subject: WHO,
      issuer: ROOT,
      spki: spkiOf(pair.publicKey),
      signer: root.privateKey,
      from,
      to,
      hash: 'sha384',
      extensions: [der.EXTENSIONS.usage(0x80), der.EXTENSIONS.purposes(['1.3.6.1.5.5.7.3.3'])],
    });
    const [keyPath, certPath] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
    writeFileSync(keyPath, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(certPath, der.pem(leaf) + der.pem(rootCertificate));
    keys.push({ name, keyPath, certPath });
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, 'signingkeys.json'), JSON.stringify({ default: 'p256', keys }), { mode: 0o600 });
  }

  before(async () => {
    registries['docker-registry'] = await dockerRegistry(folder);
    registries['referrers API'] = await referrersRegistry(folder);
    addKey('p256', generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    addKey('p384', generateKeyPairSync('ec', { namedCurve: 'P-384' }));
    addKey('rsa2048', generateKeyPairSync('rsa', { modulusLength: 2048 }));
    addKey('rsa3072', generateKeyPairSync('rsa', { modulusLength: 3072 }));
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      writeFileSync(join(folder, 'query.tsq'), Buffer.concat(chunks));
      await opensslClock();
      const { readFileSync } = await import('node:fs');
      response
        .writeHead(200, { 'content-type': 'application/timestamp-reply' })
        .end(readFileSync(join(folder, 'reply.tsr')));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(() => server.close());
    tsa = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const at = (name: string) => join(folder, name);
    writeFileSync(at('tsa.pem'), der.pem(stack.tsaCertificate));
    writeFileSync(at('tsa.key'), stack.tsa.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(at('tsaroot.pem'), der.pem(stack.rootCertificate));
    writeFileSync(at('serial'), '01\n');
    writeFileSync(
      at('tsa.cnf'),
      `[tsa]\ndefault_tsa=t\n[t]\nserial=${at('serial')}\ncrypto_device=builtin\nsigner_cert=${at('tsa.pem')}\nsigner_key=${at('tsa.key')}\ncerts=${at('tsaroot.pem')}\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256,sha384,sha512\naccuracy=secs:1\ness_cert_id_alg=sha256\nordering=no\ntsa_name=no\ness_cert_id_chain=no\n`,
    );
  });

  /** openssl as a timestamp authority: another implementation than ours. */
  const opensslClock = () =>
    command('openssl', [
      'ts',
      '-reply',
      '-config',
      join(folder, 'tsa.cnf'),
      '-queryfile',
      join(folder, 'query.tsq'),
      '-out',
      join(folder, 'reply.tsr'),
    ]);

  const image = async (where: string, tag: string): Promise<PinnedReference> => {
    const host = registries[where] as string;
    const sample = {
      repository: 'team/web',
      platforms: ['linux/amd64', 'linux/arm64'],
      tag,
      content: `${where} ${tag}`,
    };
    return withDigest(parseReference(`${host}/team/web:${tag}`) as Reference, await pushSample(host, sample));
  };
  const bare = ({ text }: Reference) => text.replace(/:[^:@/]+@/, '@');
  const sign = (subject: PinnedReference, key: string, ...args: string[]) =>
    command('notation', ['sign', '--insecure-registry', '--key', key, ...args, bare(subject)], env);
  const verify = (
    subject: PinnedReference,
    more: Partial<NotationAuthority> & { annotations?: Record<string, string> } = {},
    now = new Date(),
  ): Promise<Verdict> =>
    verifyNotation(
      client,
      subject,
      loadNotationSigner('corp', {
        kind: 'notation',
        annotations: {},
        level: 'strict',
        trustStores: { ca: [der.pem(rootCertificate)], signingAuthority: [], tsa: [] },
        trustedIdentities: [IDENTITY],
        verifyTimestamp: 'always',
        revocation: 'skip',
        ...more,
      }),
      now,
    );
  const detail = (verdict: Verdict) => JSON.stringify(verdict);

  for (const where of ['docker-registry', 'referrers API']) {
    for (const format of ['jws', 'cose']) {
      test(`${where}, ${format}: not at all, signed by each kind of key, annotations`, async () => {
        const subject = await image(where, format);
        assert.equal((await verify(subject)).kind, 'unsigned');
        for (const key of ['p256', 'p384', 'rsa2048', 'rsa3072']) {
          const each = await image(where, `${format}-${key}`);
          await sign(each, key, '--signature-format', format, '-m', 'build=42');
          const verdict = await verify(each, { annotations: { build: '42' } });
          assert.equal(verdict.kind, 'verified', `${key} ${detail(verdict)}`);
          assert.match(verdict.kind === 'verified' ? verdict.by : '', /CN=release/);
          assert.equal((await verify(each, { annotations: { build: '43' } })).kind, 'invalid');
        }
      });

      test(`${where}, ${format}: a time stamp carries it past the certificate's end`, async () => {
        const subject = await image(where, `${format}-stamped`);
        await sign(
          subject,
          'p256',
          '--signature-format',
          format,
          '--timestamp-url',
          tsa,
          '--timestamp-root-cert',
          join(folder, 'tsaroot.pem'),
        );
        const stores = { ca: [der.pem(rootCertificate)], signingAuthority: [], tsa: [der.pem(stack.rootCertificate)] };
        const now = await verify(subject, { trustStores: stores });
        assert.equal(now.kind, 'verified', detail(now));
        assert.equal(now.kind === 'verified' && now.times.length, 1);
        const later = new Date(Date.now() + 100 * DAY);
        assert.equal((await verify(subject, { trustStores: stores }, later)).kind, 'verified');
        assert.equal((await verify(subject, {}, later)).kind, 'invalid', 'without a trusted clock');
        const other = { ...stores, tsa: [der.pem(new SigstoreStack().rootCertificate)] };
        assert.match(detail(await verify(subject, { trustStores: other })), /not trusted/);
        assert.equal((await verify(subject, { trustStores: other, level: 'permissive' })).kind, 'verified');
      });
    }

    test(`${where}: by others, by another identity, expired; levels`, async () => {
      const subject = await image(where, 'others');
      await sign(subject, 'p256', '--expiry', '1h');
      const foreign = { ca: [der.pem(new SigstoreStack().rootCertificate)], signingAuthority: [], tsa: [] };
      assert.equal((await verify(subject, { trustStores: foreign })).kind, 'others');
      assert.equal(
        (await verify(subject, { trustedIdentities: ['x509.subject: C=US, ST=WA, O=evil'] })).kind,
        'others',
      );
      assert.equal((await verify(subject, { trustedIdentities: ['*'] })).kind, 'verified');
      const crossed = { ca: [], signingAuthority: [der.pem(rootCertificate)], tsa: [] };
      assert.equal((await verify(subject, { trustStores: crossed })).kind, 'others', 'a store of the other kind');
      const soon = new Date(Date.now() + 2 * 3_600_000);
      assert.match(detail(await verify(subject, {}, soon)), /it expired on/);
      const permissive = await verify(subject, { level: 'permissive' }, soon);
      assert.match(detail(permissive), /"kind":"verified".*"notes":\["it expired on/);
      assert.match(
        detail(await verify(subject, { level: 'audit', trustStores: foreign })),
        /not by a trusted identity/,
      );
    });
  }
});
