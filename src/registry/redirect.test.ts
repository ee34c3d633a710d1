// T46, T48: where a redirect may lead and what goes along.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from './exchange.ts';
import { followRedirect } from './redirect.ts';

const HEADERS = { accept: 'a/b', authorization: 'Basic secret', 'x-secret': 's' };
const call = (url: string, method: Call['method'] = 'GET'): Call => ({ method, url, headers: HEADERS, limit: 10 });
const answer = (location: string | string[] | undefined, status = 307) => ({
  status,
  headers: { location },
  body: Buffer.alloc(0),
});
const hop = (from: string, location: string, status = 307) => followRedirect(call(from), answer(location, status));

test('redirects are followed for GET and HEAD, by each status, and relative ones too', () => {
  for (const status of [301, 302, 303, 307, 308])
    assert.equal(hop('https://r.io/v2/a', '/v2/b', status)?.call.url, 'https://r.io/v2/b', String(status));
  for (const status of [200, 300, 304, 400])
    assert.equal(hop('https://r.io/a', '/b', status), undefined, String(status));
  for (const method of ['POST', 'PUT'] as const)
    assert.equal(followRedirect(call('https://r.io/a', method), answer('https://cdn.io/')), undefined, method);
  assert.equal(followRedirect(call('https://r.io/a', 'HEAD'), answer('/b'))?.call.method, 'HEAD');
  for (const location of [undefined, ['/a', '/b']])
    assert.equal(followRedirect(call('https://r.io/a'), answer(location)), undefined);
});

test('TLS is never given up, and only HTTP is spoken', () => {
  const cases: [from: string, to: string, allowed: boolean][] = [
    ['https://r.io/', 'https://cdn.io/x', true],
    ['http://localhost:5000/', 'http://localhost:5001/', true],
    ['http://localhost:5000/', 'https://cdn.io/', true],
    ['https://r.io/', 'http://r.io/', false],
    ['https://r.io/', 'http://cdn.io/', false],
    ['https://r.io/', 'file:///etc/passwd', false],
    ['http://r.io/', 'ftp://r.io/', false],
    ['http://r.io/', 'data:text/plain,x', false],
  ];
  for (const [from, to, allowed] of cases)
    if (allowed) assert.equal(hop(from, to)?.call.url, to);
    else assert.throws(() => hop(from, to), { code: 'refused' }, `${from} → ${to}`);
  assert.throws(() => hop('https://r.io/', 'https://'), { code: 'protocol' });
});

test('another origin gets no header but accept; another port or scheme is another origin', () => {
  const cases: [from: string, to: string, same: boolean][] = [
    ['https://r.io/a', 'https://r.io/b', true],
    ['https://r.io/a', 'https://r.io:443/b', true],
    ['https://r.io/a', 'https://r.io:8443/b', false],
    ['https://r.io/a', 'https://cdn.r.io/b', false],
    ['https://r.io/a', 'https://r.io.evil.com/b', false],
    ['http://r.io/a', 'https://r.io/b', false],
  ];
  for (const [from, to, same] of cases) {
    const next = hop(from, to);
    assert.equal(next?.sameOrigin, same, `${from} → ${to}`);
    assert.deepEqual(next?.call.headers, same ? HEADERS : { accept: 'a/b' }, `${from} → ${to}`);
  }
  const bare = followRedirect(
    { ...call('https://r.io/a'), headers: { authorization: 'x' } },
    answer('https://cdn.io/'),
  );
  assert.deepEqual(bare?.call.headers, {});
});
