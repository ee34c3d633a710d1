// Finds where a digest or an image runs, and where it ever ran.
import { useState } from 'preact/hooks';
import { getTags, getWhere, type Run } from './api.ts';
import { count, shortImage, time, titleOf } from './format.ts';

const MAX_DIGESTS = 20;
const MAX_LINES = 50;

/** For an image with a tag: the runs of every digest that the tag ever pointed to. */
async function findRuns(text: string): Promise<readonly Run[]> {
  const at = text.indexOf('sha256:');
  if (at >= 0) return (await getWhere(text.slice(at))).runs;
  const { tags } = await getTags(text);
  const digests = [...new Set(tags.flatMap(({ digest }) => digest ?? []))].slice(0, MAX_DIGESTS);
  const answers = await Promise.all(digests.map(getWhere));
  const runs = new Map(answers.flatMap((answer) => answer.runs).map((run) => [JSON.stringify(run), run]));
  return [...runs.values()];
}

export function Incident() {
  const [result, setResult] = useState<readonly Run[] | Error | undefined>();
  const submit = (event: Event) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get('digest')).trim();
    findRuns(text).then(setResult, (error: Error) => setResult(error));
  };
  return (
    <form onSubmit={submit} class="incident">
      <label>
        <span>Where does this digest or image run?</span>
        <input name="digest" placeholder="sha256:… or ghcr.io/org/app:v1" required />
      </label>
      <button type="submit">Find</button>
      {result !== undefined && (
        <output>
          <button type="button" class="link close" onClick={() => setResult(undefined)}>
            Clear
          </button>
          {result instanceof Error ? <span class="bad">{result.message}</span> : <Runs runs={result} />}
        </output>
      )}
    </form>
  );
}

function Runs({ runs }: { runs: readonly Run[] }) {
  if (runs.length === 0) return <>The ledger has no record that it ran.</>;
  const now = runs.filter(({ until }) => until === null).length;
  return (
    <>
      <b class={now > 0 ? 'bad' : ''}>
        {now > 0 ? `Runs in ${count(now, 'container')} now` : 'Runs nowhere now'}, ran in {runs.length} in total
      </b>
      <ul>
        {runs.slice(0, MAX_LINES).map((run) => (
          <li key={`${titleOf(run)} ${run.container} ${run.since} ${run.digest}`}>
            {titleOf(run)} <em>{run.container}</em>, <code>{shortImage(`${run.digest}`)}</code>, {time(run.since)} to{' '}
            {run.until === null ? <b>now</b> : time(run.until)}
          </li>
        ))}
      </ul>
    </>
  );
}
