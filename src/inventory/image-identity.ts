// What runs, by digest: what runtimes write into imageID may be an index, a manifest or a configuration, under a name that may be another
// repository's. Only the digest counts, and whether it belongs to the closure of what was declared.
import { isDigest } from '../image/digest.ts';

/** @returns the digest of an imageID of containerd, CRI-O or Docker; undefined for what holds none */
export function digestIn(imageId: string): string | undefined {
  const plain = imageId.replace(/^(docker-pullable|docker|containerd|cri-o):\/\//, '');
  const at = plain.lastIndexOf('@');
  const digest =
    at >= 0
      ? plain.slice(at + 1)
      : plain.startsWith('sha256:')
        ? plain
        : /^[a-f0-9]{64}$/.test(plain)
          ? `sha256:${plain}`
          : '';
  return isDigest(digest) ? digest : undefined;
}

/** True when the imageID names a repository too: the digest can then be pulled. A bare one is a configuration, as of loaded images. */
export const namesRepository = (imageId: string) => imageId.includes('@');

/** Everything that one image is: its index, each manifest of it, each configuration. */
export type ImageClosure = {
  readonly root: string;
  readonly members: ReadonlyMap<string, { readonly role: 'index' | 'manifest' | 'config'; readonly platform?: string }>;
};

export type ImageIdentity =
  /** It is the declared digest, or belongs to it. */
  | { readonly state: 'exact' }
  /** Declared by tag, and it is what the tag is now. */
  | { readonly state: 'same' }
  /** Declared by tag, and the tag is something else now. */
  | { readonly state: 'moved'; readonly now: string }
  /** Declared by digest, and it belongs to another image: no node should do that. */
  | { readonly state: 'different'; readonly declared: string }
  /** Nobody can say, and why. */
  | { readonly state: 'unknown'; readonly reason: string };

/**
 * @param running from imageID
 * @param imageId what the runtime wrote
 * @param declared the digest that was declared, or that the tag has now
 * @param closure of `declared`; undefined: it could not be read
 * @param pinned whether the digest was declared, or resolved
 */
export function identify(
  running: string,
  imageId: string,
  declared: string,
  closure: ImageClosure | undefined,
  pinned: boolean,
): ImageIdentity {
  const matches: ImageIdentity = pinned ? { state: 'exact' } : { state: 'same' };
  if (running === declared) return matches;
  if (closure === undefined)
    return { state: 'unknown', reason: 'the image behind the declared name could not be read' };
  if (closure.members.has(running)) return matches;
  // A bare digest that is nowhere in the closure may be a configuration of an image that was loaded: it cannot be placed.
  if (!namesRepository(imageId))
    return {
      state: 'unknown',
      reason: 'the runtime names a configuration without a repository, as of an image that was loaded',
    };
  return pinned ? { state: 'different', declared } : { state: 'moved', now: declared };
}
