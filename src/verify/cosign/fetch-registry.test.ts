// Signatures from a registry: the referrers API, the fallback tag and the `.sig` tag.
import assert from 'node:assert/strict';
import { type KeyObject, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { bundleOf, D, mine, payload, signer, statement, theirs } from '../../../test/signing/by-key.ts';
import type { PinnedReference, Reference, Verdict } from '../../flow.ts';
import { digestOf } from '../../image/hash.ts';
import { OCI_MANIFEST } from '../../image/media-type.ts';
import { parseReference, withDigest } from '../../image/reference.ts';
import { RegistryClient } from '../../registry/client.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';
import { SIMPLE_SIGNING } from '../../sigstore/payload.ts';
import { BUNDLE_TYPE } from '../../sigstore/statement.ts';
import { gatherVerdicts } from '../verify.ts';

/** One signer's verdict on what a registry holds. */
const verdictOf = async (image: PinnedReference) =>
  (await gatherVerdicts([await signer()], { client, subject: image })).verdicts.get('me') as Verdict;

const registry = new EmbeddedRegistry();
const old = new EmbeddedRegistry({ referrers: false });
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
after(() => Promise.all([client.close(), registry.close(), old.close()]));
const hosts: string[] = [];
before(async () => void hosts.push(await registry.listen(), await old.listen()));

async function put(host: string, path: string, body: Buffer, type: string): Promise<string> {
  const response = await fetch(`http://${host}/v2/${path}`, { method: 'PUT', body, headers: { 'content-type': type } });
  assert.equal(response.status, 201);
  return digestOf(body);
}

async function putBlob(host: string, bytes: Buffer): Promise<{ digest: string; size: number }> {
  const started = await fetch(`http://${host}/v2/x/blobs/uploads/`, { method: 'POST' });
  await put(
    host,
    `${(started.headers.get('location') as string).slice(4)}?digest=${digestOf(bytes)}`,
    bytes,
    'application/octet-stream',
  );
  return { digest: digestOf(bytes), size: bytes.length };
}

async function image(host: string, content: string): Promise<PinnedReference> {
  return withDigest(
    parseReference(`${host}/x:1`) as Reference,
    await pushSample(host, { repository: 'x', tag: '1', platforms: ['linux/amd64'], content }),
  );
}

async function attach(host: string, subject: PinnedReference, json: object, named = subject.digest): Promise<void> {
  const config = await putBlob(host, Buffer.from('{}'));
  const layer = await putBlob(host, Buffer.from(JSON.stringify(json)));
  const type = BUNDLE_TYPE;
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: type,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...config },
    layers: [{ mediaType: type, ...layer }],
    subject: { mediaType: OCI_MANIFEST, digest: named, size: 1 },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  await put(host, `x/manifests/${digestOf(bytes)}`, bytes, OCI_MANIFEST);
  const index = {
    schemaVersion: 2,
    manifests: [{ mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length, artifactType: type }],
  };
  await put(
    host,
    `x/manifests/${subject.digest.replace(':', '-')}`,
    Buffer.from(JSON.stringify(index)),
    'application/vnd.oci.image.index.v1+json',
  );
}

test('bundles by the referrers API and by the fallback tag; a referrer of something else does not count', async () => {
  for (const host of hosts) {
    const subject = await image(host, `bundle ${host}`);
    assert.equal((await verdictOf(subject)).kind, 'unsigned');
    const content = statement({ subject: [{ digest: { sha256: subject.digest.slice(7) } }] });
    await attach(host, subject, bundleOf(content));
    assert.equal((await verdictOf(subject)).kind, 'verified');
  }
  const host = hosts[1] as string;
  const other = await image(host, 'other subject');
  await attach(host, other, bundleOf(statement({ subject: [{ digest: { sha256: other.digest.slice(7) } }] })), D);
  assert.equal((await verdictOf(other)).kind, 'unchecked');
});

test('the .sig tag: one fetch of a payload however many layers carry it; a cap on signatures, which is said (T39)', async () => {
  const host = hosts[0] as string;
  const subject = await image(host, 'sig');
  const text = payload(subject.digest);
  const layer = { mediaType: SIMPLE_SIGNING, ...(await putBlob(host, text)) };
  const signed = (key: KeyObject) => ({
    ...layer,
    annotations: { 'dev.cosignproject.cosign/signature': sign('sha256', text, key).toString('base64') },
  });
  const tag = `${subject.digest.replace(':', '-')}.sig`;
  const write = (layers: object[]) =>
    put(
      host,
      `x/manifests/${tag}`,
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: layer, layers })),
      OCI_MANIFEST,
    );
  await write([signed(theirs.privateKey), signed(mine.privateKey)]);
  registry.log.length = 0;
  assert.equal((await verdictOf(subject)).kind, 'verified');
  assert.equal(registry.log.filter((line) => line.includes('/blobs/')).length, 1);
  await write([...Array.from({ length: 60 }, () => signed(theirs.privateKey)), signed(mine.privateKey)]);
  const over = await verdictOf(subject);
  assert.equal(over.kind, 'unchecked');
  assert.match(over.kind === 'unchecked' ? over.problem.message : '', /61 signatures, only the first 50/);
});

test('a registry that fails is "could not check", never "unsigned" (T22)', async () => {
  for (const status of [401, 403, 429, 500, 503]) {
    const failing = new EmbeddedRegistry({ intercept: (_, response) => (response.writeHead(status).end(), true) });
    const host = await failing.listen();
    const subject = withDigest(parseReference(`${host}/x:1`) as Reference, D);
    assert.equal((await verdictOf(subject)).kind, 'unchecked', String(status));
    await failing.close();
  }
});
