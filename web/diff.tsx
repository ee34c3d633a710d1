// How two digests differ: signers, platforms, configuration, environment, layers.

import { type Diff, getDiff } from './api.ts';
import { short, shortImage } from './format.ts';
import { TableHead } from './table-head.tsx';
import { Async, useQuery } from './use-query.tsx';

export function DiffOf({ from, to }: { from: string; to: string }) {
  const diff = useQuery(() => getDiff(from, to), [from, to], true);
  return <Async of={diff}>{(answer) => <All diff={answer} />}</Async>;
}

function All({ diff }: { diff: Diff }) {
  return (
    <div class="diff">
      <p>
        <code>{short(diff.from)}</code> → <code>{short(diff.to)}</code>
        {diff.platform === undefined ? '' : `, as built for ${diff.platform}`}
        {diff.commits !== undefined && (
          <>
            {' · '}
            <a href={diff.commits} rel="noreferrer noopener">
              commits between them
            </a>
          </>
        )}
      </p>
      <Signers {...diff.signers} />
      <Differences diff={diff} />
    </div>
  );
}

function Signers({ from, to }: Diff['signers']) {
  const print = (signers: readonly string[] | null) =>
    signers === null ? 'not checked' : signers.join(', ') || 'nobody whom the policy trusts';
  const changed = from !== null && to !== null && from.join() !== to.join();
  return (
    <p class={changed ? 'bad' : ''}>
      Signed by {print(from)}
      {changed ? `; now ${print(to)}` : from === null ? '' : ', both'}
    </p>
  );
}

function Differences({ diff: { platform, differences } }: { diff: Diff }) {
  if (platform === undefined)
    return <p class="unknown">One of the two images has not been read, so they cannot be compared.</p>;
  if (differences.length === 0) return <p class="quiet">The same configuration and layers.</p>;
  return (
    <table>
      <TableHead names={['What', 'Before', 'After']} />
      <tbody>
        {differences.map(({ what, name, from, to }) => (
          <tr key={`${what} ${name} ${from} ${to}`}>
            <th scope="row">
              {what} {name}
            </th>
            <td class="minus">{from === undefined ? '—' : <Value what={what} text={from} />}</td>
            <td class="plus">{to === undefined ? '—' : <Value what={what} text={to} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Values of the environment are recorded as hashes only. */
const Value = ({ what, text }: { what: string; text: string }) => (
  <code>{what === 'env' ? `hash ${text}` : shortImage(text)}</code>
);
