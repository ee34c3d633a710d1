// One request for a token: what is sent, what of the answer counts, how long it is used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Credential } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import type { Call, RegistryResponse } from './exchange.ts';
import { type BearerScheme, grantedBy, isFresh, readToken, TokenService } from './token-service.ts';

const ENDPOINT: Endpoint = {
  base: 'https://r.example.com/v2/',
  registry: 'r.example.com',
  mirror: false,
  skipVerify: false,
  headers: {},
};
const answer = (body: unknown, status = 200): RegistryResponse => ({
  status,
  headers: {},
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});

type Sent = { readonly call: Call; readonly trusted: boolean | undefined };
/** A token service that records what it was sent. */
function recorded(credential: Credential | undefined, endpoint = ENDPOINT, tokenHost?: string) {
  const sent: Sent[] = [];
  const asked: string[] = [];
  const service = new TokenService({
    endpoint,
    transport: {
      send: async (_endpoint, call, trusted) => {
        sent.push({ call, trusted });
        return answer({ token: 't' });
      },
    },
    credentials: async (registry, repository) => {
      asked.push(`${registry}/${repository}`);
      return credential;
    },
    tokenHost,
    actions: 'pull',
  });
  return { service, sent, asked };
}
const bearer = (realm: string, service?: string): BearerScheme => ({ kind: 'bearer', realm: new URL(realm), service });

test('anonymous: GET with service and scopes, nothing else', async () => {
  const { service, sent } = recorded(undefined);
  await service.fetch(bearer('https://auth.example.com/token?x=1', 'the registry'), ['a', 'b/c']);
  const [{ call, trusted }] = sent as [Sent];
  assert.equal(call.method, 'GET');
  assert.equal(
    call.url,
    'https://auth.example.com/token?x=1&service=the+registry&scope=repository%3Aa%3Apull&scope=repository%3Ab%2Fc%3Apull',
  );
  assert.deepEqual(call.headers, {});
  assert.equal(trusted, false, 'only an answer named this host');
});

test('a password goes by Basic to a host of the own domain only', async () => {
  const credential = { kind: 'basic', username: 'u', password: 'p:w' } as const;
  const { service, sent } = recorded(credential);
  await service.fetch(bearer('https://auth.example.com/token'), ['a']);
  assert.deepEqual(sent[0]?.call.headers, { authorization: `Basic ${Buffer.from('u:p:w').toString('base64')}` });
  await assert.rejects(service.fetch(bearer('https://auth.evil.com/token'), ['a']), /outside its own domain/);
  assert.equal(sent.length, 1, 'nothing was sent');
});

test('a refresh token goes by POST in the body, to a host of the own domain only', async () => {
  const { service, sent } = recorded({ kind: 'identity', token: 'refresh' });
  await service.fetch(bearer('https://r.example.com/token', 's'), ['a']);
  const [{ call, trusted }] = sent as [Sent];
  assert.equal(call.method, 'POST');
  assert.equal(call.url, 'https://r.example.com/token');
  assert.deepEqual(Object.fromEntries(new URLSearchParams(String(call.body))), {
    grant_type: 'refresh_token',
    client_id: 'tagproof',
    refresh_token: 'refresh',
    scope: 'repository:a:pull',
    service: 's',
  });
  assert.equal(trusted, true, 'the registry’s own host');
  await assert.rejects(service.fetch(bearer('https://evil.com/token'), ['a']), /outside its own domain/);
  assert.equal(sent.length, 1, 'nothing was sent');
});

test('a mirror has credentials of its own, under its own host; a tokenHost is trusted', async () => {
  const mirror = { ...ENDPOINT, base: 'https://mirror.net:8443/v2/', mirror: true };
  const { service, sent, asked } = recorded(undefined, mirror, 'auth.net');
  await service.fetch(bearer('https://auth.net/token'), ['a']);
  assert.deepEqual(asked, ['mirror.net:8443/a']);
  assert.equal(sent[0]?.trusted, true);
});

test('answers: a token, or a problem that says whose fault it is and never quotes the body', () => {
  const now = 1_000_000;
  assert.deepEqual(readToken(answer({ token: 'a', access_token: 'b', expires_in: 300 }), 'h', now), {
    value: 'a',
    expires: now + 300_000,
  });
  assert.equal(readToken(answer({ access_token: 'b' }), 'h', now).value, 'b');
  const bad: [body: unknown, status: number, code: string][] = [
    [{ token: 'secret' }, 401, 'denied'],
    [{ token: 'secret' }, 403, 'denied'],
    [{ token: 'secret' }, 429, 'rate-limited'],
    [{ token: 'secret' }, 500, 'unreachable'],
    [{ token: 'secret' }, 204, 'unreachable'],
    ['secret', 200, 'protocol'],
    ['null', 200, 'protocol'],
    [{}, 200, 'protocol'],
    [{ token: '' }, 200, 'protocol'],
    [{ token: 7 }, 200, 'protocol'],
    [{ token: 'secret\r\nx-evil: 1' }, 200, 'protocol'],
    [{ token: 'two words' }, 200, 'protocol'],
  ];
  for (const [body, status, code] of bad)
    assert.throws(
      () => readToken(answer(body, status), 'auth.io'),
      (error: Error & { code: string }) => error.code === code && !/secret/.test(String(error)),
      `${status} ${JSON.stringify(body)}`,
    );
});

test('a token is used until five seconds before its end, and a minute where no end is given', () => {
  const now = 1_000_000;
  const life = (expires_in: unknown) => readToken(answer({ token: 't', expires_in }), 'h', now).expires - now;
  assert.deepEqual([undefined, -1, 0, '300', 300, 1].map(life), [60_000, 60_000, 60_000, 60_000, 300_000, 6_000]);
  const token = { value: 't', expires: now };
  assert.deepEqual(
    [now - 5_001, now - 5_000, now, now + 1].map((at) => isFresh(token, at)),
    [true, false, false, false],
  );
});

test('what a token grants: repositories with the action pull', () => {
  const jwt = (payload: unknown) => `h.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.s`;
  const access = [
    { type: 'repository', name: 'pulls', actions: ['push', 'pull'] },
    { type: 'repository', name: 'pushes', actions: ['push'] },
    { type: 'repository', name: 'nothing', actions: [] },
    { type: 'repository', name: 'a text', actions: 'pull' },
    { type: 'registry', name: 'catalog', actions: ['pull'] },
    null,
  ];
  assert.deepEqual(grantedBy(jwt({ access })), new Set(['pulls']));
  assert.deepEqual(grantedBy(jwt({ access: [] })), new Set());
  for (const unreadable of ['opaque', 'a.b.c', jwt({}), jwt({ access: 'all' }), jwt(null)])
    assert.equal(grantedBy(unreadable), undefined, unreadable);
});
