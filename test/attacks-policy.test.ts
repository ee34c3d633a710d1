// The attack list, T22-T30: failures, emptiness, patterns and exemptions, on the whole path from a reference to a decision.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reference } from '../src/flow.ts';
import { parseReference } from '../src/image/reference.ts';
import { parseConfig } from '../src/policy/config-file.ts';
import { isUnchecked } from '../src/policy/decision.ts';
import { Problem } from '../src/problem.ts';
import { attacker, decideOn, image, mine, policy, policyContext, signImage, theirs, words } from './attack-fixture.ts';
import { keyAuthorityYaml } from './signing/authority.ts';

test('T22: whatever fails on the way is unchecked, never "not signed" and never "allowed"', async () => {
  const { reference, digest } = await image();
  await signImage(digest);
  for (const status of [401, 403, 429, 500, 502, 503]) {
    for (const part of ['/referrers/', '.sig', '/blobs/']) {
      attacker.intercept = (request, response) => {
        if (!request.url?.includes(part)) return false;
        response.writeHead(status, { 'retry-after': '100' }).end();
        return true;
      };
      const decision = await decideOn(reference, await policyContext());
      if (part === '.sig') assert.equal(decision.outcome, 'deny', `${status} ${part}`); // half of the signatures are not all of them
      assert.ok(decision.outcome === 'deny' && isUnchecked(decision), `${status} ${part}: ${words(decision)}`);
    }
  }
  attacker.intercept = () => false;
});

test('T23: no rule, no demand, no authority: emptiness never passes', async () => {
  const { reference } = await image();
  const other = await decideOn(reference, await policyContext(policy('  - {name: r, images: ["ghcr.io/**"]}\n')));
  assert.match(words(other), /no rule applies to this image/);
  for (const demand of ['{all: []}', '{any: []}', '{threshold: 0, of: [release]}'])
    assert.throws(
      () => parseConfig(policy(`  - {name: r, images: ["**"], signatures: ${demand}}\n`), 'c'),
      Problem,
      demand,
    );
});

test('T24: an image must meet both of two rules, in whatever order; two of one name are refused', async () => {
  const { reference, digest } = await image();
  await signImage(digest);
  const loose = '  - {name: loose, images: ["**"], digest: off}\n';
  const strict = '  - {name: strict, images: ["**"], digest: off, signatures: {all: [other]}}\n';
  const both = keyAuthorityYaml('release', mine.publicKey) + keyAuthorityYaml('other', theirs.publicKey);
  for (const rules of [loose + strict, strict + loose])
    assert.equal((await decideOn(reference, await policyContext(policy(rules, both)))).outcome, 'deny');
  assert.throws(() => parseConfig(policy(loose + loose), 'c'), /two rules are called 'loose'/);
});

const patterns: [number: string, pattern: string, image: string, matches: boolean][] = [
  ['T25: a host in the path', '*.trusted.example.com/org/*', 'attacker.com/x.trusted.example.com/org/evil', false],
  ['T25: the host itself', '*.trusted.example.com/org/*', 'a.trusted.example.com/org/good', true],
  ['T26: a prefix', 'ghcr.io/org/*', 'ghcr.io/org-evil/x', false],
  ['T26: a longer host', 'ghcr.io/org/*', 'ghcr.io.evil.com/org/x', false],
  ['T26: no label boundary', '*.example.com/x', 'evilexample.com/x', false],
];
for (const [name, pattern, text, matches] of patterns) {
  test(`${name}: ${pattern} and ${text}`, async () => {
    const given = await policyContext(policy(`  - {name: r, images: ["${pattern}"], digest: required}\n`));
    const decision = await decideOn(parseReference(`${text}@sha256:${'a'.repeat(64)}`) as Reference, given);
    assert.equal(decision.outcome, matches ? 'allow' : 'deny');
  });
}

test('T27: an exemption without a literal host is refused', () => {
  for (const pattern of ['*/istio/proxyv2*', 'istio/proxyv2', '*/**', 'gh*.io/org/*'])
    assert.throws(
      () => parseConfig(policy(`  - {name: r, images: ["${pattern}"], digest: off}\n`), 'c'),
      /literal host/,
      pattern,
    );
});

test('T28, T29: a pattern that is a regular expression, or names no owner, fails when the policy is read', () => {
  for (const pattern of [
    'https://github.com/org/repo.*',
    '^https://github.com/org/',
    'https://github.com/*',
    '*',
    'https://*/org/repo',
  ])
    assert.throws(
      () => parseConfig(`authorities:\n  a: {identities: [{issuer: x, subjectPattern: "${pattern}"}]}\n`, 'c'),
      Problem,
      pattern,
    );
});

test('T30: no pattern stalls', async () => {
  const given = await policyContext(
    policy(`  - {name: r, images: ["ghcr.io/${'*a'.repeat(60)}b/**/x"], digest: required}\n`),
  );
  // Time of the processor, which does not depend on what else the machine does.
  const before = process.cpuUsage();
  await decideOn(parseReference(`ghcr.io/${'a'.repeat(120)}@sha256:${'a'.repeat(64)}`) as Reference, given);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 1_000_000);
});
