// Images in the values of a chart, by what the chart's templates do with them: nothing is written that the chart breaks on. Pure.
import type { Found, ImageKeys, Slot } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { GlobalRegistry } from '../source/overlay.ts';
import { type DigestUse, defaultTag, digestUse, isPrintedAlone, isRead, type TagUse, tagUse } from './chart-use.ts';

export type Chart = {
  /** Folder of Chart.yaml, as files are shown. */
  readonly folder: string;
  readonly name: string;
  /** `appVersion` of Chart.yaml. */
  readonly appVersion: string | undefined;
  /** Texts of its own templates. */
  readonly templates: readonly string[];
  /** Its dependencies by the key that holds their values; `chart` is undefined for one that is not in this tree. */
  readonly dependencies: ReadonlyMap<string, { readonly name: string; readonly chart: Chart | undefined }>;
};

/** What the values of a chart come to that is not in this tree. @param name of the chart */
export type RemoteValues = (found: Found, name: string) => Found;

/**
 * Helpers of libraries that charts load from elsewhere, by name: they take an image's mapping whole.
 * bitnami/common, templates/_images.tpl: `registry/repository:tag`, or `registry/repository@digest` with a whole digest.
 */
const LIBRARY_HELPERS: Readonly<Record<string, { readonly digest: DigestUse; readonly tag: 'image' }>> = {
  'common.images.image': { digest: 'full', tag: 'image' },
};

/** @returns the same place with the slot that the chart takes, or with the reason why nothing can be written */
export function chartFound(
  item: Found,
  chart: Chart,
  global: GlobalRegistry | undefined,
  elsewhere: RemoteValues,
): Found {
  const found = inGlobalRegistry(inOwnRegistry(item, chart), chart, global);
  const { parts, slot, reference } = found;
  if (parts === undefined) return found;
  const owner = ownerOf(chart, keysOf(found.path).slice(0, -1));
  if (reference.digest !== undefined) return typeof owner === 'string' ? found : pinnedUntagged(found, owner);
  if (typeof owner === 'string') return elsewhere(found, owner);
  if (reference.tag === undefined) return untagged(found, owner);
  if (slot.pin === undefined || slot.blocked !== undefined) return found;
  const use = slot.pin.before === '@' ? tagSlot(slot, parts, owner) : digestSlot(slot, parts, owner);
  return { ...found, slot: use };
}

