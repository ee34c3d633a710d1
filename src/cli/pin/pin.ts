// tagproof pin: resolves every tag and writes its digest behind it; all other bytes stay. Remembers in tagproof.lock.
import { commitFiles } from '../../commit/commit.ts';
import { changedFiles, explainOutcome } from '../../commit/outcome.ts';
import { printReference, withoutDigest } from '../../image/reference.ts';
import { type Lock, readLock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import { unifiedDiff } from '../../source/diff.ts';
import { type CommonOptions, collect, defineCommand, execute } from '../shared/command.ts';
import { invalidFindings, unpinnedFinding } from '../shared/finding.ts';
import { type FindFlags, findOptions, gather } from '../shared/gather.ts';
import { LOCK_HELP, openProject, projectData, projectLines } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';
import { adoptInto, confirmDigests, type PinnedPlace } from './adopt.ts';
import { adoptedData, adoptedLine, adoptedSection } from './adopt-report.ts';
import { isChanged, lockChange, lockLine } from './lock-change.ts';
import { saidOfLock } from './lock-findings.ts';
import { pinnedData, pinnedSections, pinSummary, unresolved, wouldChange } from './pin-report.ts';
import { answerTargets, digestsOf, isBlocked, isHeld, isTarget, placesToAsk, planEdits } from './pin-targets.ts';
import { readPlatforms } from './platforms.ts';
import { remember, settle } from './remember.ts';
import { applyProved, editsOf, planRewrite } from './rewrite.ts';
import { isWholeTree } from './whole-tree.ts';

const EXAMPLES = `
tagproof pin                         pin everything in this repository
tagproof pin --diff deploy/          show what would change, write nothing
tagproof pin --update                take what the tags point to now
tagproof pin --adopt                 keep digests that others wrote and no registry can confirm
tagproof pin --frozen                only from tagproof.lock, without network
kustomize build . | tagproof pin - | kubectl apply -f -
tagproof pin --verify                only what the rules of tagproof.yaml accept
tagproof pin --prove                 render the tree before and after, refuse what changes more
tagproof pin --platform linux/amd64 --platform linux/arm64
`;

type Options = CommonOptions &
  FindFlags &
  RegistryFlags & {
    diff: boolean;
    update: boolean;
    frozen: boolean;
    adopt: boolean;
    lock?: string | false;
    platform: string[];
    onlyPlatform?: string;
    verify: boolean;
    prove: boolean;
  };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    findOptions(defineCommand('pin', 'Writes the digest behind every tag; every other byte stays as it is.', EXAMPLES)),
  )
    .option('--diff', 'show a unified diff and write nothing; exit code 1 if there is any', false)
    .option('--update', 'also move pins to what their tags point to now', false)
    .option(
      '--adopt',
      'keep digests that stand in the tree, are served, and that no registry can confirm for their tag',
      false,
    )
    .option('--frozen', 'use tagproof.lock only, ask no registry', false)
    .option('--lock <file>', LOCK_HELP)
    .option('--no-lock', 'neither read nor write a lock')
    .option('--platform <platform>', 'warn where an image lacks this platform (repeatable)', collect, [])
    .option('--verify', 'write only digests that pass the rules of tagproof.yaml', false)
    .option('--prove', 'render with kustomize and helm before and after; write only what changes digests alone', false)
    .option('--only-platform <platform>', 'pin the manifest of one platform instead of the index');
  return execute<Options>(command, args, async (paths, options, context) => {
    if (options.update && options.frozen)
      throw new Problem('usage', '--update asks registries and --frozen forbids it: choose one');
    if (options.adopt && (options.update || options.frozen))
      throw new Problem(
        'usage',
        '--adopt keeps what stands in the tree, and asks registries for it: leave out --update or --frozen',
      );
    if (options.prove && paths.includes('-'))
      throw new Problem('usage', '--prove renders a tree, and standard input is none');
    const project = await openProject(options);
    const { config } = project;
    const gathered = await gather(paths, options, project, context);
    return withClient(options, config, context, async (client) => {
      const lockFile = options.lock === false ? undefined : project.lock;
      const lock: Lock = lockFile === undefined ? new Map() : readLock(lockFile).lock;
      const lockBefore: Lock = new Map(lock);
      // Loaded only with --verify: the engine of signatures is the larger half of this program.
      const policy = options.verify ? await import('./pin-verify.ts') : undefined;
      const policyContext = await policy?.loadPolicyContext(config, lock);
      const mayAsk = (places: readonly PinnedPlace[]) =>
        policyContext && policy ? keepOnly(places, policy.splitForbidden(places, policyContext).allowed) : places;
      const confirmed = await confirmDigests(mayAsk(placesToAsk(gathered, lock, options)), {
        client,
        lock,
        keepsAll: options.adopt,
        progress: (done, total) => context.progress.show(`asked for ${done} of ${total} images`),
      });
      adoptInto(lock, confirmed.adopted);
      const wanted = gathered.found.filter((found) =>
        isTarget(found, lock, { update: options.update, edited: confirmed.edited }),
      );
      const forbidden = policyContext && policy?.splitForbidden(wanted, policyContext);
      const targets = forbidden?.allowed ?? wanted;
      const answers = await answerTargets(targets, { lock, known: confirmed.answers }, options, {
        client,
        progress: (done, total) => context.progress.show(`resolved ${done} of ${total} images`),
      });
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted; nothing was written');
      const required = options.platform.length > 0 ? options.platform : config.platforms;
      const platforms = await readPlatforms(client, answers, required, options);
      const chosen = new Map([...answers].map(([key, answer]) => [key, platforms.chosen.get(key) ?? answer]));
      const verified = policyContext && (await policy?.verifyAnswers(client, chosen, targets, policyContext));
      const resolved = verified?.answers ?? chosen;
      const denied = verified?.denied ?? new Map();
      const accepted = targets.filter(({ reference }) => !denied.has(printReference(withoutDigest(reference))));
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted; nothing was written');

      const plan = planEdits(gathered, accepted, resolved);
      const blocked = gathered.found.filter(isBlocked).map(unpinnedFinding);
      const digests = digestsOf(accepted, resolved);
      const said = saidOfLock({ gathered, lock, confirmed, digests, frozen: options.frozen });
      const findings = [
        ...blocked,
        ...invalidFindings(gathered.skipped),
        ...platforms.findings,
        ...(forbidden?.findings ?? []),
        ...(policy?.deniedFindings(targets, denied) ?? []),
        ...said.findings,
      ];
      const problems = [...gathered.problems, ...unresolved(targets, resolved), ...said.problems];
      const rows = { sections: pinnedSections(plan.planned, accepted, resolved), findings };
      const base = {
        command: 'pin',
        ...rows,
        data: { pinned: pinnedData(accepted, resolved), changed: [] as string[] },
      };

      if (gathered.stdin !== undefined) {
        const [only] = plan.planned;
        const edits = only === undefined ? [] : editsOf(only);
        if (options.diff)
          return {
            report: { ...base, problems, summary: [], diff: unifiedDiff(options.stdinName, gathered.stdin, edits) },
          };
        // Half of a stream must not reach `kubectl apply`: unless all is pinned nothing comes out.
        const failed = problems.length > 0 || findings.some(({ level }) => level === 'error');
        const stdout = failed || only === undefined ? '' : await applyProved(gathered.stdin, only, gathered.options);
        const summary = failed
          ? ['nothing was written to standard output']
          : [`pinned ${plural(edits.length, 'image')}`];
        return { report: { ...base, problems, summary }, stdout };
      }

      const rewrite = await planRewrite(plan.planned, {
        wantsDiff: options.diff,
        options: gathered.options,
        top: project.top,
      });
      const proof = options.prove && rewrite.stopped.length === 0 ? await import('./pin-prove.ts') : undefined;
      const proved = await proof?.proveRewrite(rewrite.changes, plan.planned, project, context);
      const unproved = proved?.refused ?? [];
      const { patternFindings } = await import('./renovate.ts');
      const beside = patternFindings({ cwd: project.cwd, top: project.top, planned: plan.planned, rewrite });
      const refused = new Set(rewrite.refused.map(({ where }) => where.file));
      const written = digestsOf(
        accepted.filter(({ file }) => !refused.has(file)),
        resolved,
      );
      const isWhole = isWholeTree(paths, options, project, gathered);
      let removed: string[] = [];
      if (!options.diff && lockFile !== undefined) {
        const knowsAll = isWhole || project.isBounded;
        const evidence = verified?.evidence ?? new Map();
        remember(lock, {
          gathered,
          pinned: [...written.keys()],
          answers: resolved,
          evidence,
          root: project.root,
          knowsAll,
        });
        if (isWhole && !options.frozen && problems.length + rewrite.refused.length === 0)
          removed = settle(lock, { gathered, digests: written, root: project.root });
      }
      const learned = !options.diff && lockFile !== undefined && isChanged(lockBefore, lock);
      // The lock comes first: when the machine dies in between, it knows images that no file pins yet, and running
      // again pins them to the same digests.
      const changes = [...(learned ? [lockChange(project, lockBefore, lock)] : []), ...rewrite.changes];
      const failed = rewrite.stopped.length + unproved.length > 0;
      const stopped = options.diff || failed;
      const outcome = stopped ? undefined : commitFiles(changes);
      const changed = options.diff
        ? rewrite.changes.map(({ file }) => file)
        : (outcome === undefined ? [] : changedFiles(outcome)).filter((file) => file !== lockFile);
      const noted = outcome === undefined ? [] : explainOutcome(outcome);
      if (failed && !options.diff) noted.push('nothing was changed');
      if (confirmed.adopted.length > 0) noted.push(adoptedLine(confirmed.adopted, options.diff));
      if (learned && outcome?.problems.length === 0) noted.push(lockLine(project.lock, lockBefore, lock, removed));
      const held = gathered.found.filter((found) => isHeld(found, lock)).length;
      if (held > 0) noted.push(`${plural(held, 'place')} held since a rollback: see hold in ${lockFile}`);
      const all = [...problems, ...rewrite.refused, ...rewrite.stopped, ...unproved, ...(outcome?.problems ?? [])];
      const inChanged = plan.planned.filter(({ result }) => changed.includes(result.file));
      return {
        report: {
          ...base,
          ...(options.diff && { diff: rewrite.diff }),
          sections: [
            ...(options.diff ? [] : rows.sections.filter(({ title }) => changed.includes(title as string))),
            ...adoptedSection(confirmed.adopted),
          ],
          findings: [
            ...findings,
            ...beside,
            ...(options.diff ? plan.changes.map((found) => wouldChange(found, resolved)) : []),
          ],
          problems: all,
          summary: [
            ...pinSummary(gathered, {
              changes: inChanged.reduce((sum, { changes }) => sum + changes.length, 0),
              changed,
              problems: all,
              dry: options.diff,
            }),
            ...(proof?.proofLines(proved) ?? []),
            ...noted,
            ...((policyContext && policy?.trustLines(policyContext)) ?? []),
            ...rateLimitLines(client),
            ...gathered.notes,
            ...projectLines(project),
          ],
          data: {
            project: projectData(project),
            pinned: pinnedData(accepted, resolved),
            adopted: adoptedData(confirmed.adopted),
            changed,
            ...(proved && { proof: proof?.proofData(proved) }),
          },
        },
      };
    });
  });
}

function keepOnly<T>(places: readonly T[], allowed: readonly unknown[]): T[] {
  const kept = new Set(allowed);
  return places.filter((place) => kept.has(place));
}
