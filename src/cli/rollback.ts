// tagproof rollback: back to exactly what ran before, third-party images too; into the files, for Git, or into the cluster.
import { userInfo } from 'node:os';
import type { Edit, Found } from '../flow.ts';
import { shortDigest } from '../image/digest.ts';
import { repositoryOf, tagKey } from '../image/reference.ts';
import { openBench } from '../judge/judge.ts';
import type { RollbackEvent } from '../ledger/event.ts';
import { printLock, readLock } from '../lock/lock.ts';
import { Problem } from '../problem.ts';
import type { Cell, Report } from '../report/report.ts';
import { pinEdit } from '../source/edit.ts';
import { type Candidate, type Checked, candidatesOf, check, choose } from '../survey/rollback.ts';
import { type ClusterFlags, clusterOptions, withCluster } from './cluster.ts';
import { type Gathered, gather, loadConfig } from './gather.ts';
import { time, withLedger } from './history.ts';
import { writeLock } from './pin-lock.ts';
import { type RegistryFlags, registryOptions, withClient } from './registry.ts';
import { type Planned, rewriteFiles } from './rewrite.ts';
import { applyToCluster } from './rollback-cluster.ts';
import { plural } from './scan.ts';
import { type CommonOptions, type Context, execute, verb } from './verb.ts';

const EXAMPLES = `
tagproof rollback shop/Deployment/web                                    what it could go back to
tagproof rollback shop/Deployment/web --to sha256:3590… --diff           what would change in the files here
tagproof rollback shop/Deployment/web --to 2026-11-24T14:59:00Z --reason "v2 leaks"   writes it, for Git
tagproof rollback shop/Deployment/web --to sha256:3590… --reason … --apply            into the cluster
`;

type Options = CommonOptions &
  RegistryFlags &
  ClusterFlags & { to?: string; reason?: string; diff: boolean; apply: boolean; ledger: string; lock: string };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    clusterOptions(verb('rollback', 'Goes back to exactly what a workload ran before.', EXAMPLES)),
  )
    .argument('<workload>', 'NAMESPACE/KIND/NAME')
    .argument('[paths...]', 'files and folders with its manifests (default: .)')
    .option('--to <digest or time>', 'what to go back to; left out, the candidates are listed')
    .option('--reason <text>', 'why; kept in the lock and in the ledger')
    .option('--diff', 'show what would change in the files, and change nothing', false)
    .option('--apply', 'into the cluster instead of the files', false)
    .option('--ledger <where>', 'a file or postgres://…', 'tagproof.db')
    .option('--lock <file>', 'keeps the hold, which pin --update respects', 'tagproof.lock');
  return execute<Options>(command, args, async ([what = '', ...paths], options, context) => {
    const workload = workloadOf(what);
    const config = await loadConfig(options.config);
    const bench = config.rules.length === 0 ? undefined : await openBench(config, readLock(options.lock).lock);
    const runs = await withLedger(options.ledger, (ledger) => ledger.runHistory(workload));
    const candidates = candidatesOf(runs);
    return withClient(options, config, context, async (client) => {
      const checkAll = (list: readonly Candidate[]) =>
        Promise.all(list.map((candidate) => check(candidate, client, bench, workload.namespace)));
      if (options.to === undefined) return { report: listing(what, await checkAll(candidates)) };
      const chosen = await checkAll(choose(candidates, targetOf(options.to)));
      const refused = chosen.filter(({ notPullable, denied }) => (notPullable ?? denied) !== undefined);
      if (refused.length > 0) return { report: refusal(what, refused) };
      if (!options.diff && options.reason === undefined)
        throw new Problem('usage', 'expected --reason: who looks at this later wants to know why');
      const report = options.apply
        ? await intoCluster(workload, chosen, options)
        : await intoFiles(
            workload,
            chosen,
            await gather(paths, { exclude: [], stdinName: 'stdin.yaml' }, config, context),
            options,
            context,
          );
      return { report };
    });
  });
}

