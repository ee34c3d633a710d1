// tagproof verify: who signed these images, and is that enough for the policy in tagproof.yaml?
import { statSync } from 'node:fs';
import {
  isOpen,
  type Judged,
  judgeImage,
  objections,
  openBench,
  resolveAllowed,
  settingOf,
  trustLines,
} from '../../evaluate/evaluate.ts';
import type { Found, Reference, Resolution, Setting } from '../../flow.ts';
import { parseReference, printReference } from '../../image/reference.ts';
import { readLock } from '../../lock/lock.ts';
import type { Config } from '../../policy/config.ts';
import { describe } from '../../policy/decide.ts';
import { speakersOf } from '../../policy/match.ts';
import { Problem } from '../../problem.ts';
import type { Cell, Finding, Section } from '../../report/report.ts';
import { plural } from '../pin/scan.ts';
import { type CommonOptions, execute, verb } from '../shared/command.ts';
import { type FindFlags, gather, loadConfig } from '../shared/gather.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof verify ghcr.io/org/app:v1     an image: each authority's verdict, each rule's judgement
tagproof verify deploy/                every image in these files
tagproof verify                        every image in this repository
tagproof verify --output json
`;

type Options = CommonOptions & RegistryFlags & { lock: string };
/** An image and the place where it stands, if it came from a file. */
type Subject = { readonly reference: Reference; readonly setting: Setting; readonly found?: Found };

/** Places where the same rules speak for the same image are judged once. */
function keyOf({ reference, setting }: Subject, config: Config): string {
  return `${printReference(reference)}\n${speakersOf(config, reference, setting)}`;
}

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    verb('verify', 'Shows who signed each image and whether that satisfies the policy.', EXAMPLES),
  )
    .argument('[images or paths...]', 'image references, or files and folders to find them in (default: .)')
    .option('--lock <file>', 'the lock, which knows since when a digest is known', 'tagproof.lock');
  return execute<Options>(command, args, async (given, options, context) => {
    const config = await loadConfig(options.config);
    const { lock } = readLock(options.lock);
    const bench = await openBench(config, lock);
    const isPath = (text: string) => statSync(text, { throwIfNoEntry: false }) !== undefined || text === '-';
    const paths = given.filter(isPath);
    const parsed = given.filter((text) => !isPath(text)).map((text) => parseReference(text));
    const flags: FindFlags = { exclude: [], stdinName: 'stdin.yaml' };
    const gathered = given.length === 0 || paths.length > 0 ? await gather(paths, flags, config, context) : undefined;
    const subjects: Subject[] = [
      ...parsed.flatMap((reference) => (reference instanceof Problem ? [] : [{ reference, setting: {} }])),
      ...(gathered?.found ?? []).map((found) => ({ reference: found.reference, setting: settingOf(found), found })),
    ];
    return withClient(options, config, context, async (client) => {
      const answers = await resolveAllowed(client, subjects, bench);
      const keyed = subjects.map((subject) => ({ key: keyOf(subject, config), subject }));
      const groups = new Map(keyed.map(({ key, subject }) => [key, subject]));
      const titles = titlesOf(groups);
      const judged = new Map<string, Judged>();
      await Promise.all(
        [...groups].map(async ([key, { reference, setting }]) => {
          const answer = answers.get(printReference(reference)) as Resolution;
          judged.set(key, await judgeImage(client, reference, answer, bench, setting));
          context.progress.show(`verified ${judged.size} of ${groups.size} images`);
        }),
      );
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted');
      const results = keyed.map(({ key, subject }) => ({ subject, ...(judged.get(key) as Judged) }));
      const open = results.filter(({ decision }) => isOpen(decision));
      const failed = results.filter(({ decision }) => decision.outcome !== 'allow' && !isOpen(decision));
      const passed = results.length - open.length - failed.length;
      return {
        report: {
          verb: 'verify',
          told: true,
          sections: [...judged]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => section(titles.get(key) as string, item)),
          findings: failed.map(({ subject, decision }) => finding(subject, decision)),
          problems: [
            ...parsed.filter((reference) => reference instanceof Problem),
            ...(gathered?.problems ?? []),
            ...open.map(
              ({ subject, decision }) => new Problem('unreachable', objections(decision) as string, place(subject)),
            ),
          ],
          summary: [
            `${passed} of ${plural(results.length, 'image')} satisfy the policy${failed.length > 0 ? `, ${failed.length} do not` : ''}${open.length > 0 ? `, ${open.length} could not be checked` : ''}`,
            ...trustLines(bench),
            ...rateLimitLines(client),
          ],
          data: {
            policy: bench.policy,
            images: results.map(({ subject, resolved, evidence, decision }) => ({
              ...place(subject),
              ...subject.setting,
              resolved,
              verdicts: Object.fromEntries(evidence?.verdicts ?? []),
              attestations: evidence?.attestations?.verified ?? [],
              decision,
            })),
          },
        },
      };
    });
  });
}

/** The image; and where it would run, if that makes a difference here. By the key of its group. */
function titlesOf(groups: ReadonlyMap<string, Subject>): Map<string, string> {
  const byImage = Map.groupBy(groups, ([, { reference }]) => printReference(reference));
  const title = (image: string, { kind, namespace }: Setting) =>
    `${image} (${kind ?? 'an image'}${namespace === undefined ? '' : ` in ${namespace}`})`;
  return new Map(
    [...byImage].flatMap(([image, same]) =>
      same.map(([key, { setting }]): [string, string] => [key, same.length === 1 ? image : title(image, setting)]),
    ),
  );
}

function place({ reference, found }: Subject): { image: string; file?: string; line?: number; column?: number } {
  return { image: reference.text, ...(found && { file: found.file, line: found.line, column: found.column }) };
}

function finding(subject: Subject, decision: Judged['decision']): Finding {
  const denied = decision.outcome === 'deny';
  return {
    rule: denied ? 'policy-denied' : 'policy-warned',
    level: denied ? 'error' : 'warning',
    message: objections(decision) as string,
    ...place(subject),
  };
}

const OUTCOMES = {
  allow: { text: 'allow', style: 'good' },
  warn: { text: 'warn', style: 'warn' },
  deny: { text: 'deny', style: 'bad' },
} as const;

function section(image: string, { resolved, evidence, decision }: Judged): Section {
  const rows: Cell[][] = [
    [OUTCOMES[decision.outcome], resolved instanceof Problem ? resolved.message : resolved.digest],
  ];
  for (const [name, verdict] of evidence?.verdicts ?? []) {
    rows.push([
      { text: verdict.kind, style: verdict.kind === 'verified' ? 'good' : 'bad' },
      `${name}: ${describe(verdict)}`,
    ]);
    for (const note of verdict.kind === 'verified' ? (verdict.notes ?? []) : [])
      rows.push([{ text: 'note', style: 'warn' }, `${name}: ${note}`]);
  }
  for (const { authority, by, predicateType } of evidence?.attestations?.verified ?? [])
    rows.push([{ text: 'statement', style: 'good' }, `${authority}: ${predicateType} by ${by}`]);
  for (const { rule, ok, unchecked, reason } of decision.judgements) {
    rows.push([
      { text: ok ? 'met' : unchecked ? 'unchecked' : 'not met', style: ok ? 'good' : 'bad' },
      `rule '${rule}': ${reason}`,
    ]);
  }
  return { title: image, head: [], rows };
}
