// Challenges as registries write them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Challenge, parseChallenges } from './challenge.ts';

const bearer = (realm: string, service?: string): Challenge => ({ scheme: 'bearer', realm, service });

test('one challenge, several, in any case, quoted or bare', () => {
  const cases: [header: string, challenges: Challenge[]][] = [
    ['Bearer realm="https://a/t",service="s, x",scope="repository:a:pull"', [bearer('https://a/t', 's, x')]],
    ['Basic realm="a", Bearer realm="https://b"', [{ scheme: 'basic' }, bearer('https://b')]],
    ['Bearer realm="https://b",Basic realm="a"', [bearer('https://b'), { scheme: 'basic' }]],
    ['BEARER realm=https://b', [bearer('https://b')]],
    ['Bearer REALM = "https://b"', [bearer('https://b')]],
    ['Bearer realm="a\\"b"', [bearer('a"b')]],
    ['basic', [{ scheme: 'basic' }]],
    ['Bearer service="s"', []],
    ['Negotiate', []],
    ['Digest realm="x", Basic realm="y"', [{ scheme: 'basic' }]],
    ['', []],
  ];
  for (const [header, challenges] of cases) assert.deepEqual(parseChallenges(header), challenges, header);
});

test('property: whatever a header says, reading ends, and a Bearer challenge has a realm', () => {
  const part = fc.constantFrom('Bearer ', 'Basic ', 'realm=', '"', '\\', ',', ' ', 'https://x', 'service="s"', '\n');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      for (const challenge of parseChallenges(parts.join('')))
        if (challenge.scheme === 'bearer') assert.equal(typeof challenge.realm, 'string');
    }),
  );
});

test('a header of a megabyte is read in an instant: only its beginning counts', () => {
  const text = `${'Basic realm="x", '.repeat(60_000)}Bearer realm="https://late"`;
  assert.ok(parseChallenges(text).every(({ scheme }) => scheme === 'basic'));
});
