// What is deployed, as the watcher knows it at this moment: each cell with its source and its age. Pure.
import { parseReference, tagKey } from '../../image/reference.ts';
import { Problem } from '../../problem.ts';
import { type Identity, type ImageClosure, identify } from '../../survey/identity.ts';
import type { Row } from '../../survey/inventory.ts';

/** What is known of a tag. */
export type TagState = {
  /** Null: it is gone; undefined: nobody has looked yet. */
  readonly digest: string | null | undefined;
  /** Since when, as far as it was seen; milliseconds since 1970. */
  readonly since: number;
  /** When somebody last looked and was answered; null: never. */
  readonly checked: number | null;
  /** Why the last look told nothing. */
  readonly failure: string | null;
};

export type Deployed = Row & {
  readonly pinned: 'digest' | 'tag' | 'both' | 'invalid';
  readonly identities: readonly Identity[];
  /** Of what is declared by a tag, or with one. */
  readonly tag: (TagState & { readonly name: string }) | undefined;
};

export function deployedOf(
  rows: readonly Row[],
  tagOf: (key: string) => TagState | undefined,
  closureOf: (digest: string) => ImageClosure | undefined,
): Deployed[] {
  return rows.map((row) => {
    const reference = parseReference(row.declared[0] ?? '');
    if (reference instanceof Problem) {
      const identities = row.running.map((): Identity => ({ state: 'unknown', reason: 'not a valid reference' }));
      return { ...row, pinned: 'invalid', identities, tag: undefined };
    }
    const { tag, digest } = reference;
    const pinned = digest === undefined ? 'tag' : tag === undefined ? 'digest' : 'both';
    const name = tag === undefined && digest !== undefined ? undefined : (tag ?? 'latest');
    const { digest: _, ...tagged } = reference;
    const state = name === undefined ? undefined : tagOf(tagKey({ ...tagged, tag: name }));
    const declared = digest ?? state?.digest;
    const identities = row.running.map(({ digest: running, imageId }): Identity => {
      if (running === undefined)
        return {
          state: 'unknown',
          reason: imageId === undefined ? 'its node has not said what runs' : 'imageID holds no digest',
        };
      if (declared === undefined)
        return { state: 'unknown', reason: state?.failure ?? 'its tag has not been looked at yet' };
      if (declared === null) return { state: 'unknown', reason: 'its tag is gone' };
      const closure = running === declared ? undefined : closureOf(declared);
      return identify(running, imageId ?? '', declared, closure, digest !== undefined);
    });
    return {
      ...row,
      pinned,
      identities,
      tag: name === undefined || state === undefined ? undefined : { name, ...state },
    };
  });
}

/** The questions of the header, as filters. */
export const FILTERS = {
  unpinned: ({ pinned }: Deployed) => pinned === 'tag' || pinned === 'invalid',
  moved: ({ identities }: Deployed) => identities.some(({ state }) => state === 'moved'),
  mixed: ({ mixed }: Deployed) => mixed,
  different: ({ identities }: Deployed) => identities.some(({ state }) => state === 'different'),
  gone: ({ tag }: Deployed) => tag?.digest === null,
  unknown: ({ identities }: Deployed) => identities.length === 0 || identities.some(({ state }) => state === 'unknown'),
} as const;
export type Filter = keyof typeof FILTERS;
