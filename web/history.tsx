// The history of one container: a timeline to move through, what changed, evidence, other places,
// and how to roll back.
import { useState } from 'preact/hooks';
import { type Evidence, getHistory, getTags, getWhere, type Row, type Run, type Tag } from './api.ts';
import { Compare } from './compare.tsx';
import { age, count, short, time, timeOf, titleOf, toneOf } from './format.ts';
import { Rollback } from './rollback.tsx';
import { Timeline } from './timeline.tsx';
import { Async, useQuery } from './use-query.tsx';

type Recorded = {
  readonly runs: readonly Run[];
  readonly tags: readonly Tag[];
  readonly evidence: readonly Evidence[];
  readonly elsewhere: readonly Run[];
};

const MAX_DIGESTS = 5;

async function getRecorded(row: Row): Promise<Recorded> {
  const digests = row.running.flatMap(({ digest }) => digest ?? []).slice(0, MAX_DIGESTS);
  const [{ runs, evidence }, { tags }, where] = await Promise.all([
    getHistory(row),
    row.tag === undefined ? { tags: [] } : getTags((row.declared[0] ?? '').replace(/@.*/, '')),
    Promise.all(digests.map(getWhere)),
  ]);
  const isHere = (run: Run) => titleOf(run) === titleOf(row) && run.cluster === row.cluster;
  return {
    runs: runs.filter((run) => run.container === row.container),
    evidence,
    tags,
    elsewhere: where.flatMap((answer) => answer.runs).filter((run) => !isHere(run) && run.until === null),
  };
}

export function HistoryOf({ row }: { row: Row }) {
  const recorded = useQuery(() => getRecorded(row), [row], true);
  return (
    <Async of={recorded}>
      {({ runs, tags, evidence, elsewhere }) => (
        <>
          <h3>When</h3>
          <Moments runs={runs} tags={tags} />
          <Compare runs={runs} tags={tags} />
          <h3>Roll back</h3>
          <Rollback row={row} runs={runs} evidence={evidence} />
          <h3>Evidence</h3>
          <EvidenceList evidence={evidence} />
          <h3>Also runs in</h3>
          <Elsewhere runs={elsewhere} />
        </>
      )}
    </Async>
  );
}

const activeAt = <T extends { since: string; until: string | null }>(list: readonly T[], moment: number): T[] =>
  list.filter(({ since, until }) => Date.parse(since) <= moment && (until === null || Date.parse(until) > moment));

function Moments({ runs, tags }: { runs: readonly Run[]; tags: readonly Tag[] }) {
  const now = Date.now();
  const from = Math.min(now - 60_000, ...[...runs, ...tags].map(({ since }) => Date.parse(since)));
  const [moment, setMoment] = useState(now);
  const isNow = moment >= now - 1000;
  const ran = activeAt(runs, moment);
  const pointed = activeAt(tags, moment)[0];
  return (
    <>
      <Timeline runs={runs} tags={tags} now={now} moment={moment} />
      <label class="scrub">
        <span>Show the state at …</span>
        <input
          type="range"
          min={from}
          max={now}
          step="1000"
          value={moment}
          aria-valuetext={`${timeOf(moment)} UTC`}
          onInput={(event) => setMoment(Number(event.currentTarget.value))}
        />
      </label>
      <p class="then" aria-live="polite">
        <b>{isNow ? 'Now' : `${timeOf(moment)} UTC`}</b>:{' '}
        {ran.length === 0 && (isNow ? 'nothing runs. ' : 'nothing ran. ')}
        {ran.map(({ digest, pods, actor, revision }) => (
          <span key={digest}>
            {isNow ? 'runs' : 'ran'} <code>{short(digest)}</code> on up to {count(pods, 'pod')}
            {revision === '' ? '' : `, revision ${revision}`}
            {actor === null ? '' : `, by ${actor}`}.{' '}
          </span>
        ))}
        {pointed !== undefined && (
          <>
            The tag {isNow ? 'points' : 'pointed'} to{' '}
            {pointed.digest === null ? <b class="bad">nothing</b> : <code>{short(pointed.digest)}</code>}.
          </>
        )}
      </p>
    </>
  );
}

function EvidenceList({ evidence }: { evidence: readonly Evidence[] }) {
  if (evidence.length === 0)
    return <p class="unknown">None is recorded: there are no rules, or the image was not evaluated yet.</p>;
  return (
    <ul>
      {evidence.map((item) => {
        const { digest, outcome, signers, reason, since, until } = item;
        return (
          <li key={`${digest} ${since}`} class={outcome === 'allow' ? '' : toneOf(item)}>
            <code>{short(digest)}</code> {outcome === 'open' ? 'could not be checked' : outcome}
            {signers.length > 0 ? `, signed by ${signers.join(', ')}` : ''}, {time(since)} to{' '}
            {until === null ? 'now' : time(until)}
            <small class="line">{reason}</small>
          </li>
        );
      })}
    </ul>
  );
}

function Elsewhere({ runs }: { runs: readonly Run[] }) {
  if (runs.length === 0) return <p class="quiet">Nowhere else.</p>;
  return (
    <ul>
      {runs.map((run) => (
        <li key={`${run.cluster} ${titleOf(run)} ${run.container} ${run.digest}`}>
          {titleOf(run)}{' '}
          <em>
            {run.container} in {run.cluster}, since {age(Date.now() - Date.parse(run.since))}
          </em>
        </li>
      ))}
    </ul>
  );
}
