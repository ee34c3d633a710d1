// The handshake: how few requests it needs, and that no token serves another identity, another
// repository or a later time.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import {
  answerManifest,
  openClient,
  openRegistry,
  problemOf,
  referenceOf,
  SAMPLE,
  scriptedRegistry,
} from '../../test/registry-fixture.ts';
import type { Credential } from './credential.ts';
import type { Call, RegistryResponse } from './exchange.ts';
import { pushSample } from './sample.ts';
import { Authorizer } from './tokens.ts';

const BASE = 'https://r.example.com/v2/';
const jwt = (grants: readonly string[]) =>
  `h.${Buffer.from(JSON.stringify({ access: grants.map((name) => ({ type: 'repository', name, actions: ['pull'] })) })).toString('base64url')}.s`;
const respond = (status: number, body: unknown = '', headers: RegistryResponse['headers'] = {}): RegistryResponse => ({
  status,
  headers,
  body: Buffer.from(JSON.stringify(body)),
});
const CHALLENGE = { 'www-authenticate': 'Bearer realm="https://auth.example.com/token",service="s"' };

type Script = {
  /** What one token grants, of the repositories that were asked for. */
  readonly grant?: (asked: string[]) => readonly string[];
  readonly credentials?: (repository: string) => Credential | undefined;
  readonly seconds?: number;
  readonly challenge?: RegistryResponse['headers'];
};

/**
 * An authorizer before a scripted token service. `send` stands for the registry: 401 without a
 * header.
 */
function scripted({
  grant = (asked) => asked,
  credentials = () => undefined,
  seconds = 300,
  challenge = CHALLENGE,
}: Script) {
  const requests: { repositories: string[]; authorization: string | undefined; token: string }[] = [];
  const authorizer = new Authorizer({
    endpoint: { base: BASE, registry: 'r.example.com', mirror: false, skipVerify: false, headers: {} },
    transport: {
      send: async (_endpoint, call: Call) => {
        const repositories = new URL(call.url).searchParams
          .getAll('scope')
          .map((scope) => scope.split(':')[1] as string);
        const token = `${jwt(grant(repositories))}${requests.length}`;
        requests.push({ repositories, authorization: call.headers['authorization'], token });
        return respond(200, { token, expires_in: seconds });
      },
    },
    credentials: async (_registry, repository) => credentials(repository),
    tokenHost: undefined,
    actions: 'pull',
  });
  const used: [repository: string, authorization: string | undefined][] = [];
  const send = (repository: string, status = 200) =>
    authorizer.authorized(repository, async (authorization) => {
      used.push([repository, authorization]);
      return authorization === undefined ? respond(401, '', challenge) : respond(status, '', challenge);
    });
  return { authorizer, requests, used, send };
}

// --- against a registry over HTTP ---

test('an open registry: one request, and no credentials are looked up', async () => {
  const { host, server } = await openRegistry();
  await pushSample(host, SAMPLE);
  server.log.length = 0;
  const credentials = async () => assert.fail('nobody asked for credentials');
  await openClient({ credentials }).head(referenceOf(`${host}/team/web:1`));
  assert.deepEqual(server.log, ['HEAD /v2/team/web/manifests/1']);
});

test('Basic: credentials after the challenge only, and to that host only', async () => {
  const { host } = await openRegistry({ auth: { kind: 'basic', username: 'u', password: 'p' } });
  await pushSample(host, SAMPLE);
  const asked: string[] = [];
  const credentials = async (name: string) => {
    asked.push(name);
    return { kind: 'basic', username: 'u', password: 'p' } as const;
  };
  await openClient({ credentials }).head(referenceOf(`${host}/team/web:1`));
  assert.deepEqual([...new Set(asked)], [host]);
  const problem = await problemOf(openClient().head(referenceOf(`${host}/team/web:1`)));
  assert.equal(problem.code, 'denied');
});

