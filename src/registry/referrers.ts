// Lists of referrers: an index whose entries name what refers to a digest. Pure. distribution-spec,
// "listing referrers".
import { isDigest } from '../image/digest.ts';
import { Problem } from '../problem.ts';
import type { Endpoint } from './endpoint.ts';
import { MAX_REFERRERS } from './limits.ts';

/** One thing that refers to a digest. The artifact type is a claim of its writer. */
export type Referrer = {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType?: string;
  /** The type that cosign gives for the statement inside; a claim too. */
  readonly predicateType?: string;
};

/** Leaves out entries that are no descriptors, so that one of them cannot hide the others. */
export function readReferrers(body: Buffer, endpoint: Endpoint): Referrer[] {
  let json: { manifests?: unknown };
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Problem('protocol', `${new URL(endpoint.base).host} answered with a list of referrers that is not JSON`);
  }
  if (!Array.isArray(json?.manifests))
    throw new Problem('protocol', `${new URL(endpoint.base).host} answered with a list of referrers without manifests`);
  return json.manifests.slice(0, MAX_REFERRERS + 1).flatMap((item: Record<string, unknown> | null): Referrer[] => {
    const { digest, mediaType, artifactType, annotations = null } = item ?? {};
    if (typeof digest !== 'string' || !isDigest(digest) || typeof mediaType !== 'string') return [];
    const predicateType = (annotations as Record<string, unknown> | null)?.['dev.sigstore.bundle.predicateType'];
    return [
      {
        digest,
        mediaType,
        ...(typeof artifactType === 'string' && { artifactType }),
        ...(typeof predicateType === 'string' && { predicateType }),
      },
    ];
  });
}

/**
 * Types that say nothing: go-containerregistry's registry reports the type of the configuration
 * instead.
 */
const EMPTY_TYPES = new Set(['', 'application/vnd.oci.empty.v1+json', 'application/vnd.oci.image.config.v1+json']);

/**
 * Whether it may be an artifact of this type: only a type that contradicts rules it out.
 * @param prefix of media types
 */
export function mayBe({ artifactType = '' }: Referrer, prefix: string): boolean {
  return artifactType.startsWith(prefix) || EMPTY_TYPES.has(artifactType);
}

/**
 * The next page that a Link header names, as a path below the repository.
 * @throws Problem `refused` where it is not on the same registry and repository
 */
export function nextPage(link: string | undefined, endpoint: Endpoint, repository: string): string | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, endpoint.base) ? new URL(target, endpoint.base).href : '';
  const prefix = `${endpoint.base}${repository}/`;
  if (!url.startsWith(`${prefix}referrers/`))
    throw new Problem(
      'refused',
      `${new URL(endpoint.base).host} continues its list of referrers elsewhere; not followed`,
    );
  return url.slice(prefix.length);
}
