// A tree of files as what it deploys: each reference becomes what overlays make of it, and entries of overlays that only rename an
// image become places for a digest where they decide. Pure.
import type { Found, Reference, Skipped } from '../flow.ts';
import { parseReference, printReference, withDigest } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { FileResult } from '../source/find.ts';
import {
  type Deployment,
  deployments,
  type Entry,
  entryPlace,
  placeKey,
  type Renamed,
  stepsOf,
  TRANSFORMED,
} from './deploy.ts';
import { joinImage } from './image-override.ts';
import type { KustomizationFile } from './kustomization-file.ts';
import { type Chain, chainsOver, overlaysOf } from './kustomize-chains.ts';
import { patchedContainers } from './patches.ts';

/** Which key of an entry holds the name of the image after it. */
const nameKeyOf = ({ kustomization, index }: Entry) =>
  kustomization.images.find((image) => image.index === index)?.newName === undefined ? 'name' : 'newName';
type Show = (file: string) => string;

/**
 * @param results with files named from the top of the repository, where paths in objects of Flux begin
 * @param show how a file is shown in texts
 * @returns the same results with what the graph knows; a file without overlays is as it was
 */
export function deployTree(
  results: readonly FileResult[],
  kustomizations: readonly KustomizationFile[],
  show: Show = (file) => file,
): readonly FileResult[] {
  const overlays = overlaysOf(results);
  if (kustomizations.length + overlays.length === 0) return results;
  const chains = chainsOver(results, [...kustomizations, ...overlays]);
  if (chains.incomplete !== undefined) return withoutChains(results, show(chains.incomplete));
  const all = results.flatMap(({ found }) => found);
  const known = deployments(all, chains, patchedContainers(all, kustomizations));
  const renames = renamesByEntry([...known.values()]);
  const graph: Graph = { known, entries: entryPlaces(results, known, renames), show };
  return results.map((result) => deployFile(replacedNames(result, chains.of.get(result.file) ?? [], show), graph));
}

/** Where a bound was reached, what overlays make of an image is not known: nothing is written, and that is a problem of the file. */
function withoutChains(results: readonly FileResult[], at: string): readonly FileResult[] {
  const reason = `more overlays than tagproof follows, at ${at}: what they make of the images is not known`;
  return results.map((result) => {
    const taken = result.found.filter(({ path }) => TRANSFORMED.test(path));
    if (taken.length === 0) return result;
    const found = result.found.map((item) =>
      taken.includes(item) && item.reference.digest === undefined ? { ...item, slot: { blocked: reason } } : item,
    );
    return { ...result, found, problems: [...result.problems, new Problem('limit', reason, { file: result.file })] };
  });
}

/**
 * A name that is no valid reference may be there to be replaced (`image: IMAGE_URL`). Where every chain gives it a new name
 * and a tag or digest, it is never deployed; the entries are images of their own.
 */
function replacedNames(result: FileResult, chains: readonly Chain[], show: Show): FileResult {
  const replaced = (item: Skipped) => {
    if (!['invalid', 'variable'].includes(item.reason) || !TRANSFORMED.test(item.path)) return [];
    const last = chains.map((chain) => [...stepsOf(item.text, chain)].at(-1));
    const whole = last.flatMap((step) => {
      const { newTag = '', digest = '' } = step?.override ?? {};
      if (step === undefined || newTag + digest === '' || parseReference(joinImage(step.image)) instanceof Problem)
        return [];
      return [step.entry.kustomization.file];
    });
    return whole.length === chains.length ? [...new Set(whole)] : [];
  };
  const skipped = result.skipped.map((item): Skipped => {
    const by = replaced(item);
    return by.length === 0
      ? item
      : { ...item, reason: 'incomplete', detail: replacedBy(by.map(show)), overriddenBy: by };
  });
  return { ...result, skipped };
}

const replacedBy = (files: readonly string[]) =>
  `replaced by ${files.join(', ')}, which ${files.length === 1 ? 'decides' : 'decide'}; no digest is needed here`;

const entryKey = ({ by }: Renamed) => placeKey(entryPlace(by, nameKeyOf(by)));

/**
 * What each entry that only renames must carry a digest of, by place; several images where it renames several. A digest there
 * reaches every image that the entry renames, so those count that could have it at their own place.
 */
function renamesByEntry(list: readonly Deployment[]): ReadonlyMap<string, readonly Renamed[]> {
  const renames = list.flatMap((item) =>
    item.kind === 'several' ? item.renamed : item.kind === 'renamed' ? [item] : [],
  );
  const needed = new Set(list.flatMap((item) => (item.kind === 'several' ? item.renamed.map(entryKey) : [])));
  return Map.groupBy(
    renames.filter((item) => needed.has(entryKey(item))),
    entryKey,
  );
}

/** The entries that only rename as places for the digests that they must carry, by place. */
function entryPlaces(
  results: readonly FileResult[],
  known: ReadonlyMap<string, Deployment>,
  renames: ReadonlyMap<string, readonly Renamed[]>,
): ReadonlyMap<string, Found> {
  const places = results.flatMap(({ skipped }) =>
    skipped.flatMap((item): [string, Found][] => {
      const key = placeKey(item);
      const deployment = known.get(key);
      const wanted = deployment?.kind === 'renamed' ? [deployment] : renames.get(key);
      return item.slot === undefined || wanted === undefined ? [] : [[key, entryFound(item, wanted)]];
    }),
  );
  return new Map(places);
}