type Workload = { readonly namespace: string; readonly kind: string; readonly name: string };

function workloadOf(text: string): Workload {
  const [, namespace, kind, name] = /^([a-z0-9-]+)\/([A-Za-z]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace === undefined || kind === undefined || name === undefined)
    throw new Problem('usage', `'${text}': expected NAMESPACE/KIND/NAME, as shop/Deployment/web`);
  return { namespace, kind, name };
}

function targetOf(text: string): string | Date {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text;
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime()))
    throw new Problem('usage', `--to '${text}': expected a digest (sha256:…) or a time (2026-11-24T14:59:00Z)`);
  return moment;
}

function listing(what: string, checked: readonly Checked[]): Report {
  return {
    verb: 'rollback',
    sections:
      checked.length === 0
        ? []
        : [
            {
              title: what,
              head: ['container', 'image', 'digest', 'since', 'until', 'can be gone back to'],
              rows: checked.map(rowOf),
            },
          ],
    findings: [],
    problems: [],
    summary: [
      checked.length === 0
        ? 'the ledger knows nothing of it'
        : `${plural(checked.length, 'candidate')}; choose with --to DIGEST or --to TIME`,
    ],
    data: { candidates: checked },
  };
}

function rowOf({ interval, reference, current, notPullable, denied }: Checked): Cell[] {
  const { container, digest, since, until } = interval;
  const says: Cell = current
    ? { text: 'runs now', style: 'dim' }
    : notPullable !== undefined
      ? { text: `no: ${notPullable.message}`, style: 'bad' }
      : denied !== undefined
        ? { text: `no: ${denied}`, style: 'bad' }
        : { text: 'yes', style: 'good' };
  const name = reference.tag === undefined ? reference.name : `${reference.name}:${reference.tag}`;
  return [container, name, shortDigest(digest), time(since), until === null ? 'now' : time(until), says];
}

/** What cannot be pulled, or would not be let in, is not gone back to: that would be the next outage. */
function refusal(what: string, refused: readonly Checked[]): Report {
  const open = ({ notPullable, open: unsure }: Checked) =>
    unsure === true || (notPullable !== undefined && notPullable.code !== 'not-found');
  const messageOf = ({ interval, notPullable, denied }: Checked) =>
    `${what} ${interval.container}: ${notPullable === undefined ? `today's policy denies it: ${denied}` : `it cannot be pulled: ${notPullable.message}`}`;
  return {
    verb: 'rollback',
    sections: [],
    findings: refused
      .filter((item) => !open(item))
      .map((item) => ({
        rule: item.notPullable === undefined ? 'policy-denied' : 'digest-gone',
        level: 'error',
        image: item.reference.text,
        message: messageOf(item),
      })),
    problems: refused
      .filter(open)
      .map((item) => new Problem('unreachable', messageOf(item), { image: item.reference.text })),
    summary: ['nothing was changed'],
    data: { refused },
  };
}

async function intoFiles(
  workload: Workload,
  chosen: readonly Checked[],
  gathered: Gathered,
  options: Options,
  { signal }: Context,
): Promise<Report> {
  const edits = new Map<Found, Edit>();
  const done: { candidate: Checked; found: Found }[] = [];
  const problems: Problem[] = [...gathered.problems];
  for (const candidate of chosen) {
    const places = gathered.found.filter((found) => isPlaceOf(found, workload, candidate));
    if (places.length === 0)
      problems.push(
        new Problem(
          'not-found',
          `no file here has ${repositoryOf(candidate.reference)} in ${workload.kind}/${workload.name}`,
        ),
      );
    for (const found of places) {
      try {
        const edit = editOf(found, candidate);
        if (edit !== undefined) edits.set(found, edit);
        done.push({ candidate, found });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        problems.push(error);
      }
    }
  }
  // All of a workload goes back, or nothing of it: halves of two releases never ran together.
  const failed = problems.length > 0 || signal.aborted;
  const planned = gathered.results.map(
    (result): Planned => ({ result, edits: failed ? [] : result.found.flatMap((found) => edits.get(found) ?? []) }),
  );
  const { changed, diff, problems: unwritten } = rewriteFiles(planned, !options.diff);
  if (!options.diff && !failed) {
    hold(
      done.map(({ candidate }) => candidate),
      options,
    );
    await record(workload, chosen, options, 'files');
  }
  return {
    verb: 'rollback',
    sections: [],
    findings: [],
    problems: [...problems, ...unwritten],
    ...(options.diff && { diff }),
    summary: [
      failed
        ? 'nothing was changed'
        : options.diff
          ? `would change ${plural(changed.length, 'file')}`
          : `changed ${plural(changed.length, 'file')}; ${options.lock} holds it against pin --update; commit both`,
    ],
    data: { changed, to: chosen.map(({ reference }) => reference.text) },
  };
}

