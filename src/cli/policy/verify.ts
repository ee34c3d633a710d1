// tagproof verify: who signed these images, and is that enough for the policy in tagproof.yaml?
import { statSync } from 'node:fs';
import {
  type Evaluation,
  evaluateImage,
  loadPolicyContext,
  resolveAllowed,
  scopeOf,
  trustLines,
} from '../../evaluate/evaluate.ts';
import type { Found, Reference, Resolution, Scope } from '../../flow.ts';
import { parseReference, printReference } from '../../image/reference.ts';
import { readLock } from '../../lock/lock.ts';
import type { Config } from '../../policy/config.ts';
import { isUnchecked, objections } from '../../policy/decision.ts';
import { describeVerdict } from '../../policy/demand-signatures.ts';
import { applicableRulesKey } from '../../policy/match.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Finding, Section } from '../../report/report.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { type FindFlags, gather } from '../shared/gather.ts';
import { LOCK_HELP, openProject } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof verify ghcr.io/org/app:v1     an image: each authority's verdict, each rule's result
tagproof verify deploy/                every image in these files
tagproof verify                        every image in this repository
tagproof verify --output json
`;

type Options = CommonOptions & RegistryFlags & { lock?: string };
/** An image and its place, if it came from a file. */
type Subject = { readonly reference: Reference; readonly scope: Scope; readonly found?: Found };

/** Places where the same rules apply to the same image are evaluated once. */
function keyOf({ reference, scope }: Subject, config: Config): string {
  return `${printReference(reference)}\n${applicableRulesKey(config, reference, scope, new Date())}`;
}

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    defineCommand('verify', 'Shows who signed each image and whether that satisfies the policy.', EXAMPLES),
  )
    .argument('[images or paths...]', 'image references, or files and folders to find them in (default: .)')
    .option('--lock <file>', `${LOCK_HELP}; it records when a digest was first seen`);
  return execute<Options>(command, args, async (given, options, context) => {
    const project = await openProject(options);
    const { config } = project;
    const { lock } = readLock(project.lock);
    const policyContext = await loadPolicyContext(config, lock);
    const isPath = (text: string) => statSync(text, { throwIfNoEntry: false }) !== undefined || text === '-';
    const paths = given.filter(isPath);
    const parsed = given.filter((text) => !isPath(text)).map((text) => parseReference(text));
    const flags: FindFlags = { exclude: [], stdinName: 'stdin.yaml' };
    const gathered = given.length === 0 || paths.length > 0 ? await gather(paths, flags, project, context) : undefined;
    const subjects: Subject[] = [
      ...parsed.flatMap((reference) => (reference instanceof Problem ? [] : [{ reference, scope: {} }])),
      ...(gathered?.found ?? []).map((found) => ({ reference: found.reference, scope: scopeOf(found), found })),
    ];
    return withClient(options, config, context, async (client) => {
      const answers = await resolveAllowed(client, subjects, policyContext);
      const keyed = subjects.map((subject) => ({ key: keyOf(subject, config), subject }));
      const groups = new Map(keyed.map(({ key, subject }) => [key, subject]));
      const titles = titlesOf(groups);
      const evaluations = new Map<string, Evaluation>();
      await Promise.all(
        [...groups].map(async ([key, { reference, scope }]) => {
          const answer = answers.get(printReference(reference)) as Resolution;
          evaluations.set(key, await evaluateImage({ client, reference, resolved: answer, policyContext, scope }));
          context.progress.show(`verified ${evaluations.size} of ${groups.size} images`);
        }),
      );
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted');
      const results = keyed.map(({ key, subject }) => ({ subject, ...(evaluations.get(key) as Evaluation) }));
      const open = results.filter(({ decision }) => isUnchecked(decision));
      const failed = results.filter(({ decision }) => decision.outcome !== 'allow' && !isUnchecked(decision));
      const passed = results.length - open.length - failed.length;
      return {
        report: {
          command: 'verify',
          listing: 'sections',
          sections: [...evaluations]
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
            ...trustLines(policyContext),
            ...rateLimitLines(client),
          ],
          data: {
            policy: policyContext.policy,
            images: results.map(({ subject, resolved, evidence, decision }) => ({
              ...place(subject),
              ...subject.scope,
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

/** The image, and where it would run if that makes a difference. By the key of its group. */
function titlesOf(groups: ReadonlyMap<string, Subject>): Map<string, string> {
  const byImage = Map.groupBy(groups, ([, { reference }]) => printReference(reference));
  const title = (image: string, { kind, namespace }: Scope) =>
    `${image} (${kind ?? 'an image'}${namespace === undefined ? '' : ` in ${namespace}`})`;
  return new Map(
    [...byImage].flatMap(([image, same]) =>
      same.map(([key, { scope }]): [string, string] => [key, same.length === 1 ? image : title(image, scope)]),
    ),
  );
}

function place({ reference, found }: Subject): { image: string; file?: string; line?: number; column?: number } {
  return { image: reference.text, ...(found && { file: found.file, line: found.line, column: found.column }) };
}

function finding(subject: Subject, decision: Evaluation['decision']): Finding {
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

function section(image: string, { resolved, evidence, decision }: Evaluation): Section {
  const rows: Cell[][] = [
    [OUTCOMES[decision.outcome], resolved instanceof Problem ? resolved.message : resolved.digest],
  ];
  for (const [name, verdict] of evidence?.verdicts ?? []) {
    rows.push([
      { text: verdict.kind, style: verdict.kind === 'verified' ? 'good' : 'bad' },
      `${name}: ${describeVerdict(verdict)}`,
    ]);
    for (const note of verdict.kind === 'verified' ? (verdict.notes ?? []) : [])
      rows.push([{ text: 'note', style: 'warn' }, `${name}: ${note}`]);
  }
  for (const { authority, by, predicateType } of evidence?.attestations?.verified ?? [])
    rows.push([{ text: 'attestation', style: 'good' }, `${authority}: ${predicateType} by ${by}`]);
  for (const { rule, ok, unchecked, reason } of decision.results) {
    rows.push([
      { text: ok ? 'met' : unchecked ? 'unchecked' : 'not met', style: ok ? 'good' : 'bad' },
      `rule '${rule}': ${reason}`,
    ]);
  }
  return { title: image, head: [], rows };
}
