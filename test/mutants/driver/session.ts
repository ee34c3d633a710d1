// One run of the driver: first each test file without a mutant, then the mutants, two at a time.
import { type Outcome, runTestFile } from './execute.ts';

export type Candidate = {
  readonly label: string;
  readonly group: string;
  readonly file: string;
  readonly text: string;
  readonly tests: readonly string[];
};

export type Result = Candidate & {
  readonly state: 'killed' | 'survived' | 'error';
  /** What killed it, or why it could not be tried. */
  readonly note: string;
};

const PARALLEL = 2;
/** Limit for a test file without a mutant. */
const BASELINE_MS = 300_000;
/**
 * A mutant's limit: a multiple of the file's own time, and this much more because machines are
 * busy.
 */
const FACTOR = 4;
const EXTRA_MS = 20_000;

/** Works through the items, `PARALLEL` at a time. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** @param say progress, a line each */
export async function tryMutants(candidates: readonly Candidate[], say: (line: string) => void): Promise<Result[]> {
  const tests = [...new Set(candidates.flatMap((candidate) => candidate.tests))].sort();
  const baseline = new Map<string, Outcome>();
  say(`${tests.length} test files without a mutant`);
  await inParallel(tests, async (test) => {
    const outcome = await runTestFile(test, BASELINE_MS);
    baseline.set(test, outcome);
    if (outcome.kind !== 'passed') say(`  red without a mutant: ${test} (${describe(outcome)})`);
  });
  const results: Result[] = [];
  say(`${candidates.length} mutants`);
  await inParallel(candidates, async (candidate) => {
    const started = performance.now();
    const verdict = await tryMutant(candidate, baseline);
    results.push({ ...candidate, ...verdict });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(
      `[${results.length}/${candidates.length}] ${verdict.state.padEnd(8)} ${candidate.group}: ${candidate.label} (${seconds} s${verdict.note === '' ? '' : `; ${verdict.note}`})`,
    );
  });
  const order = new Map(candidates.map((candidate, index) => [candidate.label + candidate.group, index]));
  return results.sort((a, b) => (order.get(a.label + a.group) ?? 0) - (order.get(b.label + b.group) ?? 0));
}

async function tryMutant(
  { file, text, tests }: Candidate,
  baseline: ReadonlyMap<string, Outcome>,
): Promise<Pick<Result, 'state' | 'note'>> {
  const red = tests.filter((test) => baseline.get(test)?.kind !== 'passed');
  if (red.length > 0) return { state: 'error', note: `red without the mutant: ${red.join(', ')}` };
  const time = (test: string) => baseline.get(test)?.ms ?? 0;
  // The fastest file first: most mutants die there.
  for (const test of [...tests].sort((a, b) => time(a) - time(b))) {
    const outcome = await runTestFile(test, time(test) * FACTOR + EXTRA_MS, { file, text });
    if (outcome.kind === 'passed') continue;
    // A name that does not exist is a mistake in the mutant; its tests prove nothing.
    if (outcome.kind === 'failed' && /ReferenceError: \w+ is not defined/.test(outcome.output))
      return { state: 'error', note: `the mutant uses a name that is not defined: ${test}` };
    return { state: 'killed', note: `${test}: ${describe(outcome)}` };
  }
  return { state: 'survived', note: tests.length === 0 ? 'no test is known for it' : '' };
}

function describe(outcome: Outcome): string {
  return outcome.kind === 'failed' ? outcome.by : outcome.kind === 'timeout' ? 'the time limit' : 'passes';
}
