// The paths for push notifications: their own token, their limits, and what they make due.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApi } from '../../test/api-fixtures.ts';

const TOKEN = 'a token of registries';

async function open() {
  const hinted: string[] = [];
  const hint = (key: string) => hinted.push(key) > 0 && key.endsWith(':1');
  const { app, token } = await openApi([], { hints: { token: TOKEN, hint } });
  const post = (path: string, body: string, authorization?: string) =>
    app.request(`http://localhost${path}`, {
      method: 'POST',
      body,
      headers: authorization === undefined ? {} : { authorization },
    });
  return { post, hinted, token };
}

test('the token of registries opens the hooks and nothing else; the token of people does not open the hooks', async () => {
  const { post, hinted, token } = await open();
  const body = JSON.stringify({ image: 'nginx:1' });
  for (const wrong of [undefined, '', 'Bearer ', 'Bearer wrong', `Bearer ${token}`, `Bearer ${TOKEN}x`])
    assert.equal((await post('/hooks/generic', body, wrong)).status, 401, wrong);
  assert.deepEqual(hinted, []);
  assert.equal((await post('/hooks/generic', body, `Bearer ${TOKEN}`)).status, 202);
  assert.equal((await post('/hooks/generic', body, TOKEN)).status, 202, 'some registries send the bare token');
  const { ask } = await openApi([], { hints: { token: TOKEN, hint: () => true } });
  assert.equal((await ask('/api/v1/deployed', { authorization: `Bearer ${TOKEN}` })).status, 401);
});

test('the answer says how many images were understood and how many are watched; each is hinted once', async () => {
  const { post, hinted } = await open();
  const body = JSON.stringify({ images: ['nginx:1', 'docker.io/library/nginx:1', 'nginx:2', 'no tag', 7] });
  const answer = await post('/hooks/generic', body, `Bearer ${TOKEN}`);
  assert.deepEqual(await answer.json(), { understood: 2, followed: 1 });
  assert.deepEqual(hinted, ['docker.io/library/nginx:1', 'docker.io/library/nginx:2']);
  const named = await post('/hooks/harbor?registry=harbor.test', '{}', `Bearer ${TOKEN}`);
  assert.deepEqual(await named.json(), { understood: 0, followed: 0 });
});

test('an unknown kind, a body that is no JSON or no object, and a huge one are refused', async () => {
  const { post, hinted } = await open();
  const cases: [path: string, body: string, status: number][] = [
    ['/hooks/other', '{}', 404],
    ['/hooks/constructor', '{}', 404],
    ['/hooks/generic', 'no JSON', 400],
    ['/hooks/generic', '"text"', 400],
    ['/hooks/generic', JSON.stringify({ image: 'x'.repeat(1024 * 1024) }), 413],
  ];
  for (const [path, body, status] of cases)
    assert.equal((await post(path, body, `Bearer ${TOKEN}`)).status, status, path + body.slice(0, 20));
  assert.deepEqual(hinted, []);
});

test('without a token of registries there are no hooks', async () => {
  const { app } = await openApi();
  assert.equal((await app.request('http://localhost/hooks/generic', { method: 'POST', body: '{}' })).status, 404);
});
