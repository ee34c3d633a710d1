// The attack list, T1-T10: references, tags, digests and indexes, on the whole path from a reference to a decision.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicyContext } from '../src/evaluate/evaluate.ts';
import type { Reference } from '../src/flow.ts';
import { parseReference, printReference, withDigest } from '../src/image/reference.ts';
import { parseConfig } from '../src/policy/config-file.ts';
import { isUnchecked } from '../src/policy/decision.ts';
import { Problem } from '../src/problem.ts';
import {
  attacker,
  client,
  decideOn,
  host,
  image,
  mine,
  policy,
  policyContext,
  SIGNED,
  signImage,
  words,
} from './attack-fixture.ts';
import { keyAuthorityYaml } from './signing/authority.ts';

test('T1: a tag that moved after it was verified is verified again; no verdict depends on a tag', async () => {
  const { reference, digest } = await image('good', 'moving', 'v1');
  await signImage(digest, mine.privateKey, { repository: 'moving' });
  const given = await policyContext();
  assert.equal((await decideOn(reference, given)).outcome, 'allow');
  await image('evil', 'moving', 'v1');
  assert.equal((await decideOn(reference, given)).outcome, 'deny');
});

test('T2: the decision is about the digest that was resolved, whatever the tag resolves to a moment later', async () => {
  const { reference, digest } = await image();
  await signImage(digest);
  const evil = await image('evil', 'app', 'evil');
  let heads = 0;
  attacker.intercept = (request, response) => {
    if (!request.url?.endsWith(`/manifests/${reference.tag}`) || heads++ === 0) return false;
    response
      .writeHead(200, {
        'docker-content-digest': evil.digest,
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
        'content-length': 2,
      })
      .end();
    return true;
  };
  const decision = await decideOn(reference, await policyContext());
  attacker.intercept = () => false;
  assert.equal(decision.outcome, 'allow');
  assert.equal(decision.digest, digest);
});

test('T3: bytes that do not hash to their digest are no evidence', async () => {
  const { reference, digest } = await image();
  await signImage(digest);
  attacker.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false;
    response.writeHead(200).end('{"other":"bytes"}');
    return true;
  };
  const decision = await decideOn(reference, await policyContext());
  attacker.intercept = () => false;
  assert.equal(decision.outcome, 'deny');
  assert.ok(isUnchecked(decision), 'could not be checked, not "unsigned"');
  assert.match(words(decision), /sent bytes with digest/);
});

test('T4: Docker schema 1 and unknown media types are refused', async () => {
  const { reference } = await image();
  for (const type of ['application/vnd.docker.distribution.manifest.v1+prettyjws', 'text/html']) {
    attacker.intercept = (request, response) => {
      if (request.method !== 'HEAD') return false;
      response.writeHead(200, { 'docker-content-digest': `sha256:${'a'.repeat(64)}`, 'content-type': type }).end();
      return true;
    };
    const decision = await decideOn(reference, await policyContext());
    assert.equal(decision.outcome, 'deny', type);
  }
  attacker.intercept = () => false;
});

test('T5: of a tag and a digest the digest is verified; what is no reference is refused', async () => {
  const { reference, digest } = await image();
  const evil = await image('lying', 'app', 'lying');
  await signImage(digest);
  assert.equal((await decideOn(withDigest(reference, evil.digest), await policyContext())).outcome, 'deny');
  assert.equal((await decideOn(withDigest(evil.reference, digest), await policyContext())).outcome, 'allow');
  for (const text of [
    'repo:tag@garbage',
    'repo@',
    `a@b@sha256:${'a'.repeat(64)}`,
    `repo@sha256:${'A'.repeat(64)}`,
    'repo@md5:d41d8cd98f00b204e9800998ecf8427e',
  ])
    assert.ok(parseReference(text) instanceof Problem, text);
});

test('T6: a digest without tag does not escape a rule for tags', async () => {
  const { reference, digest } = await image();
  const given = await policyContext(
    policy(
      '  - {name: all, images: ["**"], digest: off}\n  - {name: prod, images: ["**"], tags: ["prod*"], digest: off, signatures: {all: [release]}}\n',
    ),
  );
  const { tag: _, ...bare } = withDigest(reference, digest);
  assert.equal((await decideOn(reference, given)).outcome, 'allow');
  assert.equal((await decideOn(bare, given)).outcome, 'deny');
});

test('T7: a rule may deny a digest that was first seen only recently', async () => {
  const { reference, digest } = await image();
  const config = parseConfig(policy('  - {name: old, images: ["**"], digest: resolve, minimumAgeDays: 3}\n'), 'test');
  const seen = (days: number) =>
    new Map([
      [
        printReference(reference),
        { digest, firstSeen: new Date(Date.now() - days * 86_400_000).toISOString(), source: 'registry' },
      ],
    ]);
  assert.equal((await decideOn(reference, await loadPolicyContext(config, seen(4)))).outcome, 'allow');
  assert.equal((await decideOn(reference, await loadPolicyContext(config, seen(1)))).outcome, 'deny');
});