const counts: [name: string, scopesHonoured: number, requests: number][] = [
  ['a service that grants all scopes', Number.POSITIVE_INFINITY, 105],
  ['a service that grants the first scope only', 1, 201],
  ['a service that grants some', 10, 201],
];
for (const [name, scopesHonoured, most] of counts) {
  test(`Bearer, 100 repositories, ${name}: at most ${most} requests, all HEAD`, async () => {
    const { host, server } = await openRegistry({ auth: { kind: 'bearer' }, scopesHonoured });
    const references = Array.from({ length: 100 }, (_, i) => referenceOf(`${host}/team/web${i}:1`));
    for (const { repository } of references)
      await pushSample(host, { ...SAMPLE, repository, platforms: ['linux/amd64'] });
    server.log.length = 0;
    const client = openClient();
    client.expect(references);
    await Promise.all(references.map((reference) => client.head(reference)));
    assert.ok(server.log.length <= most, `${server.log.length} requests`);
    assert.equal(server.log.filter((line) => line.startsWith('GET /v2')).length, 0);
    const before = server.log.length;
    await Promise.all(references.map((reference) => client.head(reference)));
    assert.equal(server.log.length - before, 100, 'tokens are kept');
  });
}

test('Bearer: the token of one repository is fetched once for concurrent requests', async () => {
  const { host, server } = await openRegistry({ auth: { kind: 'bearer', username: 'u', password: 'p' } });
  await pushSample(host, SAMPLE);
  server.log.length = 0;
  const client = openClient({ credentials: async () => ({ kind: 'basic', username: 'u', password: 'p' }) });
  await Promise.all(Array.from({ length: 20 }, () => client.head(referenceOf(`${host}/team/web:1`))));
  assert.equal(server.log.filter((line) => line.endsWith('/token')).length, 1);
});

test('credentials do not follow a realm to another domain', async () => {
  const host = await scriptedRegistry((_, response) =>
    response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://127.0.0.2:9/token"' }).end(),
  );
  const client = openClient({ credentials: async () => ({ kind: 'basic', username: 'u', password: 'secret' }) });
  const problem = await problemOf(client.head(referenceOf(`${host}/a:1`)));
  assert.equal(problem.code, 'refused');
  assert.match(problem.message, /tokenHost: 127\.0\.0\.2:9/);
  assert.doesNotMatch(String(problem), /secret/);
});

test('a host that did not answer is asked once for many images, and again later', async (t) => {
  let requests = 0;
  let down = true;
  const host = await scriptedRegistry((request, response) => {
    requests++;
    if (down) request.socket.destroy();
    else answerManifest(response).end();
  });
  const client = openClient();
  const head = (name: string) => client.head(referenceOf(`${host}/${name}:1`));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const failed = await Promise.allSettled(['a', 'b', 'c'].map(head));
  assert.deepEqual([...new Set(failed.map(({ status }) => status))], ['rejected']);
  const once = requests;
  await assert.rejects(head('d'));
  assert.equal(requests, once, 'the failed handshake is remembered');
  down = false;
  t.mock.timers.tick(5_000);
  assert.match((await head('e')).digest, /^sha256:/);
});

// --- with a scripted token service ---

test('a token serves the repositories that it grants; the others fetch their own', async () => {
  const { authorizer, requests, used, send } = scripted({ grant: (asked) => asked.filter((name) => name !== 'c') });
  authorizer.expect(['a', 'b', 'c']);
  for (const repository of ['a', 'b', 'c']) await send(repository);
  assert.deepEqual(
    requests.map((request) => request.repositories),
    [['a', 'b', 'c'], ['c']],
  );
  const tokenOf = (name: string) => used.findLast(([repository]) => repository === name)?.[1];
  assert.equal(tokenOf('a'), tokenOf('b'));
  assert.notEqual(tokenOf('c'), tokenOf('a'));
});

test('one token never serves two identities, not even where it claims to grant both', async () => {
  const { authorizer, requests, used, send } = scripted({
    credentials: (repository) => ({ kind: 'basic', username: repository === 'b' ? 'bob' : 'alice', password: 'p' }),
    grant: () => ['a', 'a2', 'b'],
  });
  authorizer.expect(['a', 'b', 'a2']);
  for (const repository of ['a', 'b', 'a2']) await send(repository);
  assert.deepEqual(
    requests.map(({ repositories }) => repositories).sort(),
    [['a', 'a2'], ['b']],
    'scopes of two identities are not asked for together',
  );
  const userOf = (authorization: string | undefined) =>
    Buffer.from((authorization ?? '').slice('Basic '.length), 'base64')
      .toString()
      .split(':')[0];
  for (const [repository, authorization] of used.filter(([, value]) => value !== undefined)) {
    const request = requests.find(({ token }) => authorization === `Bearer ${token}`);
    assert.equal(userOf(request?.authorization), repository === 'b' ? 'bob' : 'alice', repository);
  }
});

