// Alarms that fire and that fired, and messages that a sink has not accepted.
import { ALARM_CODES, type AlarmCode } from '../src/policy/alarm-codes.ts';
import { type Alarm, type Alarms, getAlarms } from './api.ts';
import { age, count, time } from './format.ts';
import { Async, useQuery } from './use-query.tsx';

export function AlarmsView({ stamp }: { stamp: string }) {
  const alarms = useQuery(getAlarms, [stamp]);
  return <Async of={alarms}>{(answer) => <All {...answer} />}</Async>;
}

function All({ alarms, waiting }: Alarms) {
  const firing = alarms.filter(({ until }) => until === null);
  const ended = alarms.filter(({ until }) => until !== null);
  return (
    <>
      {waiting.map(({ sink, count: messages, failure }) => (
        <p key={sink} class="warn">
          {count(messages, 'message')} for {sink} not delivered yet
          {failure === null ? '' : `: ${failure}`}
        </p>
      ))}
      <h2>Now</h2>
      {firing.length === 0 ? <p class="quiet">No alarm fires.</p> : <List alarms={firing} />}
      <h2>Earlier</h2>
      {ended.length === 0 ? <p class="quiet">None yet.</p> : <List alarms={ended} />}
    </>
  );
}

/** An alarm of an older version may have a code that the table no longer has. */
const meaningOf = (code: string) => (code in ALARM_CODES ? ALARM_CODES[code as AlarmCode].text : undefined);

function List({ alarms }: { alarms: readonly Alarm[] }) {
  const sorted = alarms.toSorted((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'));
  return (
    <ul class="moves">
      {sorted.map(({ key, code, severity, subject, message, about, since, until }) => (
        <li key={key}>
          <b class={severity === 'critical' ? 'bad' : 'warn'} title={meaningOf(code)}>
            {code}
          </b>
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
