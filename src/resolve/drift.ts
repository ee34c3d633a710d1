// Is a pin still right? Is its digest served, which digest has its tag now, is it the whole image
// or only one platform?
import type { PinnedReference, Reference } from '../flow.ts';
import { manifestKind } from '../image/media-type.ts';
import { withoutDigest } from '../image/reference.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { readClosure } from './closure.ts';

export type Drift =
  | { readonly kind: 'moved'; readonly from: string; readonly to: string }
  | { readonly kind: 'gone'; readonly digest: string }
  /** The digest is served, but the tag that it came from no longer exists. */
  | { readonly kind: 'untagged' }
  /** The tag names an index; the pin is one of its children. */
  | { readonly kind: 'child'; readonly of: string; readonly platform: string }
  | { readonly kind: 'missing-platform'; readonly platform: string; readonly has: readonly string[] };

type DriftClient = Pick<RegistryClient, 'head' | 'manifest' | 'blob'>;

/**
 * Two HEADs for a pin that is still right. GETs only when the pin differs from its tag and may be
 * one of its platforms, or when platforms are required.
 * @param tagged the reference that the pin came from; undefined when its tag is unknown
 * @returns what is wrong, and what could not be checked
 */
export async function findDrift(
  client: DriftClient,
  pinned: PinnedReference,
  tagged: Reference | undefined,
  requiredPlatforms: readonly string[],
): Promise<(Drift | Problem)[]> {
  const image = pinned.text;
  const { digest } = pinned;
  const [served, current] = await Promise.all([
    attempt(client.head(pinned), image),
    tagged && attempt(client.head(withoutDigest(tagged)), image),
  ]);
  const drifts: (Drift | Problem)[] = [];
  if (served instanceof Problem) drifts.push(served.code === 'not-found' ? { kind: 'gone', digest } : served);
  if (current instanceof Problem) {
    if (current.code !== 'not-found') drifts.push(current);
    else if (!(served instanceof Problem)) drifts.push({ kind: 'untagged' });
  } else if (current !== undefined && current.digest !== digest) {
    const platform = await childPlatform(client, pinned, served, current);
    if (platform instanceof Problem) drifts.push(platform);
    else
      drifts.push(
        platform === undefined
          ? { kind: 'moved', from: digest, to: current.digest }
          : { kind: 'child', of: current.digest, platform },
      );
  }
  if (requiredPlatforms.length > 0 && !(served instanceof Problem)) {
    const closure = await attempt(readClosure(client, pinned), image);
    if (closure instanceof Problem) drifts.push(closure);
    else {
      for (const platform of requiredPlatforms) {
        if (!closure.platforms.includes(platform))
          drifts.push({ kind: 'missing-platform', platform, has: closure.platforms });
      }
    }
  }
  return drifts;
}

/** The platform under which the tag's index lists the pinned manifest, if it does. */
async function childPlatform(
  client: DriftClient,
  pinned: PinnedReference,
  served: Descriptor | Problem,
  current: Descriptor,
): Promise<string | undefined | Problem> {
  const single = served instanceof Problem || manifestKind(served.mediaType) === 'manifest';
  if (!single || manifestKind(current.mediaType) !== 'index') return undefined;
  const index = await attempt(readClosure(client, { ...pinned, digest: current.digest }), pinned.text);
  if (index instanceof Problem) return index;
  const child = index.children.find(({ digest }) => digest === pinned.digest);
  return child && (child.platform ?? 'an unnamed platform');
}

async function attempt<T>(promise: Promise<T>, image: string): Promise<T | Problem> {
  try {
    return await promise;
  } catch (error) {
    return asProblem(error, 'unreachable', { image });
  }
}
