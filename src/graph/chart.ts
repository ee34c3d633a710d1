// Images in the values of a chart, by what the chart's templates do with them: nothing is written that the chart breaks on. Pure.
import type { Found, Slot } from '../flow.ts';
import { type DigestUse, digestUse, type TagUse, tagUse } from './chart-use.ts';

export type Chart = {
  /** Folder of Chart.yaml, as files are shown. */
  readonly folder: string;
  readonly name: string;
  /** Texts of its own templates. */
  readonly templates: readonly string[];
  /** Its dependencies by the key that holds their values; undefined: the chart is not in this tree. */
  readonly dependencies: ReadonlyMap<string, Chart | undefined>;
};

/**
 * Helpers of libraries that charts load from elsewhere, by name: they take an image's mapping whole.
 * bitnami/common, templates/_images.tpl: `registry/repository:tag`, or `registry/repository@digest` with a whole digest.
 */
const LIBRARY_HELPERS: Readonly<Record<string, { readonly digest: DigestUse; readonly tag: TagUse['kind'] }>> = {
  'common.images.image': { digest: 'full', tag: 'image' },
};

/** @returns the same place with the slot that the chart takes, or with the reason why nothing can be written */
export function chartFound(found: Found, chart: Chart): Found {
  const { parts, slot, reference } = found;
  if (parts === undefined || slot.pin === undefined || slot.blocked !== undefined) return found;
  const owner = ownerOf(chart, keysOf(found.path).slice(0, -1));
  if (owner === undefined)
    return {
      ...found,
      slot: { blocked: `these are values of a chart that is not in this tree, which ${chart.name} depends on` },
    };
  const { base } = owner;
  const library = libraryUse(owner.chart, base);
  if (parts.digest !== undefined && slot.pin.before !== '@') {
    const use = library?.digest ?? digestUse(owner.chart.templates, [...base, parts.digest]);
    return { ...found, slot: digestSlot(slot, use, owner.chart, parts.digest) };
  }
  if (parts.tag === undefined || reference.digest !== undefined) return found;
  const use = library === undefined ? tagUse(owner.chart.templates, [...base, parts.tag]) : { kind: library.tag };
  return { ...found, slot: tagSlot(slot, use as TagUse, owner.chart) };
}

/** Whose values these are: below the key of a dependency they are the dependency's. */
function ownerOf(chart: Chart, base: readonly string[]): { chart: Chart; base: readonly string[] } | undefined {
  const [first] = base;
  if (first === undefined || !chart.dependencies.has(first)) return { chart, base };
  const inner = chart.dependencies.get(first);
  return inner === undefined ? undefined : ownerOf(inner, base.slice(1));
}

function digestSlot({ style: _, ...slot }: Slot, use: DigestUse, { name }: Chart, key: string): Slot {
  switch (use) {
    case 'full':
      return slot;
    case 'hex':
      return { ...slot, style: 'hex' };
    case 'unused':
      return { blocked: `the templates of chart ${name} do not read '${key}': a digest there would change nothing` };
    case 'unknown':
      return { blocked: `how the templates of chart ${name} use '${key}' cannot be told: write the digest by hand` };
  }
}

function tagSlot(slot: Slot, use: TagUse, { name }: Chart): Slot {
  switch (use.kind) {
    case 'image':
      return slot;
    case 'elsewhere':
      return {
        blocked: `chart ${name} uses this tag for more than the image, and a digest would break that: ${use.line}`,
      };
    case 'unused':
    case 'unknown':
      return { blocked: `how the templates of chart ${name} use this tag cannot be told: pin it by hand` };
  }
}

/** The helper of a known library that takes the whole mapping of the image. */
function libraryUse({ templates }: Chart, base: readonly string[]) {
  const mapping = `\\.Values\\.${base.map((key) => key.replaceAll(/[^\w]/g, '\\$&')).join('\\.')}`;
  const call = new RegExp(`include\\s+"([\\w.-]+)"[^}]{0,200}${mapping}(?![\\w.])`);
  for (const text of templates) {
    const helper = call.exec(text)?.[1];
    if (helper !== undefined && Object.hasOwn(LIBRARY_HELPERS, helper)) return LIBRARY_HELPERS[helper];
  }
  return undefined;
}

/** `a.b[0].c` as the names that templates see: an item of a list is reached by its own keys only. */
function keysOf(path: string): string[] {
  const own = path.slice(path.lastIndexOf(']') + 1).replace(/^\./, '');
  return own.split('.');
}
