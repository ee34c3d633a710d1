// How two digests differ: who signed, what they are built from, configuration, environment, layers.

import { askDiff, type Diff } from './api.ts';
import { short, shortImage } from './format.ts';
import { TableHead } from './table-head.tsx';
import { Async, useQuery } from './use-query.tsx';

export function DiffOf({ from, to }: { from: string; to: string }) {
  const diff = useQuery(() => askDiff(from, to), [from, to], true);
  return (
    <Async of={diff} wait="Comparing …">
      {(found) => <All {...{ from, to, diff: found }} />}
    </Async>
  );
}

function All({ from, to, diff }: { from: string; to: string; diff: Diff }) {
  const { from: was, to: is } = diff.signers;
  const signer = (list: readonly string[] | null) =>
    list === null ? 'not checked' : list.join(', ') || 'nobody whom the policy trusts';
  const changed = was !== null && is !== null && was.join() !== is.join();
  return (
    <div class="diff">
      <p>
        <code>{short(from)}</code> → <code>{short(to)}</code>
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
      <p class={changed ? 'bad' : ''}>
        Signed by {signer(was)}
        {changed ? `; now ${signer(is)}` : was === null ? '' : ', both'}
      </p>
      {diff.platform === undefined ? (
        <p class="unknown">What these are made of has not been read, so nothing can be compared.</p>
      ) : diff.differences.length === 0 ? (
        <p class="quiet">The same configuration and layers.</p>
      ) : (
        <table>
          <TableHead names={['What', 'Was', 'Is']} />
          <tbody>
            {diff.differences.map(({ what, name, from: before, to: after }) => (
              <tr key={`${what} ${name} ${before} ${after}`}>
                <th scope="row">
                  {what} {name}
                </th>
                <td class="minus">{before === undefined ? '—' : say(what, before)}</td>
                <td class="plus">{after === undefined ? '—' : say(what, after)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

/** Values of the environment are kept by their hash only. */
const say = (what: string, value: string) => <code>{what === 'env' ? `hash ${value}` : shortImage(value)}</code>;
