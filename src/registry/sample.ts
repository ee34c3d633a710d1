// Builds and pushes small but real images for the demo, tests and benchmarks: an index or a
// manifest, configurations, a layer.
import { gzipSync } from 'node:zlib';
import type { Platform } from '../flow.ts';
import { digestOf } from '../image/hash.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { normalise, parsePlatform } from '../image/platform.ts';
import { Problem } from '../problem.ts';

export type SampleImage = {
  readonly repository: string;
  readonly tag: string;
  /** One: a plain manifest. More: an index. */
  readonly platforms: readonly string[];
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  /** Content of the one file in its layer; another content gives another digest. */
  readonly content: string;
};

export type SampleReferrer = {
  readonly repository: string;
  /** Digest of the image. */
  readonly subject: string;
  readonly artifactType: string;
  readonly layer: Buffer;
};

type Part = { mediaType: string; digest: string; size: number };

/**
 * Pushes over HTTP (distribution-spec, "pushing blobs", "pushing manifests").
 * @param host as EmbeddedRegistry.listen returned it
 * @returns the digest of what the tag now points to
 */
export async function pushSample(host: string, image: SampleImage): Promise<string> {
  const base = `http://${host}/v2/${image.repository}`;
  const manifests: (Part & { platform: Platform })[] = [];
  for (const name of image.platforms) {
    const platform = parsePlatform(name);
    if (platform instanceof Problem) throw platform;
    const tar = tarOf('content', `${image.content}\n${name}\n`);
    const layer = gzipSync(tar, { level: 9 });
    const config = Buffer.from(JSON.stringify(configOf(image, platform, digestOf(tar))));
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: await putBlob(base, config, 'application/vnd.oci.image.config.v1+json'),
      layers: [await putBlob(base, layer, 'application/vnd.oci.image.layer.v1.tar+gzip')],
    };
    const single = image.platforms.length === 1;
    manifests.push({
      ...(await putManifest(base, manifest, OCI_MANIFEST, single ? image.tag : undefined)),
      platform: normalise(platform),
    });
  }
  if (manifests.length === 1) return (manifests[0] as Part).digest;
  return (await putManifest(base, { schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX, image.tag)).digest;
}

/**
 * Attaches a small artifact to an image, as cosign attaches a bundle: a manifest with one layer and
 * a subject.
 */
export async function pushReferrer(
  host: string,
  { repository, subject, artifactType, layer }: SampleReferrer,
): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: await putBlob(base, Buffer.from('{}'), 'application/vnd.oci.empty.v1+json'),
    layers: [await putBlob(base, layer, artifactType)],
    subject: { mediaType: OCI_MANIFEST, digest: subject, size: 0 },
  };
  await putManifest(base, manifest, OCI_MANIFEST, undefined);
}

function configOf(image: SampleImage, platform: Platform, diffId: string): object {
  return {
    ...platform,
    created: '2026-01-01T00:00:00Z',
    config: { Env: image.env ?? [], Labels: image.labels ?? {}, Entrypoint: image.entrypoint ?? ['/app'] },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: '2026-01-01T00:00:00Z', created_by: 'tagproof sample' }],
  };
}

/** A tar archive with one file. POSIX.1-1988 ustar. */
function tarOf(name: string, content: string): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  const fields: [offset: number, text: string][] = [
    [0, name],
    [100, '0000644\0'],
    [108, '0000000\0'],
    [116, '0000000\0'],
    [124, `${body.length.toString(8).padStart(11, '0')}\0`],
    [136, '00000000000\0'],
    [148, '        '],
    [156, '0'],
    [257, 'ustar\x0000'],
  ];
  for (const [offset, text] of fields) header.write(text, offset, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, body, Buffer.alloc(512 - (body.length % 512)), Buffer.alloc(1024)]);
}

async function putBlob(base: string, bytes: Buffer, mediaType: string): Promise<Part> {
  const digest = digestOf(bytes);
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(started.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  await expectCreated(
    await fetch(location, { method: 'PUT', body: bytes, headers: { 'content-type': 'application/octet-stream' } }),
  );
  return { mediaType, digest, size: bytes.length };
}

async function putManifest(base: string, manifest: object, mediaType: string, tag: string | undefined): Promise<Part> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  await expectCreated(
    await fetch(`${base}/manifests/${tag ?? digest}`, {
      method: 'PUT',
      body: bytes,
      headers: { 'content-type': mediaType },
    }),
  );
  return { mediaType, digest, size: bytes.length };
}

async function expectCreated(response: Response): Promise<void> {
  await response.arrayBuffer();
  if (response.status !== 201)
    throw new Problem('protocol', `pushing a sample failed: ${response.status} from ${new URL(response.url).host}`);
}
