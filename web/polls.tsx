// How fresh what is shown is, what registries get from us and allow, and what is asked next.

import { askPolls, type Polls } from './api.ts';
import { age, shortImage, span } from './format.ts';
import { TableHead } from './table-head.tsx';
import { Async, useQuery } from './use-query.tsx';

export function PollsView({ stamp }: { stamp: string }) {
  const polls = useQuery(askPolls, [stamp]);
  return (
    <Async of={polls} wait="Asking …">
      {(found) => <All polls={found} />}
    </Async>
  );
}

function All({ polls }: { polls: Polls }) {
  const { freshness, budget, next } = polls;
  const now = Date.parse(polls.at);
  const late = freshness.lateMs > freshness.objectiveMs;
  return (
    <>
      <h2>Freshness</h2>
      <p class={late ? 'bad' : 'good'}>
        {freshness.fresh} of {freshness.tags} tags and digests are as fresh as they should be; the oldest look that is
        due waits {span(freshness.lateMs)} (objective: {span(freshness.objectiveMs)} at the most)
      </p>
      <h2>Registries</h2>
      <table class="cards">
        <TableHead names={['Registry', 'As', 'Asked in the last hour', 'At most', 'It announces']} />
        <tbody>
          {budget.map(({ registry, credential, asked, perSecond, limit, restsUntil }) => (
            <tr key={`${registry} ${credential}`}>
              <th scope="row">{registry}</th>
              <td data-label="As">{credential}</td>
              <td data-label="Asked in the last hour">{asked}</td>
              <td data-label="At most">{Math.round(perSecond * 100) / 100} a second</td>
              <td data-label="It announces" class={restsUntil === undefined ? '' : 'warn'}>
                {limit === undefined
                  ? 'no limit'
                  : `${limit.remaining}${limit.limit === undefined ? '' : ` of ${limit.limit}`} left${limit.windowSeconds === undefined ? '' : ` in ${span(limit.windowSeconds * 1000)}`}`}
                {restsUntil !== undefined && <small>left to the nodes for {span(restsUntil - now)}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <h2>Next looks</h2>
      <table class="cards">
        <TableHead names={['Tag or digest', 'Looked at', 'Next']} />
        <tbody>
          {next.map(({ key, due, checked, failure }) => (
            <tr key={key}>
              <th scope="row">
                <code>{shortImage(key.replace(':sha256:', '@sha256:'))}</code>
              </th>
              <td data-label="Looked at" class={failure === null ? (checked === null ? 'unknown' : '') : 'bad'}>
                {checked === null ? 'not yet' : age(now - checked)}
                {failure !== null && <small>last try failed: {failure}</small>}
              </td>
              <td data-label="Next">{due <= now ? 'now' : `in ${span(due - now)}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
