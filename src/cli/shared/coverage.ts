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
};

export function coverageOf({ files, found, skipped, problems, links }: GatheredFiles): Coverage {
  const skippedAs = (...reasons: string[]) => skipped.filter(({ reason }) => reasons.includes(reason)).length;
  return {
    files,
    images: found.length,
    templated: skippedAs('template', 'variable'),
    invalid: skippedAs('invalid'),
    links: links.length,
    encodings: problems.filter(({ code }) => code === 'encoding').length,
  };
}

/** `12 files read, 2 templated, 1 link not followed`: files always, the rest where there is any. */
export function coverageLine({ files, templated, invalid, links, encodings }: Coverage): string {
  return [
    `${plural(files, 'file')} read`,
    ...(templated > 0 ? [`${templated} templated`] : []),
    ...(invalid > 0 ? [`${invalid} invalid`] : []),
    ...(links > 0 ? [`${plural(links, 'link')} not followed`] : []),
    ...(encodings > 0 ? [`${plural(encodings, 'encoding')} not read`] : []),
  ].join(', ');
}
