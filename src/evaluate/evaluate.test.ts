// One image against the policy, over real HTTP: which requests go out, and what the evidence is about.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { attestationOf, DOWN, decisionOf, evidenceOf, referenceOf, ruleOf, VERIFIED } from '../../test/policy.ts';
import { keyAuthorityYaml } from '../../test/signing/authority.ts';
import { SigstoreStack } from '../../test/signing/sigstore-stack.ts';
import type { Evidence, Reference, Scope } from '../flow.ts';
import { printReference, tagKey, withDigest } from '../image/reference.ts';
import { parseConfig } from '../policy/config-file.ts';
import { Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { signSample } from '../sign/sample.ts';
import { VerdictCache } from '../verify/cache.ts';
import { parseTrustRoot, type TrustRoot } from '../verify/trust/root.ts';
import { evaluateImage, loadPolicyContext, lockEvidence, resolveAllowed, scopeOf } from './evaluate.ts';

const release = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const AUTHORITIES = keyAuthorityYaml('release', release.publicKey) + keyAuthorityYaml('other', other.publicKey);
let broken = '';
const registry = new EmbeddedRegistry({
  intercept: (request, response) => {
    if (broken === '' || !request.url?.includes(broken)) return false;
    response.writeHead(500).end();
    return true;
  },
});
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, deadlineMs: 2000 });
let host = '';
let single: { reference: Reference; digest: string };
let index: { reference: Reference; digest: string };
before(async () => {
  host = await registry.listen();
  single = await push('single', ['linux/amd64']);
  index = await push('index', ['linux/amd64', 'linux/arm64']);
  await signSample(host, 'single', single.digest, release.privateKey);
});
beforeEach(() => {
  broken = '';
  registry.log.length = 0;
});
after(async () => {
  await client.close();
  await registry.close();
});

async function push(repository: string, platforms: string[]) {
  const digest = await pushSample(host, { repository, tag: 'v1', platforms, content: repository });
  return { reference: referenceOf(`${host}/${repository}:v1`), digest };
}

const contextOf = (rules: string, lock = new Map()) =>
  loadPolicyContext(parseConfig(`authorities:\n${AUTHORITIES}rules:\n${rules}`, 'c'), lock);

async function evaluate(
  rules: string,
  { reference, digest } = single,
  more: { scope?: Scope; lock?: Map<string, never> } = {},
) {
  const policyContext = await contextOf(rules, more.lock);
  const resolved = { reference, digest, from: 'registry' as const, at: '' };
  return evaluateImage({ client, reference, resolved, policyContext, ...more });
}
const requestsFor = (text: string) => registry.log.filter((line) => line.includes(text));

test('no rule demands anything of the digest: no request', async () => {
  const { decision, evidence } = await evaluate('  - {name: r, images: ["**"], digest: off}\n');
  assert.equal(decision.outcome, 'allow');
  assert.deepEqual(registry.log, []);
  assert.deepEqual([...(evidence as Evidence).verdicts], []);
});

test('a rule for another image, tag, namespace or kind demands nothing of this one', async () => {
  const all = '  - {name: all, images: ["**"], digest: off}\n';
  for (const limit of [
    'images: ["ghcr.io/**"]',
    'images: ["**"], tags: [x]',
    'images: ["**"], namespaces: [x]',
    'images: ["**"], kinds: [X]',
  ])
    await evaluate(`${all}  - {name: s, ${limit}, signatures: {all: [release]}}\n`, single, {
      scope: { namespace: 'n', kind: 'Pod' },
    });
  assert.deepEqual(registry.log, []);
});

test('only the authorities that a rule names have a verdict, each its own', async () => {
  const { evidence } = await evaluate('  - {name: r, images: ["**"], digest: off, signatures: {all: [release]}}\n');
  assert.deepEqual(
    [...(evidence as Evidence).verdicts].map(([name, { kind }]) => `${name} ${kind}`),
    ['release verified'],
  );
  const both = await evaluate('  - {name: r, images: ["**"], digest: off, signatures: {any: [release, other]}}\n');
  assert.deepEqual([...(both.evidence as Evidence).verdicts].map(([name, { kind }]) => `${name} ${kind}`).sort(), [
    'other others',
    'release verified',
  ]);
});

test('an image that was not resolved has no evidence, and no request goes out', async () => {
  const policyContext = await contextOf(
    '  - {name: r, images: ["**"], digest: resolve, signatures: {all: [release]}}\n',
  );
  const { evidence, decision } = await evaluateImage({
    client,
    reference: single.reference,
    resolved: DOWN,
    policyContext,
  });
  assert.equal(evidence, undefined);
  assert.equal(decision.outcome, 'deny');
  assert.deepEqual(registry.log, []);
});

