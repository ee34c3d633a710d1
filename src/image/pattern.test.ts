import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesPattern } from './pattern.ts';

/** T25, T26: anchored at both ends, `*` within a segment, `**` over segments. */
const cases: [pattern: string, name: string, matches: boolean][] = [
  ['ghcr.io/org/*', 'ghcr.io/org/a', true],
  ['ghcr.io/org/*', 'ghcr.io/org/a/b', false],
  ['ghcr.io/org/*', 'ghcr.io/org', false],
  ['ghcr.io/org/**', 'ghcr.io/org/a/b', true],
  ['ghcr.io/org/**', 'ghcr.io/org', true],
  ['ghcr.io/org*', 'ghcr.io/org-evil/x', false],
  ['ghcr.io/org/**', 'ghcr.io.evil.com/org/x', false],
  ['ghcr.io/org/**', 'xghcr.io/org/a', false],
  ['*.example.com/**', 'attacker.com/x.example.com/org/evil', false],
  ['*.example.com/**', 'a.b.example.com/x', true],
  ['**/nginx', 'docker.io/library/nginx', true],
  ['**/nginx', 'docker.io/library/nginx/x', false],
  ['**', 'docker.io/library/nginx', true],
  ['*', 'docker.io/library/nginx', false],
  ['a/**/z', 'a/z', true],
  ['a/**/z', 'a/b/c/z', true],
  ['a/**/m/**/z', 'a/m/m/z', true],
  ['a**b/c', 'axxb/c', true],
  ['a**b/c', 'ax/xb/c', false],
  ['docker.io/library/nginx', 'docker.io/library/nginx', true],
  ['docker.io/library/ngin', 'docker.io/library/nginx', false],
  ['docker.io/library/nginx', 'docker.io/library/ngin', false],
  ['a.b/c', 'axb/c', false],
  ['a?/c', 'ab/c', false],
  ['[a]/c', 'a/c', false],
  ['a*c*e', 'abcde', true],
  ['a*c*e', 'abcd', false],
  ['', 'a', false],
];
for (const [pattern, name, matches] of cases)
  test(`'${pattern}' ${matches ? 'matches' : 'does not match'} ${name}`, () =>
    assert.equal(matchesPattern(pattern, name), matches));

/** What a pattern means, as a regular expression: slow for some patterns, and plain to read. */
function oracle(pattern: string): RegExp {
  const segments = pattern.split('/').map((segment) =>
    segment === '**'
      ? '**'
      : segment
          .split('*')
          .map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
          .join('[^/]*'),
  );
  // Each segment takes its slash before it; `**` takes any number of segments with theirs.
  return new RegExp(`^${segments.map((segment) => (segment === '**' ? '(?:/[^/]*)*' : `/${segment}`)).join('')}$`);
}

test('property: a pattern means what its regular expression means', () => {
  const segment = fc.oneof(fc.constant('**'), fc.stringMatching(/^[ab.*]{1,4}$/));
  const name = fc.array(fc.stringMatching(/^[ab.]{1,4}$/), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), name, (pattern, parts) => {
      assert.equal(
        matchesPattern(pattern.join('/'), parts.join('/')),
        oracle(pattern.join('/')).test(`/${parts.join('/')}`),
      );
    }),
    { numRuns: 2000 },
  );
});

test('no pattern stalls: the work is bounded by both lengths (T30)', () => {
  let reads = 0;
  const segments = (text: string) => Object.assign(Object.create(null), { split: () => counted(text.split('/')) });
  function counted<T>(list: T[]): T[] {
    return new Proxy(list, {
      get: (target, key, receiver) => (reads++, Reflect.get(target, key, receiver)),
    });
  }
  matchesPattern(segments('**/a/'.repeat(40).concat('b')) as string, segments('a/'.repeat(2000).concat('a')) as string);
  assert.ok(reads < 100 * 2000 * 10, `${reads} reads`);
});
