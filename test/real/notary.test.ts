// Debian's Notary client, server and signer on loopback: what Docker Content Trust signs, tagproof verifies; and every way in
// which a server, or somebody between, could cheat is refused.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Verdict } from '../../src/flow.ts';
import { parsePinned } from '../../src/image/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { loadNotarySigner } from '../../src/verify/notary/signer.ts';
import { verifyNotary } from '../../src/verify/notary/verify.ts';
import { record, replay, served } from './notary-replay.ts';
import { type NotaryServers, PASSPHRASES, rootPemsOf, startNotaryServers } from './notary-servers.ts';
import { atEnd, command, scratch, suite } from './suite.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const DAY = 86_400_000;

suite(
  'Docker Content Trust: Notary server, signer and client',
  ['notary', 'notary-server', 'notary-signer', 'openssl'],
  () => {
    const folder = scratch();
    const env = { ...process.env, ...PASSPHRASES };
    const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
    atEnd(() => client.close());
    const servers: NotaryServers = {};

    const notary = (server: string, dir: string, ...args: string[]) => {
      const { url, ca } = servers[server] as { url: string; ca?: string };
      return command(
        'notary',
        ['-s', url, ...(ca === undefined ? [] : ['--tlscacert', ca]), '-d', join(folder, dir), ...args],
        env,
      );
    };
    const publish = async (server: string, gun: string, tag: string, content: string, ...more: string[]) =>
      notary(server, gun, 'addhash', `registry.test/${gun}`, tag, '528', '--sha256', sha256(content), '-p', ...more);
    /** A repository with the snapshot key at the server, as docker makes it. */
    const init = async (server: string, gun: string) => {
      await notary(server, gun, 'init', `registry.test/${gun}`);
      await notary(server, gun, 'key', 'rotate', `registry.test/${gun}`, 'snapshot', '-r');
      await notary(server, gun, 'publish', `registry.test/${gun}`);
    };
    const rootPems = (gun: string) => rootPemsOf(join(folder, gun), gun);
    const verify = (
      gun: string,
      tag: string | undefined,
      content: string,
      more: { server?: string; roots?: string[]; signers?: string[]; url?: string; now?: Date } = {},
    ): Promise<Verdict> => {
      const { url, ca } = servers[more.server ?? 'plain'] as { url: string; ca?: string };
      const signer = loadNotarySigner('dct', {
        kind: 'notary',
        annotations: {},
        server: more.url ?? url,
        ca,
        roots: more.roots ?? rootPems(gun),
        signers: more.signers ?? [],
      });
      const name = `registry.test/${gun}${tag === undefined ? '' : `:${tag}`}@sha256:${sha256(content)}`;
      return verifyNotary(client, parsePinned(name), signer, more.now ?? new Date());
    };
    const reasons = (verdict: Verdict) =>
      verdict.kind === 'invalid' ? verdict.reasons.join() : JSON.stringify(verdict);

    before(async () => {
      process.env['TAGPROOF_DATA'] = join(folder, 'data');
      Object.assign(servers, await startNotaryServers(folder));
    });

    test('signed, another digest, another tag, no trust data, by another root', async () => {
      await init('plain', 'app');
      await publish('plain', 'app', 'v1', 'one');
      const verified = await verify('app', 'v1', 'one');
      assert.equal(verified.kind, 'verified', reasons(verified));
      assert.equal((await verify('app', undefined, 'one')).kind, 'verified', 'a digest without tag');
      assert.match(reasons(await verify('app', 'v1', 'two')), /gives registry\.test\/app:v1 the digest/);
      assert.equal((await verify('app', 'v2', 'one')).kind, 'unsigned');
      assert.equal((await verify('nothing', 'v1', 'one', { roots: rootPems('app') })).kind, 'unsigned');
      await init('plain', 'other');
      assert.equal((await verify('app', 'v1', 'one', { roots: rootPems('other') })).kind, 'others');
    });

    test('with TLS and a signer: ECDSA online keys', async () => {
      await init('tls', 'prod');
      await publish('tls', 'prod', 'v1', 'one');
      const verified = await verify('prod', 'v1', 'one', { server: 'tls' });
      assert.equal(verified.kind, 'verified', reasons(verified));
    });

    test('delegations: releases before targets; named signers must agree', async () => {
      const gun = 'team';
      await init('plain', gun);
      await publish('plain', gun, 'v1', 'by targets');
      for (const [name, type] of [
        ['releases', 'rsa:2048'],
        ['alice', 'ec'],
        ['bob', 'rsa:2048'],
      ] as const) {
        const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
        const curve = type === 'ec' ? ['-pkeyopt', 'ec_paramgen_curve:P-256'] : [];
        await command('openssl', [
          'req',
          '-x509',
          '-newkey',
          type,
          ...curve,
          '-nodes',
          '-days',
          '30',
          '-subj',
          `/CN=${name}`,
          '-keyout',
          key,
          '-out',
          cert,
        ]);
        await notary(
          'plain',
          gun,
          'delegation',
          'add',
          `registry.test/${gun}`,
          `targets/${name}`,
          cert,
          '--all-paths',
          '-p',
        );
        await notary('plain', gun, 'key', 'import', key, '--role', name, '-g', `registry.test/${gun}`);
      }
      assert.equal((await verify(gun, 'v1', 'by targets')).kind, 'verified', 'listed, but has signed nothing yet');
      await publish('plain', gun, 'v1', 'by releases', '-r', 'targets/releases');
      const releases = await verify(gun, 'v1', 'by releases');
      assert.equal(releases.kind, 'verified', reasons(releases));
      assert.match(releases.kind === 'verified' ? releases.by : '', /^targets\/releases, key/);
      assert.equal((await verify(gun, 'v1', 'by targets')).kind, 'invalid', 'releases speaks first');
      const both = { signers: ['alice', 'bob'] };
      await publish('plain', gun, 'v2', 'two', '-r', 'targets/alice');
      assert.equal((await verify(gun, 'v2', 'two', { signers: ['alice'] })).kind, 'verified');
      assert.equal((await verify(gun, 'v2', 'two', both)).kind, 'others', 'bob has not signed');
      await publish('plain', gun, 'v2', 'other', '-r', 'targets/bob');
      assert.equal((await verify(gun, 'v2', 'two', both)).kind, 'invalid', 'bob signed something else');
      await publish('plain', gun, 'v2', 'two', '-r', 'targets/bob');
      assert.equal((await verify(gun, 'v2', 'two', both)).kind, 'verified');
    });

    test('the root is rotated: pins of before and of now both lead to it', async () => {
      const gun = 'rotated';
      await init('plain', gun);
      const old = rootPems(gun);
      for (let i = 0; i < 2; i++) {
        const { spawn } = await import('node:child_process');
        const child = spawn(
          'notary',
          [
            '-s',
            servers['plain']?.url as string,
            '-d',
            join(folder, gun),
            'key',
            'rotate',
            `registry.test/${gun}`,
            'root',
          ],
          { env, stdio: ['pipe', 'ignore', 'inherit'] },
        );
        child.stdin.end('yes\n');
        assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0);
      }
      await publish('plain', gun, 'v1', 'one');
      assert.notDeepEqual(rootPems(gun), old);
      for (const roots of [old, rootPems(gun)]) {
        const verdict = await verify(gun, 'v1', 'one', { roots });
        assert.equal(verdict.kind, 'verified', reasons(verdict));
      }
      assert.equal((await verify(gun, 'v1', 'one', { roots: rootPems('app') })).kind, 'others');
    });

    test('time passes: a timestamp that expired is a freeze (T7)', async () => {
      const later = await verify('app', 'v1', 'one', { now: new Date(Date.now() + 20 * DAY) });
      assert.match(reasons(later), /timestamp expired/);
      assert.match(
        reasons(await verify('app', 'v1', 'one', { now: new Date(Date.now() + 4000 * DAY) })),
        /root expired|root certificate ended/,
      );
    });

    test('rolled back: older metadata, though validly signed, is refused (T7)', async () => {
      const gun = 'rollback';
      await init('plain', gun);
      await publish('plain', gun, 'v1', 'one');
      const old = await record(servers['plain']?.url as string, gun);
      await publish('plain', gun, 'v1', 'two');
      const proxy = await replay(old);
      assert.equal(
        (await verify(gun, 'v1', 'one', { url: proxy })).kind,
        'verified',
        'nothing newer was seen at this server',
      );
      rmSync(join(folder, 'data'), { recursive: true });
      const live = await replay(await record(servers['plain']?.url as string, gun));
      assert.equal((await verify(gun, 'v1', 'two', { url: live })).kind, 'verified');
      served.set(live, old);
      assert.match(reasons(await verify(gun, 'v1', 'one', { url: live })), /rolled back \(T7\)/);
    });

    test('somebody between: flip any byte of any file, leave one out, mix two repositories', async () => {
      const gun = 'app';
      const files = await record(servers['plain']?.url as string, gun);
      const url = await replay(files);
      const before = await verify(gun, 'v1', 'one', { url });
      assert.equal(before.kind, 'verified');
      for (const [path, bytes] of files) {
        for (let i = 0; i < bytes.length; i++) {
          const flipped = Buffer.from(bytes);
          flipped[i] = (flipped[i] as number) ^ 1;
          served.set(url, new Map([...files, [path, flipped]]));
          const after = await verify(gun, 'v1', 'one', { url });
          // Spare bits at the end of base64 change nothing that is proven.
          if (after.kind === 'verified') assert.deepEqual(after, before, `${path} byte ${i}`);
        }
        served.set(url, new Map([...files].filter(([other]) => other !== path)));
        const without = await verify(gun, 'v1', 'one', { url });
        assert.equal(without.kind, path.endsWith('/root.json') ? 'unsigned' : 'invalid', `without ${path}`);
      }
      const foreign = await record(servers['plain']?.url as string, 'other');
      const renamed = new Map([...foreign].map(([path, bytes]) => [path.replace('/other/', '/app/'), bytes]));
      served.set(url, renamed);
      // The certificate in a root names its repository: another's root is not this one's, though its key is pinned.
      assert.match(
        reasons(await verify(gun, 'v1', 'one', { url, roots: [...rootPems('other')] })),
        /is for registry\.test\/other, not for/,
      );
    });

    test('a server that fails could not be asked; Docker Hub’s retired one says what to do', async () => {
      for (const status of [401, 403, 429, 500, 503]) {
        const url = await replay(new Map(), status);
        assert.equal((await verify('app', 'v1', 'one', { url })).kind, 'unchecked', String(status));
      }
      const page = await replay(new Map(), 404); // a page of "not found" that is not Notary's own
      assert.equal((await verify('app', 'v1', 'one', { url: page })).kind, 'unchecked');
      const signer = loadNotarySigner('dct', { kind: 'notary', annotations: {}, roots: rootPems('app'), signers: [] });
      const hub = await verifyNotary(client, parsePinned(`nginx:1@sha256:${sha256('x')}`), signer, new Date());
      assert.match(hub.kind === 'unchecked' ? hub.problem.message : '', /shut down on 8 December 2026/);
    });

    test('a server that asks for a registry token gets one, bought with that registry’s credentials only', async () => {
      const files = await record(servers['plain']?.url as string, 'app');
      const asked: string[] = [];
      let url = '';
      const server = createServer((request, response) => {
        asked.push(`${request.url} ${request.headers.authorization ?? ''}`);
        if (request.url?.startsWith('/token')) return void response.writeHead(200).end('{"token":"good"}');
        if (request.headers.authorization !== 'Bearer good')
          return void response
            .writeHead(401, { 'www-authenticate': `Bearer realm="${url}/token",service="notary"` })
            .end();
        const body = files.get(request.url as string);
        response.writeHead(body === undefined ? 404 : 200).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      atEnd(() => server.close());
      url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
      const credentials: string[] = [];
      const own = new RegistryClient({
        credentials: async (registry) => {
          credentials.push(registry);
          return { kind: 'basic', username: 'u', password: 'p' };
        },
      });
      atEnd(() => own.close());
      const signer = loadNotarySigner('dct', {
        kind: 'notary',
        annotations: {},
        server: url,
        roots: rootPems('app'),
        signers: [],
      });
      const subject = parsePinned(`registry.test/app:v1@sha256:${sha256('one')}`);
      const verdict = await verifyNotary(own, subject, signer, new Date());
      assert.equal(verdict.kind, 'verified', reasons(verdict));
      assert.deepEqual(new Set(credentials), new Set(['registry.test']));
      const token = asked.find((line) => line.startsWith('/token')) as string;
      assert.match(decodeURIComponent(token), /scope=repository:registry\.test\/app:pull Basic /);
    });
  },
);