test('a token that has expired is not used again', async () => {
  mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  try {
    const { requests, used, send } = scripted({ seconds: 60 });
    await send('a');
    mock.timers.tick(54_000);
    await send('a');
    assert.equal(requests.length, 1, 'still good');
    mock.timers.tick(2_000);
    await send('a');
    assert.equal(requests.length, 2, 'renewed before its end');
    assert.equal(used.at(-1)?.[1], `Bearer ${requests[1]?.token}`);
  } finally {
    mock.timers.reset();
  }
});

test('a token that is refused is replaced once, for this repository alone', async () => {
  const { authorizer, requests, used, send } = scripted({});
  authorizer.expect(['a', 'b', 'c']);
  await send('a');
  const { status } = await send('b', 401);
  assert.equal(status, 401);
  assert.deepEqual(
    requests.map(({ repositories }) => repositories),
    [['a', 'b', 'c'], ['b']],
  );
  assert.equal(used.filter(([repository]) => repository === 'b').length, 2, 'two tries, not a loop');
});

test('a failed token request is not kept', async () => {
  let fail = true;
  const authorizer = new Authorizer({
    endpoint: { base: BASE, registry: 'r.example.com', mirror: false, skipVerify: false, headers: {} },
    transport: {
      send: async () => (fail ? respond(503) : respond(200, { token: 't' })),
    },
    credentials: async () => undefined,
    tokenHost: undefined,
    actions: 'pull',
  });
  const send = () =>
    authorizer.authorized('a', async (authorization) => respond(authorization ? 200 : 401, '', CHALLENGE));
  await assert.rejects(send(), /answered 503/);
  fail = false;
  assert.equal((await send()).status, 200);
});

test('an identity token is never sent as Basic', async () => {
  const { used, send } = scripted({
    credentials: () => ({ kind: 'identity', token: 'refresh' }),
    challenge: { 'www-authenticate': 'Basic realm="x"' },
  });
  assert.equal((await send('a')).status, 401);
  assert.deepEqual(new Set(used.map(([, authorization]) => authorization)), new Set([undefined]));
});

test('Bearer is chosen where both are offered, and a realm without TLS is not asked', async () => {
  const both = { 'www-authenticate': ['Basic realm="x"', 'Bearer realm="https://auth.example.com/token"'] };
  const first = scripted({ challenge: both });
  await first.send('a');
  assert.match(first.used.at(-1)?.[1] ?? '', /^Bearer /);
  const second = scripted({ challenge: { 'www-authenticate': 'Bearer realm="http://auth.example.com/token"' } });
  await assert.rejects(second.send('a'), { code: 'refused' });
  assert.equal(second.requests.length, 0);
});

test('a challenge that offers neither Bearer nor Basic gets nothing', async () => {
  for (const challenge of [{ 'www-authenticate': 'Negotiate' }, {}]) {
    const { used, send } = scripted({
      credentials: () => ({ kind: 'basic', username: 'u', password: 'p' }),
      challenge,
    });
    assert.equal((await send('a')).status, 401);
    assert.deepEqual(new Set(used.map(([, authorization]) => authorization)), new Set([undefined]));
  }
});

test('an open registry with a private repository: credentials for that one only', async () => {
  const seen: string[] = [];
  const host = await scriptedRegistry((request, response) => {
    seen.push(`${request.url?.split('/')[2]} ${request.headers.authorization ?? 'none'}`);
    const refused = request.url?.includes('private') && request.headers.authorization === undefined;
    if (refused) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    else answerManifest(response).end();
  });
  const client = openClient({ credentials: async () => ({ kind: 'basic', username: 'u', password: 'p' }) });
  for (const name of ['public', 'private', 'public']) await client.head(referenceOf(`${host}/${name}:1`));
  assert.deepEqual(seen, ['public none', 'private none', `private Basic ${btoa('u:p')}`, 'public none']);
});
