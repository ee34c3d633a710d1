// The way back: what it ran before, what is known of that, and the command that brings it back.
import type { Evidence, Row, Run } from './api.ts';
import { short, shortImage, span, time, titleOf } from './format.ts';

export function Back({ row, runs, evidence }: { row: Row; runs: readonly Run[]; evidence: readonly Evidence[] }) {
  const current = new Set(runs.filter(({ until }) => until === null).map(({ digest }) => digest));
  // A mixed workload can go back to what some of it still runs.
  const earlier = runs.filter(({ until, digest }) => until !== null && (!current.has(digest) || current.size > 1));
  const candidates = [
    ...new Map([...(current.size > 1 ? runs : []), ...earlier].map((run) => [run.digest, run])).values(),
  ];
  if (candidates.length === 0) return <p class="quiet">It never ran anything else, as far as the ledger knows.</p>;
  return (
    <>
      <p class="quiet">Whether it can still be pulled, and passes today’s policy, is asked before anything changes.</p>
      <ul class="back">
        {candidates.map(({ digest, image, since, until }) => {
          const found = evidence.find((item) => item.digest === digest && item.until === null);
          const command = `tagproof rollback ${titleOf(row)} --to ${digest} --diff`;
          return (
            <li key={`${digest} ${since}`}>
              <code>{shortImage(image)}</code> <code>{short(digest)}</code>
              <small class="line">
                {until === null
                  ? 'runs on some pods'
                  : `${time(since)} to ${time(until)}, for ${span(Date.parse(until) - Date.parse(since))}`}
                {found === undefined
                  ? '; not judged'
                  : found.outcome === 'allow'
                    ? `; ${found.signers.join(', ') || 'allowed'}`
                    : `; ${found.outcome}: ${found.reason}`}
              </small>
              <pre>{command}</pre>
              <button type="button" onClick={() => void navigator.clipboard?.writeText(command)}>
                Copy
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}
