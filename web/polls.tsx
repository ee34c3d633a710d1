// How fresh the shown state is, what registries get from us and allow, and the next polls.

import { getPolls, type Polls } from './api.ts';
import { age, shortImage, span } from './format.ts';
import { TableHead } from './table-head.tsx';
import { Async, useQuery } from './use-query.tsx';

export function PollsView({ stamp }: { stamp: string }) {
  const polls = useQuery(getPolls, [stamp]);
  return (
    <Async of={polls}>
      {(answer) => (
        <>
          <FreshnessLine freshness={answer.freshness} />
          <Registries polls={answer} />
          <NextPolls polls={answer} />
        </>
      )}
    </Async>
  );
}

function FreshnessLine({ freshness: { lateMs, objectiveMs, fresh, tags } }: Pick<Polls, 'freshness'>) {
  return (
    <>
      <h2>Freshness</h2>
      <p class={lateMs > objectiveMs ? 'bad' : 'good'}>
        {fresh} of {tags} tags and digests are as fresh as they should be; the oldest poll that is due is {span(lateMs)}{' '}
        late (objective: at most {span(objectiveMs)})
      </p>
    </>
  );
}

const REGISTRY_COLUMNS = ['Registry', 'User', 'Requests in the last hour', 'At most', 'Announced limit'] as const;

function Registries({ polls: { budget, at } }: { polls: Polls }) {
  const [, user, requests, most, announced] = REGISTRY_COLUMNS;
  return (
    <>
      <h2>Registries</h2>
      <table class="cards">
        <TableHead names={REGISTRY_COLUMNS} />
        <tbody>
          {budget.map(({ registry, credential, asked, perSecond, limit, restsUntil }) => (
            <tr key={`${registry} ${credential}`}>
              <th scope="row">{registry}</th>
              <td data-label={user}>{credential}</td>
              <td data-label={requests}>{asked}</td>
              <td data-label={most}>{Math.round(perSecond * 100) / 100} a second</td>
              <td data-label={announced} class={restsUntil === undefined ? '' : 'warn'}>
                {limitText(limit)}
                {restsUntil !== undefined && <small>left to the nodes for {span(restsUntil - Date.parse(at))}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function limitText(announced: Polls['budget'][number]['limit']): string {
  if (announced === undefined) return 'none';
  const { limit, remaining, windowSeconds } = announced;
  const total = limit === undefined ? '' : ` of ${limit}`;
  return `${remaining}${total} left${windowSeconds === undefined ? '' : ` in ${span(windowSeconds * 1000)}`}`;
}

function NextPolls({ polls: { next, at } }: { polls: Polls }) {
  const now = Date.parse(at);
  return (
    <>
      <h2>Next polls</h2>
      <table class="cards">
        <TableHead names={['Tag or digest', 'Checked', 'Next']} />
        <tbody>
          {next.map(({ key, due, checked, failure }) => (
            <tr key={key}>
              <th scope="row">
                <code>{shortImage(key.replace(':sha256:', '@sha256:'))}</code>
              </th>
              <td data-label="Checked" class={failure === null ? (checked === null ? 'unknown' : '') : 'bad'}>
                {checked === null ? 'not yet' : age(now - checked)}
                {failure !== null && <small>last poll failed: {failure}</small>}
              </td>
              <td data-label="Next">{due <= now ? 'now' : `in ${span(due - now)}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
