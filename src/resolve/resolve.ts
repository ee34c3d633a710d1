// References → digests: each image once, all at the same time. A failure is the result of that
// image alone.
import type { Reference, Resolution } from '../flow.ts';
import { printReference, tagKey } from '../image/reference.ts';
import type { LockEntry } from '../lock/lock.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';

export type ResolveOptions = {
  readonly client: Pick<RegistryClient, 'head' | 'expect'>;
  /** Answers for the tags that it has, without network. */
  readonly lock?: ReadonlyMap<string, LockEntry>;
  /** Only the lock may answer. */
  readonly frozen?: boolean;
  readonly now?: () => Date;
  readonly progress?: (done: number, total: number) => void;
};

/** By canonical reference (printReference), so that two spellings of one image are one entry. */
export type Resolutions = ReadonlyMap<string, Resolution>;

/**
 * Resolves tags to digests. For a reference with a digest, checks that the registry serves that
 * digest. The client bounds concurrency per host, so that a slow registry delays only its own
 * images.
 */
export async function resolveAll(references: Iterable<Reference>, options: ResolveOptions): Promise<Resolutions> {
  const unique = new Map<string, Reference>();
  for (const reference of references) unique.set(printReference(reference), reference);
  const results = new Map<string, Resolution>();
  const open: [string, Reference][] = [];
  for (const [key, reference] of unique) {
    const known = fromLock(reference, options);
    if (known === undefined) open.push([key, reference]);
    else results.set(key, known);
  }
  options.client.expect(open.map(([, reference]) => reference));
  let done = results.size;
  await Promise.all(
    open.map(async ([key, reference]) => {
      results.set(key, await resolveOne(reference, options));
      options.progress?.(++done, unique.size);
    }),
  );
  return results;
}

function fromLock(reference: Reference, { lock, frozen, now }: ResolveOptions): Resolution | undefined {
  const entry = reference.digest === undefined ? lock?.get(tagKey(reference)) : undefined;
  if (entry !== undefined) {
    const { digest, mediaType, platforms } = entry;
    return {
      reference,
      digest,
      ...(mediaType && { mediaType }),
      ...(platforms && { platforms }),
      from: 'lock',
      at: timestamp(now),
    };
  }
  if (!frozen) return undefined;
  return new Problem(
    'locked',
    `not in tagproof.lock, and --frozen asks no registry: run tagproof pin without it once`,
    { image: reference.text },
  );
}

async function resolveOne(reference: Reference, { client, now }: ResolveOptions): Promise<Resolution> {
  try {
    return { reference, ...(await client.head(reference)), from: 'registry', at: timestamp(now) };
  } catch (error) {
    return asProblem(error, 'unreachable', { image: reference.text });
  }
}

function timestamp(now: (() => Date) | undefined): string {
  return (now?.() ?? new Date()).toISOString();
}
