// The inventory before the registries: is it pinned, is what runs what was declared, where does the tag point now, can it still be pulled.
import type { Reference, Resolution } from '../flow.ts';
import { parseReference, printReference, withDigest } from '../image/reference.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { resolveAll } from '../resolve/resolve.ts';
import { readImageClosure } from './closure.ts';
import { type Identity, type ImageClosure, identify } from './identity.ts';
import type { Row, Running } from './inventory.ts';

/** Each cell with what it says; where nobody could look, that is what stands there. */
export type Status = Row & {
  readonly pinned: 'digest' | 'tag' | 'invalid';
  readonly identities: readonly Identity[];
  /** Of a tag: what it is now. Of a pin: whether it can still be pulled. */
  readonly now: Resolution | undefined;
};

type Reader = Pick<RegistryClient, 'head' | 'expect' | 'manifest' | 'blob'>;

/** @param reader undefined: registries are not asked, and nothing is known of tags */
export async function statusOf(
  rows: readonly Row[],
  reader: Reader | undefined,
  progress: (done: number, all: number) => void = () => {},
): Promise<Status[]> {
  const parsed = rows.map((row) => ({ row, reference: parseReference(row.declared[0] ?? '') }));
  const references = parsed.flatMap(({ reference }) => (reference instanceof Problem ? [] : [reference]));
  const answers = reader === undefined ? undefined : await resolveAll(references, { client: reader, progress });
  const closures = new Map<string, Promise<ImageClosure | undefined>>();
  const closureOf = (reference: Reference, digest: string) => {
    const key = `${reference.registry}/${reference.repository}@${digest}`;
    let closure = closures.get(key);
    if (closure === undefined) {
      closure =
        reader === undefined ? Promise.resolve(undefined) : closureOrNothing(reader, withDigest(reference, digest));
      closures.set(key, closure);
    }
    return closure;
  };
  return Promise.all(
    parsed.map(async ({ row, reference }): Promise<Status> => {
      if (reference instanceof Problem) {
        const identities = row.running.map((): Identity => ({ state: 'unknown', reason: 'not a valid reference' }));
        return { ...row, pinned: 'invalid', identities, now: reference };
      }
      const now = answers?.get(printReference(reference));
      const pinned = reference.digest === undefined ? 'tag' : 'digest';
      const identities = await Promise.all(
        row.running.map((running) => identityOf(running, reference, now, closureOf)),
      );
      return { ...row, pinned, identities, now };
    }),
  );
}

async function identityOf(
  { digest, imageId }: Running,
  reference: Reference,
  now: Resolution | undefined,
  closureOf: (reference: Reference, digest: string) => Promise<ImageClosure | undefined>,
): Promise<Identity> {
  if (digest === undefined)
    return {
      state: 'unknown',
      reason: imageId === undefined ? 'its node has not said what runs' : `imageID '${imageId}' holds no digest`,
    };
  const declared = reference.digest ?? (now instanceof Problem ? undefined : now?.digest);
  if (declared === undefined)
    return { state: 'unknown', reason: now instanceof Problem ? now.message : 'registries were not asked' };
  const closure = digest === declared ? undefined : await closureOf(reference, declared);
  return identify(digest, imageId ?? '', declared, closure, reference.digest !== undefined);
}

/** Undefined where anything of it cannot be read: part of a closure proves nothing. */
async function closureOrNothing(reader: Reader, reference: Reference): Promise<ImageClosure | undefined> {
  try {
    return await readImageClosure(reader, reference);
  } catch (error) {
    if (asProblem(error, 'unreachable').code === 'interrupted') throw error;
    return undefined;
  }
}
