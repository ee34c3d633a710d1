// What a workload ran before, what is known about it, and the command that rolls back to it.
import type { Evidence, Row, Run } from './api.ts';
import { short, shortImage, span, time, titleOf } from './format.ts';

export function Rollback({ row, runs, evidence }: { row: Row; runs: readonly Run[]; evidence: readonly Evidence[] }) {
  const candidates = candidatesOf(runs);
  if (candidates.length === 0) return <p class="quiet">The ledger has no record of another image here.</p>;
  return (
    <>
      <p class="quiet">
        Before anything changes, the command checks that the image can still be pulled and passes the policy.
      </p>
      <ul class="back">
        {candidates.map(({ digest, image, since, until }) => {
          const command = `tagproof rollback ${titleOf(row)} --to ${digest} --diff`;
          return (
            <li key={`${digest} ${since}`}>
              <code>{shortImage(image)}</code> <code>{short(digest)}</code>
              <small class="line">
                {until === null
                  ? 'runs on some pods'
                  : `${time(since)} to ${time(until)}, for ${span(Date.parse(until) - Date.parse(since))}`}
                ; {findingOf(evidence.find((item) => item.digest === digest && item.until === null))}
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

/**
 * Earlier digests, each once. A workload with mixed replicas can also roll back to what some pods
 * still run.
 */
function candidatesOf(runs: readonly Run[]): Run[] {
  const current = new Set(runs.filter(({ until }) => until === null).map(({ digest }) => digest));
  const isMixed = current.size > 1;
  const earlier = runs.filter(({ until, digest }) => until !== null && (isMixed || !current.has(digest)));
  return [...new Map([...(isMixed ? runs : []), ...earlier].map((run) => [run.digest, run])).values()];
}

function findingOf(evidence: Evidence | undefined): string {
  if (evidence === undefined) return 'not evaluated';
  if (evidence.outcome === 'allow') return evidence.signers.join(', ') || 'allowed';
  return `${evidence.outcome}: ${evidence.reason}`;
}
