import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type * as der from '../../../test/signing/der.ts';
import { leafOf } from '../../../test/signing/notation.ts';
import { isTrusted, readIdentities } from './identity.ts';

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

test('a certificate matches an identity of which it has every part, once', () => {
  const matches = (subject: der.Name, ...identities: string[]) =>
    isTrusted(new X509Certificate(leafOf({ subject })), readIdentities(identities));
  const full = 'x509.subject: C=US, ST=WA, O=tagproof';
  const who = { C: 'US', ST: 'WA', O: 'tagproof', CN: 'release' };
  assert.ok(matches(who, full));
  assert.ok(matches(who, '*'));
  assert.ok(matches(who, 'x509.subject: C=DE, ST=BE, O=other', full));
  assert.ok(matches(who, 'x509.subject: c=US, S=WA, o=tagproof'), 'short names in any case; S is ST');
  assert.ok(!matches({ ...who, O: 'Tagproof' }, full));
  assert.ok(!matches({ C: 'US', O: 'tagproof' }, full));
  assert.ok(!matches(who, `${full}, CN=other`));
  const parts = Object.entries(who);
  assert.ok(!matches([['O', 'evil'], ...parts], full), 'a second value of a part that the identity names');
  assert.ok(!matches([...parts, ['O', 'evil']], full), 'in either order');
  assert.ok(matches([...parts, ['CN', 'other']], full), 'a part that the identity does not name');
});