test('T8: a signature copied with its image into another repository', async () => {
  const { digest } = await image('copied', 'low', 'v1');
  await image('copied', 'high', 'v1');
  await signImage(digest, mine.privateKey, { repository: 'high' });
  const reference = parseReference(`${host}/high:v1`) as Reference;
  assert.equal((await decideOn(reference, await policyContext())).outcome, 'allow', 'a bundle names no repository');
  const bound = await policyContext(
    policy(SIGNED, keyAuthorityYaml('release', mine.publicKey, '    bindRepository: true\n')),
  );
  assert.equal((await decideOn(reference, bound)).outcome, 'deny');
});

test('T9: an index and its platforms: the rule says which must be signed, and one is not enough for the other', async () => {
  const { reference, digest } = await image('many', 'many', 'v1', ['linux/amd64', 'linux/arm64']);
  const index = JSON.parse((await client.manifest(withDigest(reference, digest))).bytes.toString()) as {
    manifests: { digest: string }[];
  };
  const rule = (signed: string, platforms = '') =>
    policyContext(
      policy(
        `  - {name: r, images: ["**"], digest: resolve, signatures: {all: [release]}, signed: ${signed}${platforms}}\n`,
      ),
    );
  const repository = { repository: 'many' };
  await signImage(index.manifests[0]?.digest as string, mine.privateKey, repository);
  assert.equal((await decideOn(reference, await rule('digest'))).outcome, 'deny', 'a child is not the index');
  const half = await decideOn(reference, await rule('platforms'));
  assert.equal(half.outcome, 'deny');
  assert.match(words(half), /linux\/arm64: must be signed/);
  assert.equal((await decideOn(reference, await rule('platforms', ', platforms: [linux/amd64]'))).outcome, 'allow');
  await signImage(index.manifests[1]?.digest as string, mine.privateKey, repository);
  assert.equal((await decideOn(reference, await rule('platforms'))).outcome, 'allow');
  assert.equal((await decideOn(reference, await rule('both'))).outcome, 'deny', 'the index itself is not signed');
  await signImage(digest, mine.privateKey, repository);
  assert.equal((await decideOn(reference, await rule('both'))).outcome, 'allow');
});

test('T9: a manifest cannot exclude itself: not as an attachment, not behind another of its platform', async () => {
  const { reference, digest } = await image('hidden', 'hidden', 'v1', ['linux/amd64', 'linux/arm64']);
  const index = JSON.parse((await client.manifest(withDigest(reference, digest))).bytes.toString()) as {
    manifests: { digest: string; platform: object; annotations?: object }[];
  };
  const [first, second] = index.manifests as [(typeof index.manifests)[0], (typeof index.manifests)[0]];
  await signImage(second.digest, mine.privateKey, { repository: 'hidden' });
  const rule = await policyContext(
    policy('  - {name: r, images: ["**"], digest: resolve, signatures: {all: [release]}, signed: platforms}\n'),
  );
  const pushIndex = async (manifests: object[]) => {
    const body = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests });
    await fetch(`http://${host}/v2/hidden/manifests/v1`, {
      method: 'PUT',
      body,
      headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
    });
    return decideOn(reference, rule);
  };
  assert.equal((await pushIndex([second])).outcome, 'allow');
  const attached = { ...first, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
  assert.equal((await pushIndex([attached, second])).outcome, 'deny', 'calls itself an attachment');
  assert.equal(
    (await pushIndex([{ ...first, platform: second.platform }, second])).outcome,
    'deny',
    'twice one platform',
  );
  const { platform: _, ...anywhere } = first;
  assert.equal((await pushIndex([anywhere, second])).outcome, 'deny', 'names no platform');
});

test('T10: every spelling of one image meets the same rules', async () => {
  const given = await policyContext(policy('  - {name: r, images: ["docker.io/library/*"], digest: required}\n'));
  for (const text of [
    'nginx',
    'library/nginx',
    'docker.io/nginx',
    'index.docker.io/library/nginx',
    'registry-1.docker.io/library/nginx',
    'DOCKER.IO/library/nginx',
  ])
    assert.match(
      words(await decideOn(parseReference(`${text}@sha256:${'a'.repeat(64)}`) as Reference, given)),
      /pinned to a digest/,
      text,
    );
  assert.equal((parseReference('GHCR.io:443/x/y') as Reference).registry, 'ghcr.io');
});
