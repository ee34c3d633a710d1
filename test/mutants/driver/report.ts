// Tables at the end of a run; Markdown, so that docs/threats.md can take them as they are.
import type { Result } from './session.ts';

/** @param title of the first column */
export function scoreTable(results: readonly Result[], title: string): string {
  const rows = [...Map.groupBy(results, (result) => result.group)].map(([group, list]) => row(group, list));
  return [
    `| ${title} | mutants | killed | survived | not tried | score |`,
    '|---|---|---|---|---|---|',
    ...rows,
    ...(rows.length > 1 ? [row('all', results)] : []),
  ].join('\n');
}

function row(name: string, results: readonly Result[]): string {
  const count = (state: Result['state']) => results.filter((result) => result.state === state).length;
  const [killed, survived, failed] = [count('killed'), count('survived'), count('error')];
  const score = killed + survived === 0 ? '–' : `${Math.floor((100 * killed) / (killed + survived))} %`;
  return `| ${name} | ${results.length} | ${killed} | ${survived} | ${failed} | ${score} |`;
}

/** Survivors and mutants that could not be tried, by name. */
export function openCases(results: readonly Result[]): string {
  const lines = results
    .filter(({ state }) => state !== 'killed')
    .map(({ state, group, label, file, note }) => `  ${state}: ${group}: ${label} (${note === '' ? file : note})`);
  return lines.length === 0 ? '' : `\nNot killed:\n${lines.join('\n')}\n`;
}
