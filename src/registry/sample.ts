// Builds and pushes small but real images: a manifest or an index with configurations and one layer, as a client would.
import { gzipSync } from 'node:zlib';
import { digestOf } from '../image/hash.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { normalise, parsePlatform } from '../image/platform.ts';
import type { Platform } from '../flow.ts';
import { Problem } from '../problem.ts';

export type SampleImage = {
  readonly repository: string;
  readonly tag: string;
  /** One: a plain manifest. More: an index. */
  readonly platforms: readonly string[];
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  /** Content of the one file in its layer; another content is another digest. */
  readonly content: string;
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
    const layer = gzipSync(`${image.content}\n${name}\n`, { level: 9 });
    const config = Buffer.from(JSON.stringify(configOf(image, platform, `${image.content}\n${name}\n`)));
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: await putBlob(base, config, 'application/vnd.oci.image.config.v1+json'),
      layers: [await putBlob(base, layer, 'application/vnd.oci.image.layer.v1.tar+gzip')],
    };
    const single = image.platforms.length === 1;
    manifests.push({ ...(await putManifest(base, manifest, OCI_MANIFEST, single ? image.tag : undefined)), platform: normalise(platform) });
  }
  if (manifests.length === 1) return (manifests[0] as Part).digest;
  return (await putManifest(base, { schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX, image.tag)).digest;
}

function configOf(image: SampleImage, platform: Platform, layer: string): object {
  return {
    ...platform,
    created: '2026-01-01T00:00:00Z',
    config: { Env: image.env ?? [], Labels: image.labels ?? {}, Entrypoint: image.entrypoint ?? ['/app'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created: '2026-01-01T00:00:00Z', created_by: 'tagproof sample' }],
  };
}

async function putBlob(base: string, bytes: Buffer, mediaType: string): Promise<Part> {
  const digest = digestOf(bytes);
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(started.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  await expectCreated(await fetch(location, { method: 'PUT', body: bytes, headers: { 'content-type': 'application/octet-stream' } }));
  return { mediaType, digest, size: bytes.length };
}

async function putManifest(base: string, manifest: object, mediaType: string, tag: string | undefined): Promise<Part> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  await expectCreated(await fetch(`${base}/manifests/${tag ?? digest}`, { method: 'PUT', body: bytes, headers: { 'content-type': mediaType } }));
  return { mediaType, digest, size: bytes.length };
}

async function expectCreated(response: Response): Promise<void> {
  await response.arrayBuffer();
  if (response.status !== 201) throw new Problem('protocol', `pushing a sample failed: ${response.status} from ${new URL(response.url).host}`);
}
