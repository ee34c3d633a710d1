// What is wrong, since when; and who could not be told.
import { type Alarm, askAlarms } from './api.ts';
import { age, time } from './format.ts';
import { Async, useQuery } from './use-query.tsx';

type Known = Awaited<ReturnType<typeof askAlarms>>;

export function Alarms({ stamp }: { stamp: string }) {
  const known = useQuery(askAlarms, [stamp]);
  return (
    <Async of={known} wait="Asking the ledger …">
      {(found) => <All {...found} />}
    </Async>
  );
}

function All({ alarms, waiting }: Known) {
  const open = alarms.filter(({ until }) => until === null);
  const ended = alarms.filter(({ until }) => until !== null);
  return (
    <>
      {waiting.map(({ sink, count, failure }) => (
        <p key={sink} class="warn">
          {count} messages wait for {sink}
          {failure === null ? '' : `: ${failure}`}
        </p>
      ))}
      <h2>Now</h2>
      {open.length === 0 ? <p class="quiet">Nothing stands.</p> : <List alarms={open} />}
      <h2>Before</h2>
      {ended.length === 0 ? <p class="quiet">Nothing yet.</p> : <List alarms={ended} />}
    </>
  );
}

function List({ alarms }: { alarms: readonly Alarm[] }) {
  const sorted = alarms.toSorted((a, b) => (a.severity === b.severity ? 0 : a.severity === 'critical' ? -1 : 1));
  return (
    <ul class="moves">
      {sorted.map(({ key, code, severity, subject, message, about, since, until }) => (
        <li key={key}>
          <b class={severity === 'critical' ? 'bad' : 'warn'}>{code}</b>
          <span>
            {subject}
            {about['cluster'] === undefined ? '' : <em> in {about['cluster']}</em>}: {message}
          </span>
          <small>
            {until === null ? `since ${age(Date.now() - Date.parse(since))}` : `${time(since)} UTC`} · {severity}
          </small>
        </li>
      ))}
    </ul>
  );
}