/** A registry beside the image that no template reads is not part of it. */
function inOwnRegistry(found: Found, chart: Chart): Found {
  const { parts, reference } = found;
  const owner = ownerOf(chart, keysOf(found.path).slice(0, -1));
  if (parts?.registry === undefined || typeof owner === 'string' || libraryUse(owner.chart, owner.base) !== undefined)
    return found;
  if (isRead(owner.chart.templates, [...owner.base, parts.registry])) return found;
  const { tag, digest } = reference;
  const bare = `${reference.repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  const deployed = parseReference(bare);
  return deployed instanceof Problem ? found : { ...found, reference: deployed, written: found.written ?? reference };
}

/** P6: a registry for all images, where the chart reads it, decides before the image's own. */
function inGlobalRegistry(found: Found, chart: Chart, global: GlobalRegistry | undefined): Found {
  if (global === undefined || found.parts === undefined) return found;
  const owner = ownerOf(chart, keysOf(found.path).slice(0, -1));
  const reads =
    typeof owner !== 'string' &&
    (libraryUse(owner.chart, owner.base) !== undefined ||
      owner.chart.templates.some((text) => text.includes(`.${global.key}`)));
  if (!reads) return found;
  const alone = isPrintedAlone(owner.chart.templates, [...owner.base, found.parts.repository]);
  if (alone === 'always') return found;
  if (alone === 'sometimes')
    return blocked(found, `${global.key} is set, and the templates print this image with and without it`);
  const { tag, digest } = found.reference;
  const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  const path = found.parts.registry === undefined ? found.reference.name : found.reference.repository;
  const reference = parseReference(`${global.registry.replace(/\/$/, '')}/${path}${suffix}`);
  return reference instanceof Problem
    ? blocked(found, `${global.key} makes no valid reference of it`)
    : { ...found, reference, written: found.written ?? found.reference };
}

/** P6: values of a chart that is not in this tree, with a registry for all images: whether the chart reads it is not known. */
export function unknownRegistry(found: Found, { key }: GlobalRegistry): Found {
  if (found.parts === undefined || found.reference.digest !== undefined) return found;
  return blocked(
    found,
    `${key} is set, and whether the chart takes this image from there is not known: pin it by hand`,
  );
}

/** A chart, and the mapping of an image below its values. */
type Owner = { readonly chart: Chart; readonly base: readonly string[] };

const blocked = (found: Found, reason: string): Found => ({ ...found, slot: { blocked: reason } });

/** P35: beside a digest too an empty tag is the one that the chart fills in: that is the tag of the pin in the lock. */
function pinnedUntagged(found: Found, { chart, base }: Owner): Found {
  const { parts, reference } = found;
  if (reference.tag !== undefined || parts?.tag === undefined || chart.appVersion === undefined) return found;
  const tag = defaultTag(chart.templates, [...base, parts.tag], chart.appVersion);
  if (tag === undefined) return found;
  const deployed = parseReference(`${reference.registry}/${reference.repository}:${tag}@${reference.digest}`);
  return deployed instanceof Problem ? found : { ...found, reference: deployed, written: found.written ?? reference };
}

/** P35: an empty tag is the chart's to fill in; its templates say with what. */
function untagged(found: Found, owner: Owner): Found {
  const { slot, parts, reference } = found;
  const { chart, base } = owner;
  if (parts?.tag === undefined || chart.appVersion === undefined) return found;
  const tag = defaultTag(chart.templates, [...base, parts.tag], chart.appVersion);
  if (tag === undefined) return blocked(found, `the templates of chart ${chart.name} fill in the tag: write it here`);
  const deployed = parseReference(`${reference.registry}/${reference.repository}:${tag}`);
  if (deployed instanceof Problem || slot.pin === undefined)
    return blocked(found, `chart ${chart.name} fills in its appVersion: write tag: "${tag}" here to pin it`);
  const { blocked: _, ...open } = slot;
  return { ...found, reference: deployed, written: found.written ?? reference, slot: digestSlot(open, parts, owner) };
}

/** Whose values these are: below the key of a dependency they are the dependency's; its name where it is not in this tree. */
function ownerOf(chart: Chart, base: readonly string[]): Owner | string {
  const [first] = base;
  const inner = first === undefined ? undefined : chart.dependencies.get(first);
  if (inner === undefined) return { chart, base };
  return inner.chart === undefined ? inner.name : ownerOf(inner.chart, base.slice(1));
}

function digestSlot({ style: _, ...slot }: Slot, { digest: key }: ImageKeys, { chart, base }: Owner): Slot {
  if (key === undefined) return slot;
  const use = libraryUse(chart, base)?.digest ?? digestUse(chart.templates, [...base, key]);
  switch (use) {
    case 'full':
      return slot;
    case 'hex':
      return { ...slot, style: 'hex' };
    case 'unused':
      return {
        blocked: `the templates of chart ${chart.name} do not read '${key}': a digest there would change nothing`,
      };
    case 'unknown':
      return {
        blocked: `how the templates of chart ${chart.name} use '${key}' is unknown: write the digest by hand`,
      };
  }
}

function tagSlot(slot: Slot, { tag: key }: ImageKeys, { chart, base }: Owner): Slot {
  if (key === undefined) return slot;
  const library = libraryUse(chart, base);
  const use: TagUse = library === undefined ? tagUse(chart.templates, [...base, key]) : { kind: library.tag };
  switch (use.kind) {
    case 'image':
      return slot;
    case 'elsewhere':
      return {
        blocked: `chart ${chart.name} uses this tag for more than this image, and a digest would break it: ${use.line}`,
      };
    case 'unused':
    case 'unknown':
      return { blocked: `how the templates of chart ${chart.name} use this tag is unknown: pin it by hand` };
  }
}

/** The helper of a known library that takes the whole mapping of the image. */
function libraryUse({ templates }: Chart, base: readonly string[]) {
  const mapping = `.Values.${base.join('.')}`;
  const call = new RegExp(`include\\s+"([\\w.-]+)"[^}]{0,200}${mapping.replaceAll(/[^\w]/g, '\\$&')}(?![\\w.])`);
  for (const text of templates) {
    const helper = text.includes(mapping) ? call.exec(text)?.[1] : undefined;
    if (helper !== undefined && Object.hasOwn(LIBRARY_HELPERS, helper)) return LIBRARY_HELPERS[helper];
  }
  return undefined;
}

/** `a.b[0].c` as the names that templates see: an item of a list is reached by its own keys only. */
function keysOf(path: string): string[] {
  const own = path.slice(path.lastIndexOf(']') + 1).replace(/^\./, '');
  return own.split('.');
}
