// The attack list, T31-T46: signatures and hostile registries, on the whole path from a reference to a decision. Single faults
// of certificates and bundles have their tests beside the code.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { isUnchecked } from '../src/policy/decision.ts';
import { pushReferrer } from '../src/registry/sample.ts';
import { BUNDLE_TYPE } from '../src/sigstore/statement.ts';
import {
  attacker,
  decideOn,
  host,
  image,
  mine,
  policy,
  policyContext,
  registry,
  SIGNED,
  signImage,
  theirs,
  words,
} from './attack-fixture.ts';
import { keyAuthorityYaml } from './signing/authority.ts';

test('T31, T32: an attestation is no signature; a signature about another image is none about this', async () => {
  const { reference, digest } = await image();
  await signImage(digest, mine.privateKey, { type: 'https://spdx.dev/Document' });
  assert.match(words(await decideOn(reference, await policyContext())), /not signed at all/);
  await signImage(digest, mine.privateKey, { about: `sha256:${'e'.repeat(64)}` });
  assert.match(words(await decideOn(reference, await policyContext())), /not about this image/);
});

test('T36, T37, T38: signed by someone else; twice by one; a valid signature among invalid ones', async () => {
  const { reference, digest } = await image();
  await signImage(digest, theirs.privateKey);
  assert.match(words(await decideOn(reference, await policyContext())), /not by this authority \(1 other signature\)/);
  const both = keyAuthorityYaml('release', mine.publicKey) + keyAuthorityYaml('other', theirs.publicKey);
  const two = policy(
    '  - {name: r, images: ["**"], digest: resolve, signatures: {threshold: 2, of: [release, other]}}\n',
    both,
  );
  await signImage(digest, theirs.privateKey);
  assert.equal((await decideOn(reference, await policyContext(two))).outcome, 'deny', 'the same signer twice');
  await assert.rejects(
    policyContext(
      policy(SIGNED, keyAuthorityYaml('release', mine.publicKey) + keyAuthorityYaml('again', mine.publicKey)),
    ),
    /share a key/,
  );
  await pushReferrer(host, {
    repository: 'app',
    subject: digest,
    artifactType: BUNDLE_TYPE,
    layer: Buffer.from('garbage'),
  });
  await signImage(digest);
  assert.equal((await decideOn(reference, await policyContext(two))).outcome, 'allow');
});

test('T39: many attestations do not hide the signature, and too many signatures are reported', async () => {
  const { reference, digest } = await image();
  for (let i = 0; i < 55; i++) await signImage(digest, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  await signImage(digest);
  const decision = await decideOn(reference, await policyContext());
  assert.ok(
    decision.outcome === 'allow' || (isUnchecked(decision) && /only the first 50/.test(words(decision))),
    words(decision),
  );
});

test('T40, T45: a registry that never ends its answer costs only its own image, and its silence is no consent', async () => {
  const { reference, digest } = await image();
  await signImage(digest);
  attacker.intercept = (request, response) => {
    if (!request.url?.includes('/referrers/')) return false;
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' }).write('{');
    return true;
  };
  const slow = await decideOn(reference, await policyContext());
  attacker.intercept = () => false;
  assert.ok(slow.outcome === 'deny' && isUnchecked(slow), words(slow));
  assert.match(words(slow), /did not answer in full within the deadline/);
});

test('T43: deep JSON, prototype keys, duplicate keys: malformed, and nothing else', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const text of [
    deep,
    '{"__proto__":{"mediaType":"x"}}',
    '{"dsseEnvelope":null}',
    'null',
    '[]',
    '"x"',
    '{"mediaType":{}}',
    '',
  ]) {
    const { reference, digest } = await image();
    await pushReferrer(host, {
      repository: 'app',
      subject: digest,
      artifactType: BUNDLE_TYPE,
      layer: Buffer.from(text),
    });
    const decision = await decideOn(reference, await policyContext());
    assert.equal(decision.outcome, 'deny', text.slice(0, 40));
    assert.ok(!isUnchecked(decision));
  }
});

test('T46: no request goes to a registry that the policy does not allow', async () => {
  const { reference } = await image();
  const given = await policyContext(
    policy('  - {name: hosts, images: ["**"], digest: resolve, registries: [ghcr.io, "*.example.com"]}\n'),
  );
  registry.log.length = 0;
  const decision = await decideOn(reference, given);
  assert.match(words(decision), /must come from ghcr\.io or \*\.example\.com/);
  assert.ok(!isUnchecked(decision));
  assert.deepEqual(registry.log, []);
});
