// tagproof scan: every image reference, its place, and whether it is pinned. Reads files only, no network.

import type { Found, Skipped } from '../../flow.ts';
import { type Posture, postureOf } from '../../image/reference.ts';
import { nextStep } from '../../report/next-step.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Report, Section, Style } from '../../report/report.ts';
import { short } from '../../report/text.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { type Coverage, coverageOf, unread } from '../shared/coverage.ts';
import { invalidFindings, unpinnedFinding } from '../shared/finding.ts';
import { type FindFlags, findOptions, type GatheredFiles, gather } from '../shared/gather.ts';
import { openProject, type Project, projectData, projectLines } from '../shared/project.ts';

const EXAMPLES = `
tagproof scan                        this repository
tagproof scan deploy/ 'charts/**/values.yaml'
tagproof scan --explain              also what is skipped, and why
tagproof scan --graph                what each overlay deploys
helm template web ./chart | tagproof scan -
tagproof scan --output markdown >> "$GITHUB_STEP_SUMMARY"
`;

type Options = CommonOptions & FindFlags & { explain: boolean; graph: boolean };

export function run(args: string[]): Promise<number> {
  const command = findOptions(
    defineCommand('scan', 'Shows every image reference and how firmly it is pinned. Asks no registry.', EXAMPLES),
  )
    .option('--explain', 'also show what is skipped and why, and the field of each hit', false)
    .option('--graph', 'show what each overlay deploys, and where each digest is decided', false);
  return execute<Options>(command, args, async (paths, options, context) => {
    const project = await openProject(options);
    const gathered = await gather(paths, options, project, context);
    if (options.graph && gathered.tree !== undefined) {
      const { graphReport } = await import('./scan-graph.ts');
      return { report: await graphReport(gathered.tree) };
    }
    return { report: report(gathered, project, options.explain) };
  });
}

const STYLES: Record<Posture, Style> = {
  latest: 'bad',
  untagged: 'bad',
  tag: 'warn',
  digest: 'good',
  'tag+digest': 'good',
};

function report(gathered: GatheredFiles, project: Project, explain: boolean): Report {
  const { found, skipped, problems, files, links, passedOver } = gathered;
  const coverage = coverageOf(gathered);
  const counts: Record<string, number> = {
    latest: 0,
    untagged: 0,
    tag: 0,
    digest: 0,
    'tag+digest': 0,
    templated: 0,
    invalid: 0,
  };
  for (const item of found) counts[postureOf(item.reference)]!++;
  counts['templated'] = coverage.templated;
  counts['invalid'] = coverage.invalid;
  const unpinned = found.filter((item) => item.reference.digest === undefined);
  const findings = [...unpinned.map(unpinnedFinding), ...invalidFindings(skipped)];
  return {
    command: 'scan',
    listing: 'sections',
    sections: [
      ...gathered.results.flatMap((result) => section(result, explain)),
      ...(explain ? unfollowed(links) : []),
      ...(explain ? notRead(passedOver) : []),
    ],
    findings,
    problems,
    summary: [
      ...summary({ found, skipped, coverage: readLine(coverage), counts, explain }),
      ...nextStep(findings),
      ...gathered.notes,
      ...projectLines(project),
    ],
    coverage,
    data: {
      project: projectData(project),
      files,
      coverage,
      links,
      passedOver,
      counts,
      images: found.map(({ kind: _, slot, reference, ...place }) => ({
        ...place,
        image: reference.text,
        posture: postureOf(reference),
        registry: reference.registry,
        repository: reference.repository,
        tag: reference.tag,
        digest: reference.digest,
        pinnable: slot.blocked === undefined,
        ...(slot.blocked !== undefined && { blocked: slot.blocked }),
      })),
      skipped: skipped.map(({ kind: _, ...rest }) => rest),
    },
  };
}

/** What else was not read is in the counts. */
const readLine = ({ files, ...more }: Coverage) => [`${files} read`, ...unread({ ...more, encodings: 0 })].join(', ');

function unfollowed(links: GatheredFiles['links']): Section[] {
  const rows = links.map(({ file, reason }): Cell[] => [{ text: 'skip: link', style: 'dim' }, file, reason]);
  return rows.length === 0 ? [] : [{ title: 'symbolic links', head: [], rows }];
}

function notRead(passedOver: GatheredFiles['passedOver']): Section[] {
  const rows = passedOver.map(({ file, kind, reason }): Cell[] => [
    { text: `skip: ${kind}`, style: 'dim' },
    file,
    reason,
  ]);
  return rows.length === 0 ? [] : [{ title: 'not read', head: [], rows }];
}

function section({ file, found, skipped }: GatheredFiles['results'][number], explain: boolean): Section[] {
  const byStart = (a: Found | Skipped, b: Found | Skipped) => a.start - b.start;
  const rows = explain
    ? [...found, ...skipped].sort(byStart).flatMap(explained)
    : [...found, ...skipped.filter(({ reason }) => reason === 'invalid')].sort(byStart).map(row);
  return rows.length === 0 ? [] : [{ title: file, head: [], rows }];
}

function row(item: Found | Skipped): Cell[] {
  const at: Cell = { text: `${item.line}:${item.column}`, style: 'dim' };
  if (item.kind === 'skipped') return [at, { text: item.reason, style: 'bad' }, item.text, ''];
  const posture = postureOf(item.reference);
  return [
    at,
    { text: posture, style: STYLES[posture] },
    short(item.reference.text),
    { text: item.object ?? '', style: 'dim' },
  ];
}

/** Two lines: what it is, and below it where and why. */
function explained(item: Found | Skipped): Cell[][] {
  const at: Cell = { text: `${item.line}:${item.column}`, style: 'dim' };
  const below = (...why: (string | undefined)[]): Cell[] => [
    '',
    '',
    { text: [item.path, ...why].filter(Boolean).join(' · '), style: 'dim' },
  ];
  if (item.kind === 'skipped')
    return [[at, { text: `skip: ${item.reason}`, style: 'dim' }, item.text], below(item.dialect, item.detail)];
  const posture = postureOf(item.reference);
  const blocked = item.slot.blocked && `not pinnable: ${item.slot.blocked}`;
  return [
    [at, { text: posture, style: STYLES[posture] }, item.reference.text],
    below(item.dialect, item.object, item.note, blocked),
  ];
}

type Scanned = {
  readonly found: readonly Found[];
  readonly skipped: readonly Skipped[];
  readonly coverage: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly explain: boolean;
};

function summary({ found, skipped, coverage, counts, explain }: Scanned): string[] {
  const inFiles = new Set(found.map(({ file }) => file)).size;
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  const lines = [
    `${plural(found.length, 'image')} in ${plural(inFiles, 'file')} (${coverage})${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`,
  ];
  if (skipped.length > 0 && !explain) lines.push(`${plural(skipped.length, 'candidate')} skipped; --explain says why`);
  return lines;
}
