// What a run looked at, in numbers: a pass says nothing without them.
import { plural } from '../../report/plural.ts';
import type { GatheredFiles } from './gather.ts';

export type Coverage = {
  /** Files that were read. */
  readonly files: number;
  readonly images: number;
  /** Images that exist only after rendering. */
  readonly templated: number;
  /** Values where an image belongs that are no valid reference. */
  readonly invalid: number;
  /** Symbolic links that were not followed. */
  readonly links: number;
  /** Files whose encoding is not read. */
  readonly encodings: number;
  /** Paths that tagproof was told to leave out: .tagproofignore, find.exclude, --exclude. */
  readonly leftOut: number;
  /** Files that were named and are of no known kind. */
  readonly unchecked: number;
  /** Files that were named and that git knows to be deleted. */
  readonly deleted: number;
};

export function coverageOf({ files, found, skipped, problems, links, passedOver }: GatheredFiles): Coverage {
  const skippedAs = (...reasons: string[]) => skipped.filter(({ reason }) => reasons.includes(reason)).length;
  return {
    files,
    images: found.length,
    templated: skippedAs('template', 'variable'),
    invalid: skippedAs('invalid'),
    links: links.length,
    encodings: problems.filter(({ code }) => code === 'encoding').length,
    leftOut: passedOver.filter(({ kind }) => kind === 'left-out').length,
    unchecked: passedOver.filter(({ kind }) => kind === 'unknown').length,
    deleted: passedOver.filter(({ kind }) => kind === 'deleted').length,
  };
}

/** `12 files read, 2 templated, 1 link not followed`: files always, the rest where there is any. */
export function coverageLine({ files, templated, invalid, ...more }: Coverage): string {
  return [
    `${plural(files, 'file')} read`,
    ...(templated > 0 ? [`${templated} templated`] : []),
    ...(invalid > 0 ? [`${invalid} invalid`] : []),
    ...unread(more),
  ].join(', ');
}

/** What was not read, where there is any: `1 link not followed, 2 paths left out`. */
export function unread({
  links,
  encodings,
  leftOut,
  unchecked,
  deleted,
}: Pick<Coverage, 'links' | 'encodings' | 'leftOut' | 'unchecked' | 'deleted'>): string[] {
  return [
    ...(links > 0 ? [`${plural(links, 'link')} not followed`] : []),
    ...(encodings > 0 ? [`${plural(encodings, 'encoding')} not read`] : []),
    ...(leftOut > 0 ? [`${plural(leftOut, 'path')} left out`] : []),
    ...(unchecked > 0 ? [`${plural(unchecked, 'file')} not checked`] : []),
    ...(deleted > 0 ? [`${plural(deleted, 'file')} deleted`] : []),
  ];
}
