// One container in full: what is known of it, the timeline to scrub through, what changed, where it runs besides, and the way back.
import { useEffect, useRef, useState } from 'preact/hooks';
import { askRuns, askTags, askWhere, type Evidence, type Row, type Run, type Tag } from './api.ts';
import { DiffOf } from './diff.tsx';
import { age, count, nameOfSeen, sayChecked, sayIdentity, sayPinned, short, time, titleOf } from './format.ts';
import { Back } from './rollback.tsx';
import { Timeline } from './timeline.tsx';
import { Async, useQuery } from './use-query.tsx';

type Known = {
  readonly runs: readonly Run[];
  readonly tags: readonly Tag[];
  readonly evidence: readonly Evidence[];
  readonly elsewhere: readonly Run[];
};

async function askAll(row: Row): Promise<Known> {
  const digests = row.running.flatMap(({ digest }) => digest ?? []).slice(0, 5);
  const [{ runs, evidence }, { tags }, where] = await Promise.all([
    askRuns(row),
    row.tag === undefined ? { tags: [] } : askTags((row.declared[0] ?? '').replace(/@.*/, '')),
    Promise.all(digests.map(askWhere)),
  ]);
  const others = where.flatMap((found) => found.runs);
  return {
    runs: runs.filter((run) => run.container === row.container),
    evidence,
    tags,
    elsewhere: others.filter(
      (run) => (titleOf(run) !== titleOf(row) || run.cluster !== row.cluster) && run.until === null,
    ),
  };
}

export function Drawer({ row, close }: { row: Row; close: () => void }) {
  const known = useQuery(() => askAll(row), [row], true);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    button.current?.focus();
    return () => before?.focus();
  }, [row]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && close();
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [close]);
  return (
    <aside role="dialog" aria-label={`${titleOf(row)} ${row.container}`}>
      <header>
        <h2>
          {titleOf(row)}{' '}
          <small>
            {row.container}
            {row.type === 'container' ? '' : ` (${row.type})`} in {row.cluster}
          </small>
        </h2>
        <button ref={button} type="button" onClick={close}>
          Close
        </button>
      </header>
      <Facts row={row} />
      <Async of={known} wait="Asking the ledger …">
        {(found) => <History row={row} known={found} />}
      </Async>
    </aside>
  );
}

function Facts({ row }: { row: Row }) {
  const identity = sayIdentity(row);
  const now = Date.now();
  return (
    <dl>
      <dt>Declared</dt>
      <dd>
        {row.declared.map((image) => (
          <code key={image}>{image}</code>
        ))}{' '}
        <em>{sayPinned(row).text}</em>
      </dd>
      <dt>State</dt>
      <dd class={identity.tone}>
        {identity.text}
        {identity.detail ? `: ${identity.detail}` : ''} <em>{sayChecked(row, now)}</em>
      </dd>
      {row.hold !== undefined && (
        <>
          <dt>Held</dt>
          <dd>
            at <code>{short(row.hold.digest)}</code> by {row.hold.by}, {time(row.hold.since)}: {row.hold.reason}
          </dd>
        </>
      )}
      {row.running.map((seen) => {
        const { digest, imageId, pods, nodes, evidence, pullable, blocked: never } = seen;
        const served = pullable?.served;
        return (
          <>
            <dt>Runs</dt>
            <dd key={digest ?? imageId}>
              <code>{nameOfSeen(seen)}</code>
              <em class="line">
                {count(pods, 'pod')} on {count(nodes.length, 'node')}
              </em>
              {never !== null && <span class="bad line">must never run: {never}</span>}
              <span
                class={
                  evidence?.outcome === 'allow'
                    ? 'good line'
                    : evidence?.outcome === 'deny'
                      ? 'bad line'
                      : 'unknown line'
                }
              >
                {evidence === null
                  ? 'nobody has looked at signatures'
                  : `${evidence.signers.length > 0 ? `signed by ${evidence.signers.join(', ')}; ` : ''}${evidence.reason}; checked ${age(now - evidence.checked)}`}
              </span>
              <span class={served === true ? 'good line' : served === false ? 'bad line' : 'unknown line'}>
                {served === true
                  ? 'can be pulled'
                  : served === false
                    ? 'can not be pulled any more'
                    : 'not known whether it can be pulled'}
                {pullable?.checked == null ? '' : `, looked at ${age(now - pullable.checked)}`}
              </span>
            </dd>
          </>
        );
      })}
    </dl>
  );
}

