// tagproof check: the gate for CI. Offline: is everything pinned, does the lock agree? Online: do the pins still hold?
import { InvalidArgumentError } from 'commander';
import type { Skipped } from '../../flow.ts';
import { postureOf } from '../../image/reference.ts';
import { readLock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { condense } from '../../report/counts.ts';
import { nextStep } from '../../report/next-step.ts';
import { plural } from '../../report/plural.ts';
import type { Finding, Format, Report } from '../../report/report.ts';
import { RULES } from '../../report/rules.ts';
import { type CommonOptions, collect, defineCommand, execute } from '../shared/command.ts';
import { coverageLine, coverageOf } from '../shared/coverage.ts';
import { invalidFindings, unpinnedFinding } from '../shared/finding.ts';
import { type FindFlags, findOptions, type GatheredFiles, gather } from '../shared/gather.ts';
import { LOCK_HELP, openProject, type Project, projectData, projectLines } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';
import { checkOnline } from './check-online.ts';
import { disagreement, REMEDY, staleFindings, twoDigests } from './lock-findings.ts';
import { platformName } from './platforms.ts';
import { staleKeys } from './remember.ts';
import { isWholeTree } from './whole-tree.ts';

const EXAMPLES = `
tagproof check                       everything pinned? (no network)
tagproof check --online              and: tags not moved, digests still served?
tagproof check --online --platform linux/amd64 --platform linux/arm64
tagproof check --online --allow tag-moved
tagproof check --changed=main         only files that changed since the branch left main
tagproof check --verify              and: does every image still satisfy the policy?
tagproof check --verify --offline    only what the lock can show, without network
tagproof check --summary             how many findings, by rule and by image
tagproof check --output sarif > tagproof.sarif
helm template web ./chart | tagproof check -
`;

type Options = CommonOptions &
  FindFlags &
  RegistryFlags & {
    online: boolean;
    verify: boolean;
    offline: boolean;
    strict: boolean;
    allow: string[];
    platform: string[];
    lock?: string;
    require?: number;
    failOnEmpty: boolean;
    summary: boolean;
  };

/** Formats that can show counts in place of findings. */
const SUMMED: readonly Format[] = ['text', 'markdown', 'json'];

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    findOptions(defineCommand('check', 'Gate for CI: is every image pinned, and do the pins still hold?', EXAMPLES)),
  )
    .option('--online', 'ask registries: has the tag moved, is the digest still served, is it the whole image', false)
    .option('--verify', 'signatures and policy: what the lock shows, and the rest from registries', false)
    .option('--offline', 'with --verify: believe the evidence in the lock, send nothing', false)
    .option(
      '--platform <platform>',
      'with --online: every pinned image must have this platform (repeatable)',
      collect,
      [],
    )
    .option('--strict', 'templated and variable images are findings too', false)
    .option(
      '--allow <rule>',
      `findings of this rule do not fail the check (repeatable): ${Object.keys(RULES).join(', ')}`,
      collect,
      [],
    )
    .option('--summary', 'only how many findings there are, by rule and by image (text, markdown, json)', false)
    .option('--require <count>', 'exit code 2 unless at least this many images were found', parseCount)
    .option('--fail-on-empty', 'exit code 2 when there is no image to check', false)
    .option('--lock <file>', LOCK_HELP);
  return execute<Options>(command, args, async (paths, options, context) => {
    const unknown = options.allow.find((rule) => !Object.hasOwn(RULES, rule));
    if (unknown !== undefined)
      throw new Problem('usage', `--allow '${unknown}': expected one of ${Object.keys(RULES).join(', ')}`);
    if (options.summary && !SUMMED.includes(options.output))
      throw new Problem('usage', `--summary is for ${SUMMED.join(', ')}; ${options.output} lists findings`);
    const project = await openProject(options);
    const { config } = project;
    const gathered = await gather(paths, options, project, context);
    const { lock } = readLock(project.lock);
    const offline = [
      ...gathered.found.filter(({ reference }) => reference.digest === undefined).map(unpinnedFinding),
      ...invalidFindings(gathered.skipped),
      // Online the registry answers what the lock does not know; see check-online.ts.
      ...(options.online ? [] : gathered.found.flatMap((found) => disagreement(found, lock, REMEDY))),
      ...twoDigests(gathered.found),
      ...(isWholeTree(paths, options, project, gathered) ? staleFindings(staleKeys(lock, gathered), project.lock) : []),
      ...(options.strict ? gathered.skipped.filter(isTemplated).map(templated) : []),
    ];
    if (options.offline && (options.online || !options.verify))
      throw new Problem('usage', '--offline goes with --verify, and not with --online');
    const policy = options.verify ? await import('./check-verify.ts') : undefined; // the engine loads when asked for
    const policyContext = await policy?.loadPolicyContext(config, lock);
    if (policy && policyContext) offline.push(...policy.checkEvidence(gathered.found, policyContext));
    if (!options.online && (policyContext === undefined || options.offline))
      return { report: report(gathered, { findings: offline, problems: [], lines: [] }, { ...options, project }) };
    const required = (options.platform.length > 0 ? options.platform : config.platforms).map(platformName);
    return withClient(options, config, context, async (client) => {
      const online = options.online
        ? await checkOnline({ client, found: gathered.found, lock, required }, context)
        : { findings: [], problems: [] };
      const verified =
        policyContext && (await policy?.checkAgainstPolicy(client, gathered.found, policyContext, context));
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted');
      return {
        report: report(
          gathered,
          {
            findings: [...offline, ...online.findings, ...(verified?.findings ?? [])],
            problems: [...online.problems, ...(verified?.problems ?? [])],
            lines: [...((policyContext && policy?.trustLines(policyContext)) ?? []), ...rateLimitLines(client)],
          },
          { ...options, project },
        ),
      };
    });
  });
}

