// Tags that stand behind a YAML anchor and are used more than once (P31): one digest there would become part of every use.
import type { Found, Skipped } from '../flow.ts';
import { repositoryOf } from '../image/reference.ts';
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
    const anchor = anchorOf(text, scalar);
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

/** The anchor right before a scalar. */
function anchorOf(text: string, { start }: ScalarNode): string | undefined {
  return /&([^\s,[\]{}]+)[ \t]+["']?$/.exec(text.slice(Math.max(0, start - 200), start))?.[1];
}

function countAliases(text: string, anchor: string): number {
  let count = 0;
  for (let at = text.indexOf(`*${anchor}`); at >= 0; at = text.indexOf(`*${anchor}`, at + 1))
    if (/^(?:[\s,\]}]|$)/.test(text.slice(at + anchor.length + 1, at + anchor.length + 2))) count++;
  return count;
}
