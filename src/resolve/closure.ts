// What a digest refers to: index → manifests → configurations. The client hashes each body; depth
// and count are bounded.
import * as v from 'valibot';
import type { Reference } from '../flow.ts';
import { isDigest } from '../image/digest.ts';
import { manifestKind } from '../image/media-type.ts';
import { printPlatform } from '../image/platform.ts';
import { repositoryOf, withDigest } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Descriptor, Manifest } from '../registry/descriptor.ts';
import { MAX_CHILDREN, MAX_INDEX_DEPTH } from '../registry/limits.ts';

type ContentClient = Pick<RegistryClient, 'manifest' | 'blob'>;

const digest = v.pipe(v.string(), v.check(isDigest, 'not a digest'));
const descriptor = v.object({ digest, mediaType: v.string(), size: v.number() });
const annotations = v.optional(v.nullable(v.record(v.string(), v.string())));
const IndexSchema = v.object({
  manifests: v.pipe(
    v.array(
      v.object({
        ...descriptor.entries,
        platform: v.optional(
          v.nullable(v.object({ os: v.string(), architecture: v.string(), variant: v.optional(v.string()) })),
        ),
        annotations,
      }),
    ),
    v.maxLength(MAX_CHILDREN, `more than ${MAX_CHILDREN} manifests in one index`),
  ),
  annotations,
});
const ManifestSchema = v.object({
  config: descriptor,
  layers: v.pipe(v.array(descriptor), v.maxLength(1000)),
  annotations,
});
const strings = v.optional(v.nullable(v.array(v.string())));
const ConfigSchema = v.object({
  os: v.optional(v.string()),
  architecture: v.optional(v.string()),
  variant: v.optional(v.string()),
  created: v.optional(v.nullable(v.string())),
  config: v.optional(
    v.nullable(
      v.object({
        Env: strings,
        Entrypoint: strings,
        Cmd: strings,
        User: v.optional(v.string()),
        WorkingDir: v.optional(v.string()),
        Labels: v.optional(v.nullable(v.record(v.string(), v.string()))),
      }),
    ),
  ),
});

/** One manifest that an index lists. */
export type Child = {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** `linux/arm64`; absent where the index does not say. */
  readonly platform?: string;
  /** An attestation, or something else that is no image to run. */
  readonly attachment: boolean;
};

export type Closure = {
  readonly root: Descriptor;
  /** Empty when the root is a manifest. */
  readonly children: readonly Child[];
  /** Platforms that can run this image, sorted. */
  readonly platforms: readonly string[];
  /** Of a plain manifest, whose configuration alone names its platform. */
  readonly config?: ImageConfig;
};

export type ImageConfig = {
  readonly digest: string;
  readonly configDigest: string;
  readonly platform: string;
  readonly created?: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
};

/**
 * Reads the manifest or index of an image: one GET, and one more for the platform of a plain
 * manifest.
 */
export async function readClosure(client: ContentClient, reference: Reference): Promise<Closure> {
  const root = await client.manifest(reference);
  const { bytes: _, ...descriptor } = root;
  if (manifestKind(root.mediaType) !== 'index') {
    const config = await configOf(client, reference, root);
    return { root: descriptor, children: [], platforms: [config.platform], config };
  }
  const children: Child[] = [];
  await readIndex({ client, reference, children }, root, 1);
  const platforms = children.flatMap(({ platform, attachment }) =>
    platform === undefined || attachment ? [] : [platform],
  );
  return { root: descriptor, children, platforms: [...new Set(platforms)].sort() };
}

type Reading = { readonly client: ContentClient; readonly reference: Reference; readonly children: Child[] };

async function readIndex(reading: Reading, index: Manifest, depth: number): Promise<void> {
  const { client, reference, children } = reading;
  for (const item of parse(IndexSchema, index.bytes, reference, 'index').manifests) {
    if (manifestKind(item.mediaType) === 'index') {
      if (depth >= MAX_INDEX_DEPTH)
        throw new Problem('limit', `an index nested deeper than ${MAX_INDEX_DEPTH}`, { image: reference.text });
      await readIndex(reading, await client.manifest(withDigest(reference, item.digest)), depth + 1);
      continue;
    }
    const attachment = item.annotations?.['vnd.docker.reference.type'] !== undefined || item.platform?.os === 'unknown';
    const platform = item.platform ? printPlatform(item.platform as never) : undefined;
    const { digest, mediaType, size } = item;
    children.push({ digest, mediaType, size, ...(platform !== undefined && { platform }), attachment });
    if (children.length > MAX_CHILDREN)
      throw new Problem('limit', `more than ${MAX_CHILDREN} manifests`, { image: reference.text });
  }
}

/** The configuration of one platform's image. @param digest of a manifest, not of an index */
export async function readImageConfig(
  client: ContentClient,
  reference: Reference,
  digest: string,
): Promise<ImageConfig> {
  return configOf(client, reference, await client.manifest(withDigest(reference, digest)));
}

async function configOf(client: ContentClient, reference: Reference, manifest: Manifest): Promise<ImageConfig> {
  const { config, layers } = parse(ManifestSchema, manifest.bytes, reference, 'manifest');
  const bytes = await client.blob(reference, config.digest);
  const {
    os = 'unknown',
    architecture = 'unknown',
    variant,
    created,
    config: run,
  } = parse(ConfigSchema, bytes, reference, 'configuration');
  return {
    digest: manifest.digest,
    configDigest: config.digest,
    platform: printPlatform({ os, architecture, ...(variant && { variant }) }),
    ...(created && { created }),
    env: run?.Env ?? [],
    entrypoint: run?.Entrypoint ?? [],
    cmd: run?.Cmd ?? [],
    user: run?.User ?? '',
    workingDir: run?.WorkingDir ?? '',
    labels: run?.Labels ?? {},
    layers: layers.map(({ digest, size }) => ({ digest, size })),
  };
}

function parse<T extends v.GenericSchema>(
  schema: T,
  bytes: Buffer,
  reference: Reference,
  what: string,
): v.InferOutput<T> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Problem('protocol', `the ${what} of ${repositoryOf(reference)} is not JSON`, { image: reference.text });
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Problem(
    'protocol',
    `the ${what} of ${repositoryOf(reference)} is malformed: ${v.getDotPath(issue) ?? ''} ${issue.message}`,
    { image: reference.text },
  );
}