test('the manifests of an index: each has verdicts; they are read only where a rule demands it', async () => {
  const rule = (signed: string) =>
    `  - {name: r, images: ["**"], digest: off, signatures: {all: [release]}, signed: ${signed}}\n`;
  assert.equal((await evaluate(rule('digest'), index)).evidence?.children, undefined);
  const { evidence } = await evaluate(rule('platforms'), index);
  const children = evidence?.children as Exclude<Evidence['children'], Problem | undefined>;
  assert.deepEqual(
    children.map(({ platform }) => platform),
    ['linux/amd64', 'linux/arm64'],
  );
  assert.ok(
    children.every(({ verdicts, digest }) => verdicts.get('release')?.kind === 'unsigned' && digest !== index.digest),
  );
  assert.deepEqual((await evaluate(rule('platforms'))).evidence?.children, [], 'one manifest has no children');
});

test('platforms are read where a rule demands one; an index that cannot be read is a problem, not "none"', async () => {
  const rule = '  - {name: r, images: ["**"], digest: off, platforms: [linux/arm64]}\n';
  assert.deepEqual((await evaluate(rule, index)).evidence?.platforms, ['linux/amd64', 'linux/arm64']);
  broken = '/manifests/';
  const { evidence, decision } = await evaluate(
    `${rule}  - {name: s, images: ["**"], digest: off, signatures: {all: [release]}, signed: both}\n`,
    index,
  );
  assert.ok(evidence?.platforms instanceof Problem);
  assert.ok(evidence?.children instanceof Problem);
  assert.ok(decision.results.every(({ unchecked }) => unchecked));
});

test('tagAgrees: the tag alone is resolved, by the given function, and its failure is a value', async () => {
  const rule = '  - {name: r, images: ["**"], digest: off, tagAgrees: true}\n';
  const policyContext = await contextOf(rule);
  const reference = withDigest(single.reference, single.digest);
  const resolved = { reference, digest: single.digest, from: 'lock' as const, at: '' };
  const input = { client, reference, resolved, policyContext };
  assert.equal((await evaluateImage(input)).evidence?.tagNow, single.digest);
  const seen: string[] = [];
  const tagOf = async (tagged: Reference) => {
    seen.push(printReference(tagged));
    throw new Error('no route');
  };
  const { evidence, decision } = await evaluateImage({ ...input, tagOf });
  assert.deepEqual(seen, [printReference(single.reference)]);
  assert.ok(evidence?.tagNow instanceof Problem);
  assert.match(decision.results[0]?.reason ?? '', /could not be checked: no route/);
  assert.ok((await evaluateImage({ ...input, tagOf: async () => DOWN })).evidence?.tagNow === DOWN);
  assert.equal((await evaluate(rule)).evidence?.tagNow, undefined, 'a tag without digest has nothing to agree with');
});

test('first seen comes from the entry of the lock for this tag with this very digest', async () => {
  const rule = '  - {name: r, images: ["**"], digest: off, minimumAgeDays: 1}\n';
  const lock = (digest: string) =>
    new Map([[tagKey(single.reference), { digest, firstSeen: '2026-01-01T00:00:00Z', source: 'registry' }]]) as never;
  assert.equal((await evaluate(rule, single, { lock: lock(single.digest) })).decision.outcome, 'allow');
  assert.equal((await evaluate(rule, single, { lock: lock(index.digest) })).decision.outcome, 'deny');
  assert.equal((await evaluate(rule)).decision.outcome, 'deny');
});

test('verdicts are kept for a digest and its authorities: another digest or set of authorities is verified itself', async () => {
  const policyContext = await contextOf(
    '  - {name: a, images: ["**/single"], digest: off, kinds: [Pod], signatures: {all: [release]}}\n  - {name: b, images: ["**"], digest: off, kinds: [Job], signatures: {all: [other]}}\n'.replace(
      '**/single',
      `${host}/single`,
    ),
  );
  const at = (digest: string, kind: string) => {
    const resolved = { reference: single.reference, digest, from: 'registry' as const, at: '' };
    return evaluateImage({ client, reference: single.reference, resolved, policyContext, scope: { kind } });
  };
  assert.equal((await at(single.digest, 'Pod')).decision.outcome, 'allow');
  const count = registry.log.length;
  assert.equal((await at(single.digest, 'Pod')).decision.outcome, 'allow');
  assert.equal(registry.log.length, count, 'the second time needs no request');
  assert.equal((await at(single.digest, 'Job')).decision.outcome, 'deny');
  assert.equal((await at(index.digest, 'Pod')).decision.outcome, 'deny');
});

