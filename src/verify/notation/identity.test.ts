import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIdentities } from './identity.ts';

test('identities: parts, escapes, what is too little or overlaps', () => {
  const wrong: [texts: string[], message: RegExp][] = [
    [['x509.subject: C=US, O=x'], /has no ST/],
    [['x509.subject: C=US, ST=WA, O=x, O=y'], /O occurs twice/],
    [['x509.subject: nonsense'], /expected x509.subject/],
    [['x509.subject: C=US, ST=WA, O=x', 'x509.subject: C=US, ST=WA, O=x, OU=y'], /overlap/],
  ];
  for (const [texts, message] of wrong) assert.throws(() => readIdentities(texts), message);
  assert.equal(readIdentities(['x509.subject: C=US, ST=WA, O=x\\, y'])[0]?.get('O'), 'x, y');
});
