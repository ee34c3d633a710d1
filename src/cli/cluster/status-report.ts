// What tagproof status prints: a table, a summary and findings from rows of what is deployed.
import { shortDigest } from '../../image/digest.ts';
import { type DeployedContainer, FILTERS, type RunningImage } from '../../inventory/deployed.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Finding, Report } from '../../report/report.ts';
import { short } from '../../report/text.ts';

/** Whether rows name their cluster, and whether a policy was evaluated. */
export type StatusColumns = { readonly clusters: boolean; readonly evaluation: boolean };

/** @param notes lines that follow the summary */
export function reportStatus(
  statuses: readonly DeployedContainer[],
  { clusters, evaluation }: StatusColumns,
  notes: readonly string[] = [],
): Report {
  const sorted = statuses.toSorted((a, b) => (titleOf(a, clusters) < titleOf(b, clusters) ? -1 : 1));
  const count = (is: (row: DeployedContainer) => boolean) => sorted.filter(is).length;
  const parts = [
    `${plural(sorted.length, 'container')}`,
    `${count((row) => !FILTERS.unpinned(row))} pinned`,
    ...(evaluation ? [`${count((row) => !FILTERS.unverified(row))} verified`] : []),
    `${count(FILTERS.moved)} whose tag has moved`,
    `${count(FILTERS.mixed)} with mixed replicas`,
    `${count(isGone)} no longer pullable`,
    `${count(FILTERS.unknown)} not known`,
  ];
  const head = ['workload', 'container', 'declared', 'runs', 'pods', 'tag now', ...(evaluation ? ['verified'] : [])];
  const rows = sorted.flatMap((row) => rowsOf(row, { clusters, evaluation }));
  return {
    command: 'status',
    listing: 'sections',
    sections: sorted.length === 0 ? [] : [{ head, rows }],
    findings: sorted.flatMap((row) => findingsOf(row, clusters)),
    problems: [],
    summary: [parts.join(', '), ...notes],
    data: { containers: sorted },
  };
}

function titleOf({ cluster, namespace, kind, name }: DeployedContainer, clusters: boolean): string {
  return `${clusters ? `${cluster}: ` : ''}${namespace}/${kind}/${name}`;
}

const isUnpullable = ({ pullable }: RunningImage) => pullable?.served === false;
const isGone = ({ running, tag }: DeployedContainer) => tag?.digest === null || running.some(isUnpullable);

/** A line for each digest that runs; the first one names the container. */
function rowsOf(row: DeployedContainer, { clusters, evaluation }: StatusColumns): Cell[][] {
  const { container, type, declared, running, mixed, pinned } = row;
  const list: readonly (RunningImage | undefined)[] = running.length === 0 ? [undefined] : running;
  return list.map((item, index) => {
    const runs = item?.digest === undefined ? 'not known' : shortDigest(item.digest);
    const first = index === 0;
    const style = pinned === 'digest' || pinned === 'both' ? 'good' : 'warn';
    return [
      first ? titleOf(row, clusters) : '',
      first ? (type === 'container' ? container : `${container} (${type})`) : '',
      first ? { text: short(declared.join(' and ')), style } : '',
      { text: runs, style: mixed ? 'bad' : item?.digest === undefined ? 'dim' : 'good' },
      item === undefined ? '0' : `${item.pods} on ${plural(item.nodes.length, 'node')}`,
      stateCell(row, item),
      ...(evaluation ? [evidenceCell(item)] : []),
    ];
  });
}

function stateCell({ missingPlatforms, tag }: DeployedContainer, item: RunningImage | undefined): Cell {
  if (item === undefined) return { text: 'nothing runs', style: 'dim' };
  const unpullable = isUnpullable(item) ? ', no longer pullable' : '';
  const missing =
    missingPlatforms === null || missingPlatforms.length === 0 ? '' : `, no longer for ${missingPlatforms.join(', ')}`;
  const more = unpullable + missing;
  const { identity } = item;
  switch (identity.state) {
    case 'same':
      return { text: `same${more}`, style: more === '' ? 'good' : 'bad' };
    case 'exact': {
      // A moved tag does not change what a pin runs, but the tag written before the digest is then
      // outdated.
      const now =
        tag?.digest != null && !item.image.endsWith(tag.digest)
          ? `, ${tag.name} is ${shortDigest(tag.digest)} now`
          : '';
      return { text: `pinned${now}${more}`, style: more === '' ? 'good' : 'bad' };
    }
    case 'moved':
      return { text: `moved to ${shortDigest(identity.now)}${more}`, style: more === '' ? 'warn' : 'bad' };
    case 'different':
      return { text: `runs something else than ${shortDigest(identity.declared)}${more}`, style: 'bad' };
    case 'unknown':
      return tag?.digest === null
        ? { text: `tag gone${more}`, style: 'bad' }
        : { text: `not known: ${identity.reason}${more}`, style: 'dim' };
  }
}

function evidenceCell(item: RunningImage | undefined): Cell {
  const found = item?.evidence;
  if (found == null) return { text: 'not known', style: 'dim' };
  if (found.outcome === 'open') return { text: `could not check: ${found.reason}`, style: 'dim' };
  if (found.outcome !== 'allow') return { text: found.reason, style: found.outcome === 'deny' ? 'bad' : 'warn' };
  return found.signers.length > 0
    ? { text: found.signers.join(', '), style: 'good' }
    : { text: `allowed, not signed: ${found.reason}`, style: 'warn' };
}

function findingsOf(row: DeployedContainer, clusters: boolean): Finding[] {
  const { container, declared, running, mixed, pinned, missingPlatforms } = row;
  const at = `${titleOf(row, clusters)} ${container}`;
  const image = declared[0] ?? '';
  const finding = (rule: Finding['rule'], level: Finding['level'], message: string): Finding => ({
    rule,
    level,
    image,
    message: `${at}: ${message}`,
  });
  const findings: Finding[] = [];
  if (pinned === 'tag') findings.push(finding('unpinned', 'warning', 'declared by a tag, which can move'));
  if (mixed)
    findings.push(
      finding(
        'mixed-replicas',
        'error',
        'pods of one template run different digests: the tag moved between their starts',
      ),
    );
  if (isGone(row))
    findings.push(
      finding(
        'digest-gone',
        'error',
        'its registry no longer serves what is declared or runs: a node without a copy cannot start this',
      ),
    );
  if (missingPlatforms !== null && missingPlatforms.length > 0)
    findings.push(
      finding('platform-missing', 'error', `the next pod cannot run on its nodes: no ${missingPlatforms.join(', ')}`),
    );
  for (const { identity, evidence } of running) {
    if (identity.state === 'moved')
      findings.push(finding('tag-moved', 'warning', `the tag is ${identity.now} now; the next pod runs that`));
    if (identity.state === 'different')
      findings.push(finding('runs-something-else', 'error', `declared ${identity.declared}, and another image runs`));
    if (evidence?.outcome === 'deny') findings.push(finding('policy-denied', 'error', evidence.reason));
    if (evidence?.outcome === 'warn') findings.push(finding('policy-warned', 'warning', evidence.reason));
  }
  return findings;
}