function isPlaceOf({ object, namespace, reference }: Found, workload: Workload, { reference: to }: Candidate): boolean {
  return (
    object === `${workload.kind}/${workload.name}` &&
    (namespace === undefined || namespace === workload.namespace) &&
    repositoryOf(reference) === repositoryOf(to)
  );
}

/** The digest where one stands or belongs; where the tag was another one, the whole reference, for a tag must not lie (T5). */
function editOf(found: Found, { reference: to }: Candidate): Edit | undefined {
  const { reference, slot, start, end } = found;
  if (reference.tag === to.tag) return pinEdit(found, to.digest as string);
  const whole = slot.pin?.at === end || slot.digest?.[1] === end;
  const text = `${reference.name}${to.tag === undefined ? '' : `:${to.tag}`}@${to.digest}`;
  if (whole) return { start, end, text };
  throw new Problem(
    'refused',
    `the tag was ${to.tag} then, and stands in a field of its own here: write ${to.tag} and ${to.digest} by hand`,
    {
      file: found.file,
      line: found.line,
      column: found.column,
      image: reference.text,
    },
  );
}

function hold(candidates: readonly Checked[], { lock: file, reason = '' }: Options): void {
  const { lock, bytes } = readLock(file);
  const at = new Date().toISOString();
  for (const { reference, interval } of candidates) {
    if (reference.tag === undefined) continue;
    const { digest: _, ...tagged } = reference;
    lock.set(tagKey(tagged), {
      digest: interval.digest,
      firstSeen: interval.since,
      source: 'registry',
      hold: { reason, by: userInfo().username, at },
    });
  }
  writeLock(file, printLock(lock), bytes);
}

async function intoCluster(workload: Workload, chosen: readonly Checked[], options: Options): Promise<Report> {
  const images = new Map(chosen.map(({ interval, reference }) => [interval.container, reference.text]));
  const changed = await withCluster(options, (kube) => applyToCluster(kube, workload, images, options.diff));
  if (!options.diff) await record(workload, chosen, options, 'cluster');
  return {
    verb: 'rollback',
    sections: [
      { head: ['container', 'was', 'is'], rows: changed.map(({ container, from, to }) => [container, from, to]) },
    ],
    findings: [],
    problems: [],
    summary: [
      options.diff
        ? 'the API server would take it; nothing was changed'
        : `${plural(changed.length, 'container')} went back; Git still says something else: run it without --apply too`,
    ],
    data: { changed },
  };
}

function record(
  workload: Workload,
  chosen: readonly Checked[],
  options: Options,
  way: RollbackEvent['way'],
): Promise<unknown> {
  const { kind, name, namespace } = workload;
  const events = chosen.map(
    ({ interval, reference }): RollbackEvent => ({
      kind: 'rollback',
      cluster: way === 'cluster' ? interval.cluster : null,
      namespace,
      workload: { kind, name },
      container: interval.container,
      image: reference.text,
      digest: interval.digest,
      reason: options.reason ?? '',
      by: userInfo().username,
      way,
    }),
  );
  return withLedger(options.ledger, (ledger) => ledger.append(events));
}
