import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle, bundleOf, D, subject } from '../../../test/signing/by-key.ts';
import type { Reference } from '../../flow.ts';
import { digestOf } from '../../image/hash.ts';
import { OCI_MANIFEST } from '../../image/media-type.ts';
import { Problem } from '../../problem.ts';
import { MAX_SIGNATURES } from '../../registry/limits.ts';
import type { Referrer } from '../../registry/referrers.ts';
import { SIMPLE_SIGNING } from '../../sigstore/payload.ts';
import { BUNDLE_TYPE, DSSE_TYPE, SIGN_PREDICATE } from '../../sigstore/statement.ts';
import { type CandidateClient, fetchCandidates } from './fetch.ts';

/** A registry in memory: manifests by tag or digest, blobs by digest. */
class Fake {
  readonly manifests = new Map<string, unknown>();
  readonly blobs = new Map<string, Buffer>();
  readonly listed: Referrer[] = [];
  readonly asked: string[] = [];

  get client(): CandidateClient {
    return {
      manifest: async ({ tag, digest }: Reference) => {
        const name = digest ?? tag ?? '';
        this.asked.push(name);
        const found = this.manifests.get(name);
        if (found instanceof Problem) throw found;
        if (found === undefined) throw new Problem('not-found', `no ${name}`);
        const bytes = Buffer.from(JSON.stringify(found));
        return { digest: digestOf(bytes), mediaType: OCI_MANIFEST, size: bytes.length, bytes };
      },
      blob: async (_: Reference, digest: string) => {
        this.asked.push(digest);
        const bytes = this.blobs.get(digest);
        if (bytes === undefined) throw new Problem('unreachable', 'down');
        return bytes;
      },
      referrers: async () => this.listed,
    };
  }

  blob(bytes: Buffer): { digest: string; size: number } {
    this.blobs.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  }

  /** Lists a referrer with the given manifest. */
  refer(manifest: object, more: Partial<Referrer> = { artifactType: BUNDLE_TYPE }): string {
    const digest = digestOf(Buffer.from(JSON.stringify(manifest)));
    this.manifests.set(digest, manifest);
    this.listed.push({ digest, mediaType: OCI_MANIFEST, ...more } as Referrer);
    return digest;
  }

  bundle(json: object = bundleOf(), more: object = {}): object {
    const layer = { mediaType: BUNDLE_TYPE, ...this.blob(Buffer.from(JSON.stringify(json))) };
    return { layers: [layer], subject: { digest: D }, ...more };
  }
}

const TAG = `${D.replace(':', '-')}.sig`;
const kinds = (found: Awaited<ReturnType<typeof fetchCandidates>>) =>
  found.map((item) => (item instanceof Problem ? item.code : 'malformed' in item ? 'malformed' : item.layout));

test('nothing there is an empty list; "could not be read" is an exception', async () => {
  const fake = new Fake();
  assert.deepEqual(await fetchCandidates(fake.client, subject, true), []);
  fake.manifests.set(TAG, new Problem('unreachable', 'down'));
  await assert.rejects(fetchCandidates(fake.client, subject, false), /down/);
  const noReferrers = { ...new Fake().client, referrers: () => Promise.reject(new Problem('denied', 'no')) };
  await assert.rejects(fetchCandidates(noReferrers, subject, false), /no/);
});

test('bundles: only those whose manifest names this subject and holds one layer', async () => {
  const fake = new Fake();
  const json = bundleOf();
  fake.refer(fake.bundle(json));
  fake.refer(fake.bundle(bundleOf(), { subject: { digest: `sha256:${'e'.repeat(64)}` } }));
  fake.refer({ ...fake.bundle(), layers: [] });
  fake.refer(fake.bundle(), { artifactType: 'application/spdx+json' }); // never fetched
  fake.refer({ other: 1 }, {}); // no artifact type: may be anything, and is no bundle
  const found = await fetchCandidates(fake.client, subject, false);
  assert.deepEqual(kinds(found), ['bundle', 'mismatch', 'protocol']);
  assert.deepEqual(found[0], bundle(json));
});

test('one that cannot be fetched never hides the others', async () => {
  const fake = new Fake();
  const lost = fake.bundle(bundleOf({ lost: true }));
  fake.refer(lost);
  fake.refer(fake.bundle());
  fake.blobs.delete((lost as { layers: [{ digest: string }] }).layers[0].digest);
  assert.deepEqual(kinds(await fetchCandidates(fake.client, subject, false)), ['unreachable', 'bundle']);
});

test('a .sig tag that is no manifest is reported, and hides no bundle (T22)', async () => {
  const fake = new Fake();
  fake.refer(fake.bundle());
  fake.manifests.set(TAG, new Problem('protocol', 'JSON that is no manifest'));
  assert.deepEqual(kinds(await fetchCandidates(fake.client, subject, false)), ['bundle', 'protocol']);
});

test('over the cap those that claim to be signatures come first, and the rest is reported (T39)', async () => {
  const fake = new Fake();
  for (let i = 0; i < MAX_SIGNATURES + 5; i++)
    fake.refer(fake.bundle(bundleOf({ i }), { i }), { artifactType: BUNDLE_TYPE, predicateType: 'https://x.test' });
  const signature = fake.refer(fake.bundle(), { artifactType: BUNDLE_TYPE, predicateType: SIGN_PREDICATE });
  const found = await fetchCandidates(fake.client, subject, false);
  assert.ok(fake.asked.includes(signature));
  assert.equal(found.length, MAX_SIGNATURES + 1);
  assert.match(String(found.at(-1)), /56 signatures, only the first 50/);
});

test('the .sig tag: each layer a signature, each blob fetched once, of the stated size', async () => {
  const fake = new Fake();
  const blob = fake.blob(Buffer.from('{}'));
  const layer = { mediaType: SIMPLE_SIGNING, ...blob, annotations: { 'dev.cosignproject.cosign/signature': 'AAAA' } };
  fake.manifests.set(TAG, { layers: [layer, layer, { ...layer, mediaType: 'x' }, { ...layer, size: 1 }] });
  assert.deepEqual(kinds(await fetchCandidates(fake.client, subject, false)), ['signature', 'signature', 'mismatch']);
  assert.equal(fake.asked.filter((name) => name === blob.digest).length, 1);
  fake.manifests.set(TAG, { layers: [{ mediaType: SIMPLE_SIGNING, digest: 'no digest', size: 1 }] });
  assert.deepEqual(kinds(await fetchCandidates(fake.client, subject, false)), ['protocol']);
});

test('the .att tag is read only for attestations', async () => {
  const fake = new Fake();
  const envelope = fake.blob(Buffer.from(JSON.stringify((bundleOf() as { dsseEnvelope: object }).dsseEnvelope)));
  fake.manifests.set(TAG.replace('.sig', '.att'), { layers: [{ mediaType: DSSE_TYPE, ...envelope }] });
  assert.deepEqual(kinds(await fetchCandidates(fake.client, subject, false)), []);
  assert.deepEqual(kinds(await fetchCandidates(fake.client, subject, true)), ['signature']);
});
