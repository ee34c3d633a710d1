// Digests that stand in the tree and that the lock does not know: written by hand, by Renovate, by Dependabot, or by an
// edit that changed the tag alone. Which of them are their tags', says the registry, and nobody else.
import type { Found, PinnedReference, Resolution } from '../../flow.ts';
import { isPinned, printReference, tagKey, withoutDigest } from '../../image/reference.ts';
import { entryOf, tagsOfDigest } from '../../lock/digests.ts';
import type { Lock } from '../../lock/lock.ts';
import { recordDigest, recordFurther, recordWriting, type Sighting } from '../../lock/record.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { resolveAll } from '../../resolve/resolve.ts';

export type PinnedPlace = Found & { readonly reference: PinnedReference };

/** One digest under one tag, and all places that have it. */
export type Standing = { readonly pin: PinnedReference; readonly places: readonly [PinnedPlace, ...PinnedPlace[]] };

/**
 * `has`: the tag has the digest now. `had`: the registry's history of the tag says so. `kept`: the registry serves it,
 * and the user says that it is meant (`--adopt`).
 */
export type Adopted = Standing & {
  readonly how: 'has' | 'had' | 'kept';
  /** What the lock had for new pins of the tag. */
  readonly before: string | undefined;
  readonly seen: Sighting;
};
export type Unconfirmed = Standing & { readonly now: Resolution };

export type Confirmation = {
  readonly adopted: readonly Adopted[];
  readonly unconfirmed: readonly Unconfirmed[];
  /** Beside another tag than the digest's own: to be pinned anew. */
  readonly edited: ReadonlySet<Found>;
  /** What the registries answered, by the tagged reference. */
  readonly answers: ReadonlyMap<string, Resolution>;
};

export const NOTHING_STANDS: Confirmation = { adopted: [], unconfirmed: [], edited: new Set(), answers: new Map() };

/** A pin whose digest the lock does not have under its tag. */
export const isUnknown = (found: Found, lock: Lock): found is PinnedPlace =>
  isPinned(found.reference) && found.reference.tag !== undefined && entryOf(lock, found.reference) === undefined;

type Asking = {
  readonly client: Pick<RegistryClient, 'head' | 'expect' | 'tagHistory'>;
  readonly lock: Lock;
  /** Whether the user takes what the registry serves and nobody can confirm. */
  readonly keepsAll: boolean;
  readonly progress: (done: number, total: number) => void;
};

/** One HEAD for a tag; more only for what its answer does not confirm. */
export async function confirmDigests(places: readonly PinnedPlace[], asking: Asking): Promise<Confirmation> {
  const { client, lock, keepsAll, progress } = asking;
  const groups = [...Map.groupBy(places, ({ reference }) => printReference(reference)).values()];
  const standing = groups.map((group) => {
    const [first, ...more] = group as [PinnedPlace, ...PinnedPlace[]];
    return { pin: first.reference, places: [first, ...more] as const };
  });
  const tags = standing.map(({ pin }) => withoutDigest(pin));
  const answers = await resolveAll(tags, { client, progress });
  const adopted: Adopted[] = [];
  const unconfirmed: Unconfirmed[] = [];
  const edited = new Set<Found>();
  await Promise.all(
    standing.map(async (item) => {
      const { pin } = item;
      const now = answers.get(printReference(withoutDigest(pin))) as Resolution;
      const how = await confirm(pin, now, { client, keepsAll, isOtherTags: tagsOfDigest(lock, pin).length > 0 });
      if (how === 'edited') for (const place of item.places) edited.add(place);
      else if (how === undefined) unconfirmed.push({ ...item, now });
      else adopted.push({ ...item, how, before: lock.get(tagKey(pin))?.digest, seen: sightingOf(how, now) });
    }),
  );
  const inOrder = (a: Standing, b: Standing) => (printReference(a.pin) < printReference(b.pin) ? -1 : 1);
  return { adopted: adopted.sort(inOrder), unconfirmed: unconfirmed.sort(inOrder), edited, answers };
}

type Doubt = Pick<Asking, 'client' | 'keepsAll'> & {
  /** The lock knows the digest under other tags of its repository. */
  readonly isOtherTags: boolean;
};

async function confirm(
  pin: PinnedReference,
  now: Resolution,
  { client, keepsAll, isOtherTags }: Doubt,
): Promise<Adopted['how'] | 'edited' | undefined> {
  if (!(now instanceof Problem) && now.digest === pin.digest) return 'has';
  if (isOtherTags) return 'edited';
  if (!(now instanceof Problem) && (await wasOfTag(client, pin))) return 'had';
  return keepsAll && (await isServed(client, pin)) ? 'kept' : undefined;
}

/** Few registries keep a history of their tags, and one that does not answer confirms nothing. */
async function wasOfTag(client: Asking['client'], pin: PinnedReference): Promise<boolean> {
  const history = await client.tagHistory(withoutDigest(pin)).catch(() => undefined);
  return history?.some(({ digest }) => digest === pin.digest) ?? false;
}

const isServed = (client: Asking['client'], pin: PinnedReference): Promise<boolean> =>
  client.head(pin).then(
    () => true,
    () => false,
  );

function sightingOf(how: Adopted['how'], now: Resolution): Sighting {
  if (now instanceof Problem) return { firstSeen: new Date().toISOString(), source: 'tree' };
  const { at, mirror, mediaType, platforms } = now;
  if (how !== 'has') return { firstSeen: at, source: how === 'had' ? 'history' : 'tree' };
  return {
    firstSeen: at,
    source: mirror ?? now.from,
    ...(mediaType !== undefined && { mediaType }),
    ...(platforms !== undefined && { platforms: [...platforms] }),
  };
}

/** Takes them into the lock, as written by others. The digest that the tag has now is the one that new pins get. */
export function adoptInto(lock: Lock, adopted: readonly Adopted[]): void {
  for (const { pin, how, seen } of adopted) {
    if (how === 'has') recordDigest(lock, pin, seen);
    else recordFurther(lock, pin, seen);
    recordWriting(lock, pin, { isNew: true, written: [], partly: true });
  }
}
