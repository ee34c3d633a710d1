// The bytes under a DSSE signature, and statements about digests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preAuthentication, readStatement, SIGN_PREDICATE, statementOf } from './statement.ts';

const D = `sha256:${'d'.repeat(64)}`;
const E = `sha256:${'e'.repeat(64)}`;

test('the example of the DSSE specification', () => {
  // secure-systems-lab/dsse, protocol.md
  const bytes = preAuthentication('http://example.com/HelloWorld', Buffer.from('hello world'));
  assert.equal(bytes.toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

test('lengths count bytes, so no text can be moved between type and payload', () => {
  assert.equal(preAuthentication('é', Buffer.from('€')).toString(), 'DSSEv1 2 é 3 €');
  assert.notDeepEqual(preAuthentication('a', Buffer.from('1 b')), preAuthentication('a 1', Buffer.from('b')));
});

test('what is written is read back: type, content, digest, annotations', () => {
  const payload = statementOf(D, SIGN_PREDICATE, { a: 1 }, { build: '42' });
  assert.deepEqual(readStatement(payload, D), {
    predicateType: SIGN_PREDICATE,
    predicate: { a: 1 },
    digests: [D],
    annotations: { build: '42' },
  });
  assert.deepEqual((readStatement(payload, E) as { annotations: object }).annotations, {}, 'of another digest: none');
  assert.ok(!statementOf(D, SIGN_PREDICATE, {}).toString().includes('annotations'));
});

const malformed: [name: string, text: string][] = [
  ['no JSON', 'x'],
  ['another type', JSON.stringify({ _type: 'x', predicateType: 'p', subject: [] })],
  ['no subjects', JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', predicateType: 'p' })],
  [
    'a thousand and one subjects',
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'p',
      subject: Array.from({ length: 1001 }, () => ({ digest: {} })),
    }),
  ],
];
for (const [name, text] of malformed)
  test(`${name} is malformed`, () => {
    assert.ok('malformed' in readStatement(Buffer.from(text), D));
  });