type Graph = {
  readonly known: ReadonlyMap<string, Deployment>;
  readonly entries: ReadonlyMap<string, Found>;
  readonly show: Show;
};

function deployFile(result: FileResult, graph: Graph): FileResult {
  const found: Found[] = [];
  const skipped: Skipped[] = [];
  const { known, entries, show } = graph;
  for (const item of result.found) {
    const changed = deployFound(item, known.get(placeKey(item)), graph);
    if (changed.kind === 'found') found.push(changed);
    else skipped.push(changed);
  }
  for (const item of result.skipped) {
    const deployment = known.get(placeKey(item));
    if (deployment?.kind === 'invalid') {
      const detail = `${show(deployment.by.kustomization.file)} makes '${deployment.image}' of the image: ${deployment.reason}`;
      skipped.push({ ...item, reason: 'invalid', detail });
      continue;
    }
    const entry = entries.get(placeKey(item));
    if (entry === undefined) skipped.push(item);
    else found.push(entry);
  }
  const byStart = (a: { start: number }, b: { start: number }) => a.start - b.start;
  return { ...result, found: found.sort(byStart), skipped: skipped.sort(byStart) };
}

function deployFound(item: Found, deployment: Deployment | undefined, { entries, show }: Graph): Found | Skipped {
  const fileOf = ({ kustomization }: Entry) => show(kustomization.file);
  switch (deployment?.kind) {
    case undefined:
      return item;
    case 'as-written':
      // A digest without a tag was made for the tag that the resources give.
      return deployment.reference?.tag !== undefined &&
        item.reference.tag === undefined &&
        item.reference.digest !== undefined
        ? renamed(item, deployment.reference, undefined)
        : item;
    case 'renamed':
      return renamed(
        item,
        deployment.reference,
        `deployed as ${deployment.reference.text} by ${fileOf(deployment.by)}`,
      );
    case 'replaced':
      return overridden(item, deployment.by, show);
    case 'several':
      return deployment.asWritten
        ? besideRenames(
            item,
            deployment.renamed.filter((by) => !carriesDigest(entries.get(entryKey(by)))).map(({ by }) => fileOf(by)),
          )
        : overridden(
            item,
            deployment.renamed.map(({ by }) => by.kustomization.file),
            show,
          );
    case 'invalid':
      return skip(item, 'invalid', `${fileOf(deployment.by)} makes '${deployment.image}' of it: ${deployment.reason}`);
  }
}

function renamed(item: Found, as: Reference, note: string | undefined): Found {
  const { digest } = item.reference;
  const reference = digest === undefined ? as : withDigest(as, digest);
  return { ...item, reference, written: item.reference, ...noted(item, note) };
}

const carriesDigest = (entry: Found | undefined) => entry !== undefined && entry.slot.blocked === undefined;

/**
 * An image that one overlay deploys as it is written, and another renames: kustomize would carry a digest of its own place
 * over to the other name, unless that entry has one.
 * @param unable files whose entries cannot carry a digest
 */
function besideRenames(item: Found, unable: readonly string[]): Found {
  if (unable.length === 0 || item.reference.digest !== undefined) return item;
  const files = [...new Set(unable)].join(', ');
  return {
    ...item,
    slot: { blocked: `a digest here would reach the other name that ${files} gives it: give newTag there` },
  };
}

/** A digest that is written already stays a place, so that unpin can take it out. */
function overridden(item: Found, files: readonly string[], show: Show): Found | Skipped {
  const by = [...new Set(files)];
  const detail = replacedBy(by.map(show));
  if (item.reference.digest === undefined) return { ...skip(item, 'incomplete', detail), overriddenBy: by };
  return { ...item, overriddenBy: by, ...noted(item, detail) };
}

function skip(item: Found, reason: 'incomplete' | 'invalid', detail: string): Skipped {
  const { slot: _, reference, kind: __, object: ___, namespace: ____, note: _____, ...place } = item;
  return { ...place, kind: 'skipped', text: reference.text, reason, detail };
}

/** An overlay's entry that only renames, as the place for the digest of what it makes of the image. */
function entryFound(
  { kind: _, text: __, reason: ___, detail: ____, slot, ...place }: Skipped,
  wanted: readonly Renamed[],
): Found {
  const names = [...new Map(wanted.map(({ reference }) => [printReference(reference), reference])).values()];
  const reference = names[0] as Reference;
  const several = `decides over ${names.length} tags (${names.map(({ tag }) => tag ?? 'latest').join(', ')}): give newTag here`;
  return { ...place, kind: 'found', reference, slot: names.length === 1 ? (slot ?? {}) : { blocked: several } };
}

const noted = (item: Found, more: string | undefined): Pick<Found, 'note'> => {
  const note = [item.note, more].filter((part) => part !== undefined).join('; ');
  return note === '' ? {} : { note };
};
