// Whether what runs is what was declared. Runtimes write an index, a manifest or a configuration
// into imageID, and sometimes the name of another repository. Therefore only the digest counts, and
// whether it belongs to the closure of the declared image.
import { isDigest } from '../image/digest.ts';

/**
 * @returns the digest in an imageID of containerd, CRI-O or Docker; undefined where there is none
 */
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

/**
 * Whether the imageID names a repository too: then the digest can be pulled. A bare digest is that
 * of a configuration, as for an image that was loaded onto the node.
 */
export const namesRepository = (imageId: string) => imageId.includes('@');

/** All digests of one image: its index, each manifest, each configuration. */
export type ImageClosure = {
  readonly root: string;
  readonly members: ReadonlyMap<string, { readonly role: 'index' | 'manifest' | 'config'; readonly platform?: string }>;
};

export type ImageIdentity =
  /** Declared by digest, and it is that digest or belongs to it. */
  | { readonly state: 'exact' }
  /** Declared by tag, and it is what the tag points to now. */
  | { readonly state: 'same' }
  /** Declared by tag, and the tag points to something else now. */
  | { readonly state: 'moved'; readonly now: string }
  /** Declared by digest, and it belongs to another image. No node should do that. */
  | { readonly state: 'different'; readonly declared: string }
  /** It cannot be said, for this reason. */
  | { readonly state: 'unknown'; readonly reason: string };

export type IdentityFacts = {
  /** The digest in `imageId`. */
  readonly running: string;
  /** As the runtime wrote it. */
  readonly imageId: string;
  /** The digest that was declared, or that the tag points to now. */
  readonly declared: string;
  /** Of `declared`. Undefined: it could not be read. */
  readonly closure: ImageClosure | undefined;
  /** Whether the digest was declared; else it was resolved from the tag. */
  readonly pinned: boolean;
};

export function identify({ running, imageId, declared, closure, pinned }: IdentityFacts): ImageIdentity {
  const matches: ImageIdentity = pinned ? { state: 'exact' } : { state: 'same' };
  if (running === declared) return matches;
  if (closure === undefined)
    return { state: 'unknown', reason: 'the declared image could not be read from its registry' };
  if (closure.members.has(running)) return matches;
  // A bare digest outside the closure may be the configuration of an image that was loaded onto the
  // node. Nothing says which image that is, so it proves no difference.
  if (!namesRepository(imageId))
    return {
      state: 'unknown',
      reason: 'the runtime reports a digest without a repository, as for an image that was loaded onto the node',
    };
  return pinned ? { state: 'different', declared } : { state: 'moved', now: declared };
}