const inForce = <T extends { since: string; until: string | null }>(list: readonly T[], moment: number): T[] =>
  list.filter(({ since, until }) => Date.parse(since) <= moment && (until === null || Date.parse(until) > moment));

function History({ row, known: { runs, tags, evidence, elsewhere } }: { row: Row; known: Known }) {
  const now = Date.now();
  const from = Math.min(now - 60_000, ...[...runs, ...tags].map(({ since }) => Date.parse(since)));
  const [moment, setMoment] = useState(now);
  const isNow = moment >= now - 1000;
  const ran = inForce(runs, moment);
  const pointed = inForce(tags, moment)[0];
  return (
    <>
      <h3>When</h3>
      <Timeline runs={runs} tags={tags} now={now} moment={moment} />
      <label class="scrub">
        <span>What was at …</span>
        <input
          type="range"
          min={from}
          max={now}
          step="1000"
          value={moment}
          aria-valuetext={`${time(new Date(moment).toISOString())} UTC`}
          onInput={(event) => setMoment(Number(event.currentTarget.value))}
        />
      </label>
      <p class="then" aria-live="polite">
        <b>{isNow ? 'Now' : `${time(new Date(moment).toISOString())} UTC`}</b>:{' '}
        {ran.length === 0
          ? isNow
            ? 'nothing runs'
            : 'nothing ran'
          : ran.map(({ digest, pods, actor, revision }) => (
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
      <Compare runs={runs} tags={tags} />
      <h3>Go back</h3>
      <Back row={row} runs={runs} evidence={evidence} />
      <h3>Evidence</h3>
      {evidence.length === 0 ? (
        <p class="unknown">Nothing is recorded: there are no rules, or nobody has looked yet.</p>
      ) : (
        <ul>
          {evidence.map(({ digest, outcome, signers, reason, since, until }) => (
            <li key={`${digest} ${since}`} class={outcome === 'allow' ? '' : outcome === 'deny' ? 'bad' : 'unknown'}>
              <code>{short(digest)}</code> {outcome === 'open' ? 'could not be checked' : outcome}
              {signers.length > 0 ? `, signed by ${signers.join(', ')}` : ''}, {time(since)} to{' '}
              {until === null ? 'now' : time(until)}
              <small class="line">{reason}</small>
            </li>
          ))}
        </ul>
      )}
      <h3>Runs elsewhere too</h3>
      {elsewhere.length === 0 ? (
        <p class="quiet">Nowhere else now.</p>
      ) : (
        <ul>
          {elsewhere.map((run) => (
            <li key={`${run.cluster} ${titleOf(run)} ${run.container} ${run.digest}`}>
              {titleOf(run)}{' '}
              <em>
                {run.container} in {run.cluster}, since {age(now - Date.parse(run.since))}
              </em>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Any two digests that it ran or that its tag pointed to. */
function Compare({ runs, tags }: { runs: readonly Run[]; tags: readonly Tag[] }) {
  const all = [...new Set([...tags, ...runs].flatMap(({ digest }) => digest ?? []))];
  const [pair, setPair] = useState<readonly [string, string]>([all[1] ?? '', all[0] ?? '']);
  if (all.length < 2) return null;
  const pick = (label: string, index: 0 | 1) => (
    <label>
      <span>{label}</span>
      <select
        value={pair[index]}
        onChange={({ currentTarget: { value } }) => setPair(index === 0 ? [value, pair[1]] : [pair[0], value])}
      >
        {all.map((digest) => (
          <option key={digest} value={digest}>
            {short(digest)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      <h3>What changed</h3>
      <div class="pair">
        {pick('From', 0)}
        {pick('To', 1)}
      </div>
      {pair[0] !== '' && pair[0] !== pair[1] && <DiffOf from={pair[0]} to={pair[1]} />}
    </>
  );
}