test('verdicts are kept for what an authority is and trusts: another key, trust root or demand is verified itself', async () => {
  const cache = new VerdictCache();
  const ask = async (authority: string, demand = 'signatures: {all: [release]}', trust?: TrustRoot) => {
    const config = parseConfig(
      `authorities:\n${authority}rules: [{name: r, images: ["**"], digest: off, ${demand}}]\n`,
      'c',
    );
    registry.log.length = 0;
    const loaded = await loadPolicyContext(config, new Map(), { cache });
    const signers = loaded.signers.map((signer) => ({ ...signer, ...(trust !== undefined && { trust }) }));
    const policyContext = { ...loaded, signers };
    const resolved = { ...single, from: 'registry' as const, at: '' };
    const { decision } = await evaluateImage({ client, reference: single.reference, resolved, policyContext });
    return `${decision.outcome}${registry.log.length > 0 ? ', verified' : ''}`;
  };
  const key = keyAuthorityYaml('release', release.publicKey);
  assert.equal(await ask(key), 'allow, verified');
  assert.equal(await ask(key), 'allow', 'from the cache');
  assert.equal(await ask(key, 'attestations: [{type: slsaprovenance, by: {all: [release]}}]'), 'deny, verified');
  assert.equal(await ask(keyAuthorityYaml('release', other.publicKey)), 'deny, verified', 'another key of that name');
  const trust = parseTrustRoot(new SigstoreStack().trustedRoot(), 'renewed');
  assert.equal(await ask(key, undefined, trust), 'allow, verified', 'the same authority with a renewed trust root');
});

test('a forbidden registry gets no request, others are resolved (T46)', async () => {
  const policyContext = await contextOf(
    '  - {name: hosts, images: ["**"], digest: resolve, registries: [ghcr.io], kinds: [Pod]}\n',
  );
  const items = [{ reference: single.reference, scope: { kind: 'Pod' } }];
  const forbidden = (await resolveAllowed(client, items, policyContext)).get(printReference(single.reference));
  assert.ok(forbidden instanceof Problem && forbidden.code === 'refused');
  assert.match(forbidden.message, /no request was sent to/);
  assert.deepEqual(registry.log, []);
  const allowed = await resolveAllowed(client, [{ reference: index.reference, scope: { kind: 'Job' } }], policyContext);
  assert.equal((allowed.get(printReference(index.reference)) as { digest: string }).digest, index.digest);
  assert.equal(requestsFor('/index/').length, 1);
});

test('a policy without rules is refused, as are authorities that share a key in one policy (T37)', async () => {
  await assert.rejects(loadPolicyContext(parseConfig('', 'c'), new Map()), /there are no rules/);
  const config = parseConfig(
    `authorities:\n${keyAuthorityYaml('a', release.publicKey)}${keyAuthorityYaml('b', release.publicKey)}rules: [{name: r, images: ["**"]}]\n`,
    'c',
  );
  await assert.rejects(loadPolicyContext(config, new Map()), /share a key/);
  const { a, b } = config.authorities as Record<string, never>;
  const groups = [{ a }, { b }] as never;
  assert.equal((await loadPolicyContext(config, new Map(), { groups })).signers.length, 2, 'two policies may');
});

test('the scope of a place', () => {
  assert.deepEqual(scopeOf({ object: 'Deployment/web', namespace: 'shop' }), { kind: 'Deployment', namespace: 'shop' });
  assert.deepEqual(scopeOf({}), {});
});

test('the lock records who verified, sorted, and nothing about a denial or a signature that is not valid', async () => {
  const policyContext = await contextOf('  - {name: r, images: ["**"]}\n');
  const identity = { issuer: 'https://i.test', subject: 'ada@example.com' };
  const attestations = { verified: [attestationOf('b', { keyId: 'k2' })], problems: new Map() };
  const evidence = evidenceOf(
    {
      z: { ...VERIFIED, keyId: 'k', times: ['2026-01-01T00:00:00Z'] } as never,
      i: { ...VERIFIED, identity, keyId: 'k3', logIndex: '7' } as never,
      u: { kind: 'unsigned' },
    },
    { attestations },
  );
  const allowed = { resolved: DOWN, evidence, decision: decisionOf([ruleOf()]) };
  assert.deepEqual(lockEvidence(allowed, policyContext), {
    policy: policyContext.policy,
    by: [
      { authority: 'b', statement: 'https://example.com/test/v1', keyId: 'k2' },
      { authority: 'i', issuer: 'https://i.test', subject: 'ada@example.com', logIndex: '7' },
      { authority: 'z', keyId: 'k', times: ['2026-01-01T00:00:00Z'] },
    ],
  });
  assert.equal(lockEvidence({ ...allowed, decision: decisionOf([]) }, policyContext), undefined);
  assert.equal(lockEvidence({ ...allowed, evidence: undefined }, policyContext), undefined);
  assert.equal(lockEvidence({ ...allowed, evidence: evidenceOf() }, policyContext), undefined);
});