const isTemplated = ({ reason }: Skipped) => reason === 'template' || reason === 'variable';

function templated({ file, line, column, text, detail }: Skipped): Finding {
  return { rule: 'templated', level: 'error', file, line, column, image: text, message: detail };
}

/** What the checks answered; `lines` go below the summary. */
type Checks = {
  readonly findings: readonly Finding[];
  readonly problems: readonly Problem[];
  readonly lines: readonly string[];
};

function report(
  gathered: GatheredFiles,
  { findings: given, problems, lines }: Checks,
  options: Options & { project: Project },
): Report {
  const findings = given
    .map((item): Finding => (options.allow.includes(item.rule) ? { ...item, level: 'note' } : item))
    .sort((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : (a.file ?? '') < (b.file ?? '') ? -1 : 1));
  const coverage = coverageOf(gathered);
  const total = coverage.images;
  const all = [...gathered.problems, ...problems, ...tooFew(total, options)];
  const pinned = gathered.found.filter(({ reference }) => postureOf(reference).endsWith('digest')).length;
  const failing = findings.filter(({ level }) => level !== 'note').length;
  const verdict =
    all.length > 0
      ? `could not check everything: ${plural(all.length, 'problem')}`
      : failing > 0
        ? 'failed'
        : total === 0
          ? 'nothing to check'
          : 'passed';
  const counted =
    total === 0 && failing === 0
      ? `0 images in ${plural(coverage.files, 'file')}`
      : `${pinned} of ${plural(total, 'image')} pinned, ${plural(failing, 'finding')}`;
  const made: Report = {
    command: 'check',
    sections: [],
    findings,
    problems: all,
    summary: [
      `${verdict}: ${counted}; ${coverageLine(coverage)}${options.online || (options.verify && !options.offline) ? '' : ' (offline; --online asks registries)'}`,
      ...nextStep(findings),
      ...lines,
      ...gathered.notes,
      ...projectLines(options.project),
    ],
    coverage,
    data: { project: projectData(options.project), online: options.online, images: total, pinned, coverage },
  };
  return options.summary ? condense(made) : made;
}

/** A gate that must not pass on an empty folder says how much it expects. */
function tooFew(images: number, { require, failOnEmpty }: Options): Problem[] {
  const expected = Math.max(require ?? 0, failOnEmpty ? 1 : 0);
  if (images >= expected) return [];
  return [new Problem('usage', `expected at least ${plural(expected, 'image')} to check, found ${images}`)];
}

function parseCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('expected a number of images');
  return Number(text);
}
