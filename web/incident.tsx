// Paste a digest or an image: where does it run, and where did it ever?
import { useState } from 'preact/hooks';
import { askTags, askWhere, type Run } from './api.ts';
import { shortImage, time, titleOf } from './format.ts';

const MAX_DIGESTS = 20;
const MAX_LINES = 50;

/** Of an image with a tag: every digest that it was ever seen to point to. */
async function look(text: string): Promise<readonly Run[]> {
  const at = text.indexOf('sha256:');
  if (at >= 0) return (await askWhere(text.slice(at))).runs;
  const { tags } = await askTags(text);
  const digests = [...new Set(tags.flatMap(({ digest }) => digest ?? []))].slice(0, MAX_DIGESTS);
  const answers = await Promise.all(digests.map(askWhere));
  const runs = new Map(answers.flatMap((answer) => answer.runs).map((run) => [JSON.stringify(run), run]));
  return [...runs.values()];
}

export function Incident() {
  const [found, setFound] = useState<readonly Run[] | string | undefined>();
  const submit = (event: Event) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get('digest')).trim();
    look(text).then(setFound, (problem: Error) => setFound(problem.message));
  };
  const now = typeof found === 'object' ? found.filter(({ until }) => until === null).length : 0;
  return (
    <form onSubmit={submit} class="incident">
      <label>
        <span>Where does this digest or image run?</span>
        <input name="digest" placeholder="sha256:… or ghcr.io/org/app:v1" required />
      </label>
      <button type="submit">Look</button>
      {found !== undefined && (
        <output>
          <button type="button" class="link close" onClick={() => setFound(undefined)}>
            Clear
          </button>
          {typeof found === 'string' ? (
            <span class="bad">{found}</span>
          ) : found.length === 0 ? (
            'It never ran here, as far as the ledger knows.'
          ) : (
            <>
              <b class={now > 0 ? 'bad' : ''}>
                {now > 0 ? `Runs in ${now} now, ` : 'Runs nowhere now, '}ran in {found.length} in all
              </b>
              <ul>
                {found.slice(0, MAX_LINES).map((run) => (
                  <li key={`${titleOf(run)} ${run.container} ${run.since} ${run.digest}`}>
                    {titleOf(run)} <em>{run.container}</em>, <code>{shortImage(`${run.digest}`)}</code>,{' '}
                    {time(run.since)} to {run.until === null ? <b>now</b> : time(run.until)}
                  </li>
                ))}
              </ul>
            </>
          )}
        </output>
      )}
    </form>
  );
}
