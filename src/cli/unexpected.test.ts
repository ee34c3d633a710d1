// What nobody foresaw is one line and exit code 2, never the 1 that means findings (P13).
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { makeRepository, runTagproof } from '../../test/run-cli.ts';
import { explainUnexpected } from './shared/unexpected.ts';

const POLICY = { 'tagproof.yaml': 'rules: [{name: r, images: ["**"], digest: required}]\n' };
const ONE_LINE = /^error: [^\n]+\n$/;

for (const [name, args, env] of [
  ['ledger import of a file that does not exist', ['ledger', 'import', 'nosuch.jsonl'], {}],
  ['a demo without a folder for temporary files', ['demo'], { TMPDIR: '/nonexistent' }],
  ['an unknown command', ['nosuch'], {}],
] as const)
  test(`${name}: one line, exit code 2`, { timeout: 60_000 }, async () => {
    const { code, stderr } = await runTagproof(makeRepository(POLICY), args, { env });
    assert.equal(code, 2, stderr);
    assert.match(stderr, ONE_LINE);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

test('a port in use: one line, exit code 2', { timeout: 60_000 }, async () => {
  const other = createServer();
  const port = await new Promise<number>((done) =>
    other.listen(0, () => done((other.address() as { port: number }).port)),
  );
  const args = ['serve', 'admission', '--standalone', '--port', String(port)];
  const { code, stderr } = await runTagproof(makeRepository(POLICY), args);
  other.close();
  assert.equal(code, 2, stderr);
  assert.match(stderr, /EADDRINUSE|in use/);
  assert.doesNotMatch(stderr, /^\s+at /m);
});

test('TAGPROOF_DEBUG=1 shows the stack', async () => {
  const { code, stderr } = await runTagproof(makeRepository({}), ['demo'], {
    env: { TMPDIR: '/nonexistent', TAGPROOF_DEBUG: '1' },
  });
  assert.equal(code, 2);
  assert.match(stderr, /^error: Error: ENOENT.*\n\s+at /);
});

test('the line: no control characters, no line breaks, bounded; whatever was thrown', () => {
  assert.match(explainUnexpected(new Error('a\nb\u001b[31m c'), false), /^error: a b c \(TAGPROOF_DEBUG=1/);
  assert.match(explainUnexpected('text', false), /^error: text /);
  assert.match(explainUnexpected(new TypeError(''), false), /^error: TypeError /);
  assert.ok(explainUnexpected(new Error('x'.repeat(9000)), false).length < 600);
});
