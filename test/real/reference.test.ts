// Our reference parser beside distribution/reference, which containerd's CRI and Docker use: the same verdict on every input.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseReference, repositoryOf } from '../../src/image/reference.ts';
import { Problem } from '../../src/problem.ts';
import { suite } from './suite.ts';

/** Pieces from which valid and nearly valid references grow. */
const PIECES = [
  'a',
  'b1',
  'Z',
  '0',
  '.',
  '-',
  '_',
  '__',
  '--',
  '/',
  ':',
  '@',
  '5000',
  'localhost',
  'docker.io',
  'index.docker.io',
  'GHCR.io',
  '[::1]',
  '[',
  ']',
  'library',
  'latest',
  'sha256:',
  'sha512:',
  'md5:',
  'a'.repeat(64),
  'A'.repeat(64),
  'f'.repeat(128),
  'x'.repeat(255),
  't'.repeat(128),
  ' ',
  '\n',
  'é',
  '%',
  'v1.2.3',
  '$',
  '{',
  '\u0000',
  '\\',
  '+',
];

suite('reference parser: distribution/reference as oracle', ['go'], () => {
  test('20,000 generated inputs', () => {
    const grown = fc.array(fc.constantFrom(...PIECES), { minLength: 0, maxLength: 9 }).map((pieces) => pieces.join(''));
    const part = (...texts: string[]) => fc.constantFrom('', ...texts);
    const built = fc
      .tuple(
        part('localhost/', 'x.io/', 'X/', 'a_b.io/', 'h:5000/', '[::1]:1/', 'docker.io/', '-x.io/'),
        part('a', 'a/b', 'a--b/c.d', 'A', 'a__b', 'x'.repeat(255)),
        part(':1', ':v-1.x', ':', ':é'),
        part(`@sha256:${'a'.repeat(64)}`, `@sha384:${'0'.repeat(96)}`, '@', '@sha256:0'),
      )
      .map((parts) => parts.join(''));
    const wild = fc.string({ unit: 'grapheme', maxLength: 40 });
    const inputs = [
      ...new Set(
        fc.sample(
          fc.oneof({ weight: 7, arbitrary: grown }, { weight: 2, arbitrary: built }, { weight: 1, arbitrary: wild }),
          { numRuns: 20_000 },
        ),
      ),
    ].filter((text) => text.isWellFormed());
    const answers = execFileSync('go', ['run', '.'], {
      cwd: resolve('test/real/reference-oracle'),
      input: inputs.map((text) => `${JSON.stringify(text)}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    }).split('\n');
    let accepted = 0;
    for (const [index, text] of inputs.entries()) {
      const ours = parseReference(text);
      const verdict = ours instanceof Problem ? '-' : `${repositoryOf(ours)}|${ours.tag ?? ''}|${ours.digest ?? ''}`;
      if (verdict !== '-') accepted++;
      assert.equal(canonical(verdict), canonical(answers[index] as string), JSON.stringify(text));
    }
    assert.ok(accepted > 500, `only ${accepted} valid inputs: the generator tells little`);
  });
});

/** What we fold together and distribution/reference keeps apart: the case of hosts, port 443, Docker Hub's other names. */
function canonical(answer: string): string {
  if (answer === '-') return answer;
  const slash = answer.indexOf('/');
  const host = answer
    .slice(0, slash)
    .toLowerCase()
    .replace(/:443$/, '')
    .replace(/^(index|registry-1)\.docker\.io$/, 'docker.io');
  const rest = answer.slice(slash + 1);
  return host === 'docker.io' && !(rest.split('|')[0] as string).includes('/')
    ? `${host}/library/${rest}`
    : `${host}/${rest}`;
}
