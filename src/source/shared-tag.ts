// Tags and images that stand behind a YAML anchor and are used more than once (P31): one digest there would become part of every use.
import type { Found, Skipped } from '../flow.ts';
import { repositoryOf } from '../image/reference.ts';
import { countAliases, yamlAnchorBefore } from './anchor.ts';
import type { ScalarNode } from './yaml-node.ts';

/** One use of a tag by an image in parts. */
export type TagPlace = { readonly found: Found; readonly scalar: ScalarNode; readonly alias: boolean };

/** @returns the places as they are to be reported: an alias of a tag of the same image follows it, others block each other */
export function settleSharedTags(
  text: string,
  found: readonly Found[],
  uses: readonly TagPlace[],
): { found: Found[]; skipped: Skipped[] } {
  const changed = new Map<Found, Found | Skipped>();
  for (const group of Map.groupBy(uses, ({ scalar }) => scalar.start).values()) {
    const [{ scalar }] = group as [TagPlace];
    const anchor = yamlAnchorBefore(text, scalar);
    if (anchor === undefined) continue;
    const aliases = group.filter(({ alias }) => alias).length;
    const images = new Set(group.map((use) => repositoryOf(use.found.reference)));
    const others = countAliases(text, anchor) - aliases;
    if (images.size > 1 || others > 0) {
      const who = images.size > 1 ? `${images.size} images share it` : 'other values use it too';
      const slot = { blocked: `the tag is the anchor &${anchor}, and ${who}: write the tag of each image out` };
      for (const use of group) changed.set(use.found, { ...use.found, slot });
    } else for (const use of group) if (use.alias) changed.set(use.found, follower(use.found, anchor));
  }
  const all = found.map((item) => changed.get(item) ?? item);
  return { found: all.filter((item) => item.kind === 'found'), skipped: all.filter((item) => item.kind === 'skipped') };
}

function follower(
  { file, start, end, line, column, document, path, dialect, reference }: Found,
  anchor: string,
): Skipped {
  const place = { file, start, end, line, column, document, path, dialect };
  const detail = `its tag is the anchor &${anchor}, which carries the digest of this image`;
  return { ...place, kind: 'skipped', text: reference.text, reason: 'incomplete', detail };
}

/**
 * Images whose anchor other values use too, as a label or an argument, which would get the digest as well.
 * @param imageUses how often an alias led to the image at this offset
 */
export function settleSharedImages(
  text: string,
  found: readonly Found[],
  imageUses: ReadonlyMap<number, number>,
): readonly Found[] {
  if (!text.includes('*')) return found;
  return found.map((item) => {
    const { start, end, slot } = item;
    const anchor = slot.pin?.at === end && slot.blocked === undefined ? yamlAnchorBefore(text, { start }) : undefined;
    if (anchor === undefined || countAliases(text, anchor) <= (imageUses.get(start) ?? 0)) return item;
    const blocked = `the image is the anchor &${anchor}, and other values use it too: write it out where it is an image`;
    return { ...item, slot: { blocked } };
  });
}
