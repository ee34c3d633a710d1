// What a bad status means, and that a registry's own message can do no harm on a terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { referenceOf } from '../../test/registry-fixture.ts';
import { Problem } from '../problem.ts';
import { connectionError, isTransient } from './connection-error.ts';
import type { Endpoint } from './endpoint.ts';
import { digestMismatch, header, registryError, registryWords } from './registry-error.ts';

const ENDPOINT: Endpoint = {
  base: 'https://mirror.io/v2/',
  registry: 'r.io',
  mirror: true,
  skipVerify: false,
  headers: {},
};
const answer = (status: number, body = '', headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: Buffer.from(body),
});

test('each status has a code, names the host that answered, and says what to do', () => {
  const cases: [status: number, code: string, message: RegExp][] = [
    [401, 'denied', /^mirror\.io gives no access \(401\).*docker login r\.io/],
    [403, 'denied', /forbids access/],
    [404, 'not-found', /has no r\.io\/a with tag 1 \(404\)/],
    [429, 'rate-limited', /asks to slow down/],
    [500, 'unreachable', /answered 500/],
    [599, 'unreachable', /answered 599/],
    [418, 'protocol', /answered 418/],
    [304, 'protocol', /answered 304/],
  ];
  for (const [status, code, message] of cases) {
    const problem = registryError(ENDPOINT, referenceOf('r.io/a:1'), answer(status));
    assert.equal(problem.code, code, String(status));
    assert.match(problem.message, message);
  }
  const digest = `sha256:${'a'.repeat(64)}`;
  assert.match(registryError(ENDPOINT, referenceOf(`r.io/a:1@${digest}`), answer(404)).message, new RegExp(digest));
  assert.match(registryError(ENDPOINT, referenceOf('r.io/a'), answer(404)).message, /with tag latest/);
  const later = registryError(ENDPOINT, referenceOf('r.io/a'), answer(429, '', { 'retry-after': '3600' }));
  assert.match(later.message, /try again after 3600/);
});

test('the registry’s message: one line of printable characters, bounded', () => {
  const words = (body: unknown) => registryWords(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  assert.equal(words({ errors: [{ code: 'A', message: 'b' }, { message: 'c' }] }), 'b');
  assert.equal(words({ errors: [{ code: 'A' }] }), 'A');
  assert.equal(words({ errors: [{ message: 'a\u001b[31m\r\nb\u202e' }] }), 'a [31m b ');
  assert.equal(words({ errors: [{ message: 'x'.repeat(1000) }] })?.length, 200);
  for (const nothing of ['<html>', '', 'null', {}, { errors: [] }, { errors: [{ message: 7 }] }, { errors: [null] }])
    assert.equal(words(nothing), undefined, JSON.stringify(nothing));
});

test('other bytes: who sent them, and which digests', () => {
  assert.match(
    digestMismatch(ENDPOINT, 'sha256:a', 'sha256:b').message,
    /mirror\.io sent bytes with digest sha256:b, expected sha256:a/,
  );
});

test('a header that came several times: the first', () => {
  const twice = { ...answer(200), headers: { link: ['a', 'b'] } };
  assert.deepEqual(
    [header(twice, 'link'), header(twice, 'etag'), header(answer(200, '', { etag: 'e' }), 'etag')],
    ['a', undefined, 'e'],
  );
});

test('failures of the connection: which may pass, and a remedy for those that may not', () => {
  const failure = (code: string) => Object.assign(new Error(`raw ${code}`), { code });
  for (const code of ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'UND_ERR_SOCKET'])
    assert.ok(isTransient(failure(code)), code);
  for (const code of ['ENOTFOUND', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'DEPTH_ZERO_SELF_SIGNED_CERT'])
    assert.ok(!isTransient(failure(code)), code);
  assert.ok(!isTransient(new Error('no code')));
  const cases: [error: unknown, message: RegExp][] = [
    [failure('ENOTFOUND'), /^cannot reach r\.io: there is no such host$/],
    [failure('ECONNREFUSED'), /nothing listens there/],
    [failure('DEPTH_ZERO_SELF_SIGNED_CERT'), /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): give its CA/],
    [failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /give its CA/],
    [failure('CERT_HAS_EXPIRED'), /not trusted \(CERT_HAS_EXPIRED\)/],
    [failure('ERR_SSL_WRONG_VERSION_NUMBER'), /set plainHttp/],
    [failure('EOTHER'), /raw EOTHER/],
    [{}, /unknown failure/],
    [Object.assign(new Error('x'), { name: 'TimeoutError' }), /within the deadline/],
  ];
  for (const [error, message] of cases) {
    const problem = connectionError(error, 'https://r.io/v2/');
    assert.equal(problem.code, 'unreachable');
    assert.match(problem.message, message);
  }
  const refused = new Problem('refused', 'a private address');
  assert.equal(connectionError(refused, 'https://r.io/'), refused);
  assert.equal(connectionError(new Error('connect', { cause: refused }), 'https://r.io/'), refused);
});
