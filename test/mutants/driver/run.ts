// npm run mutants [-- FILTER… | --changed [BASE] | --generated [FILES] [--seed N] [--max N]]
//
// Runs single faults against the tests that must notice them. A mutant is a text that Node's module
// hooks serve in place of one source file, so the work tree stays as it is, and processes that the
// tests start see it too (NODE_OPTIONS).
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { endGroupsOnSignal } from '../../runner/process-group.ts';
import { CORE_FILES, generateMutants, sample } from './generate.ts';
import { applyMutant, type NamedMutant, ROOT, readLists } from './lists.ts';
import { openCases, scoreTable } from './report.ts';
import { type Candidate, type Result, tryMutants } from './session.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'boolean' },
    generated: { type: 'boolean' },
    seed: { type: 'string', default: '1' },
    max: { type: 'string', default: '20' },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);

endGroupsOnSignal();
const lists = await readLists();
const results = values.generated ? await runGenerated() : await runNamed();
say('');
say(scoreTable(results, values.generated ? 'file' : 'core'));
say(openCases(results));
// The named ones must all die. Generated ones may be no fault at all (equivalent text), so their
// score is a figure.
const bad = results.filter(({ state }) => state === 'error' || (state === 'survived' && !values.generated));
process.exitCode = bad.length > 0 ? 1 : 0;

async function runNamed(): Promise<Result[]> {
  const chosen = values.changed ? changedMutants(positionals[0] ?? 'HEAD~1') : lists.filter(isNamed);
  if (chosen.length === 0) {
    say(values.changed ? 'No file of a mutant was changed.' : 'No mutant has this name or file.');
    if (!values.changed) process.exitCode = 2;
    return [];
  }
  const broken: Result[] = [];
  const candidates: Candidate[] = [];
  for (const mutant of chosen) {
    const { name: label, core: group, file, tests } = mutant;
    const applied = applyMutant(mutant);
    if ('text' in applied) candidates.push({ label, group, file, tests, text: applied.text });
    else broken.push({ label, group, file, tests, text: '', state: 'error', note: applied.error });
  }
  for (const { group, label, note } of broken) say(`error    ${group}: ${label} (${note})`);
  return [...broken, ...(await tryMutants(candidates, say))];
}

/**
 * @returns whether the mutant is of a core or file that was named, or has the words in its name;
 *   without words all are
 */
function isNamed({ core, file, name }: NamedMutant): boolean {
  return (
    positionals.length === 0 || positionals.some((word) => core === word || file.includes(word) || name.includes(word))
  );
}

/** Mutants whose source, tests or list differ from a commit in git. Without that commit (a shallow clone) nothing is known. */
function changedMutants(base: string): NamedMutant[] {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
  try {
    git('rev-parse', '--verify', `${base}^{commit}`);
  } catch {
    say(`There is no commit ${base} to compare with (a shallow clone?): name another one after --changed.`);
    process.exit(2);
  }
  const changed = new Set([...git('diff', '--name-only', base), ...git('ls-files', '--others', '--exclude-standard')]);
  return lists.filter(({ core, file, tests }) =>
    [file, `test/mutants/${core}.ts`, ...tests].some((path) => changed.has(path)),
  );
}

async function runGenerated(): Promise<Result[]> {
  const patterns = positionals.length > 0 ? positionals : CORE_FILES;
  const files = patterns.flatMap((pattern) => {
    const found = globSync(pattern, { cwd: ROOT }).filter((file) => !file.endsWith('.test.ts'));
    if (found.length === 0) throw new Error(`no source file matches ${pattern}: was it renamed?`);
    return found;
  });
  const generated = Map.groupBy(generateMutants(files.sort()), (mutant) => mutant.file);
  const candidates = [...generated].flatMap(([file, all]) => {
    const tests = testsOf(file);
    const taken = sample(all, Number(values.max), Number(values.seed));
    say(`${file}: ${taken.length} of ${all.length} faults${tests.length === 0 ? '; no test is known for it' : ''}`);
    return taken.map(({ place, change, text }) => ({ label: `${place} ${change}`, group: file, file, text, tests }));
  });
  return tryMutants(candidates, say);
}

/** The tests of the file's named mutants, and the one beside it. */
function testsOf(file: string): string[] {
  const named = lists.filter((mutant) => mutant.file === file).flatMap((mutant) => mutant.tests);
  const beside = file.replace(/\.ts$/, '.test.ts');
  return [...new Set([...named, beside])].filter((test) => existsSync(`${ROOT}/${test}`));
}
