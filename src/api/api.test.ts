// Access to the API: tokens, cookies, hosts, headers, errors. The API has no socket here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApi } from '../../test/api-fixtures.ts';
import { deployedRow } from '../../test/deployed.ts';
import { A, until } from '../../test/watcher-fixtures.ts';

const rows = [deployedRow('web', A)];

test('nothing is read without the token', async () => {
  const { ask, token } = await openApi(rows);
  const paths = ['/api/v1/deployed', '/api/v1/alarms', '/api/v1/changes', '/v2/nginx/_oci/tag-history/1', '/api/none'];
  const wrong: Record<string, string>[] = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: `Basic ${token}` },
    { authorization: token },
    { authorization: `Bearer ${token}x` },
    { authorization: `Bearer ${token.slice(0, -1)}` },
    { cookie: 'tagproof=wrong' },
    { cookie: `other=${token}` },
  ];
  for (const path of paths)
    for (const headers of wrong)
      assert.equal((await ask(path, headers)).status, 401, `${path} ${JSON.stringify(headers)}`);
  assert.equal((await ask(`/api/v1/deployed?token=${token}`, {})).status, 401, 'an address is no place for a token');
  assert.equal((await ask('/api/v1/deployed')).status, 200);
});

test('the printed address gives a cookie that no script and no other site can use, and leaves the address', async () => {
  const { ask, token } = await openApi(rows);
  const first = await ask(`/?token=${token}`, {});
  assert.deepEqual([first.status, first.headers.get('location')], [303, '/']);
  assert.match(first.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Strict/i);
  assert.equal((await ask('/api/v1/deployed', { cookie: `tagproof=${token}` })).status, 200);
  const wrong = await ask('/?token=wrong', {});
  assert.deepEqual([wrong.status, wrong.headers.get('set-cookie')], [401, null]);
});

test('a token without the right to read is refused, and told which right it lacks', async () => {
  const { ask } = await openApi(rows, { guard: async () => 'forbidden' });
  const answer = await ask('/api/v1/deployed');
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /records\.tagproof\.dev/);
  assert.equal((await ask('/?token=x', {})).status, 401, 'nor does it get a cookie');
});

test('on loopback only requests that name this host are answered: a foreign page cannot use a name of its own', async () => {
  const { app, token } = await openApi(rows, { hosts: ['localhost', '127.0.0.1', '[::1]'] });
  const as = async (host: string, path = '/api/v1/deployed') =>
    (await app.request(`http://x${path}`, { headers: { host, authorization: `Bearer ${token}` } })).status;
  for (const host of ['localhost:8080', 'localhost', '127.0.0.1:1', '[::1]:8080'])
    assert.equal(await as(host), 200, host);
  for (const host of ['evil.test', 'localhost.evil.test', 'evil.test:8080', '', 'evil-localhost'])
    assert.equal(await as(host), 421, host);
  assert.equal(await as('evil.test', '/healthz'), 421);
  assert.equal(await as('evil.test', `/?token=${token}`), 421);
});

test('every answer says: not cached, not sniffed, not framed, no scripts from elsewhere, no referrer', async () => {
  const { ask } = await openApi();
  for (const path of ['/healthz', '/api/v1/deployed', '/none']) {
    const { headers } = await ask(path);
    assert.equal(headers.get('cache-control'), 'no-store', path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
    const policy = headers.get('content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"])
      assert.ok(policy.includes(part), `${path} ${part}`);
    assert.doesNotMatch(policy, /unsafe/);
  }
});

test('health, readiness and metrics need no token, and hold no names', async () => {
  const { ask } = await openApi();
  const texts = await Promise.all(
    ['/healthz', '/readyz', '/metrics'].map(async (path) => (await ask(path, {})).text()),
  );
  assert.deepEqual(texts, ['ok', 'ok', 'tagproof_tags_followed 1\n']);
});

test('what is wrong with a request is said; what is wrong inside is not', async () => {
  const { ledger, ask } = await openApi();
  const wrong = [
    '/api/v1/where/latest',
    '/api/v1/at?time=yesterday',
    '/api/v1/at',
    '/api/v1/tags?image=a b',
    '/api/v1/tags',
    `/api/v1/diff?from=${A}`,
    '/api/v1/deployed?filter=nonsense',
    '/api/v1/deployed?filter=constructor',
  ];
  for (const path of wrong) {
    const answer = await ask(path);
    assert.equal(answer.status, 400, path);
    assert.ok(((await answer.json()) as { error: string }).error.length > 0);
  }
  assert.equal((await ask('/api/v1/nothing')).status, 404);
  await ledger.close();
  const broken = await ask(`/api/v1/where/${A}`);
  assert.equal(broken.status, 500);
  assert.doesNotMatch(await broken.text(), /sqlite|database|driver/i);
});

test('a listener hears of changes, and is forgotten when it goes', async () => {
  const { ask, change, listeners } = await openApi();
  const answer = await ask('/api/v1/changes');
  assert.match(answer.headers.get('content-type') ?? '', /text\/event-stream/);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  await until('it listens', () => listeners.size === 1);
  change();
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), /event: changed/);
  await reader.cancel();
  change();
  await until('it is forgotten', () => listeners.size === 0);
});
