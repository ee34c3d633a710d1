// npm run verify writes this table into docs/threats.md: the named mutants that stand for each attack, from test/mutants/.
import { readFileSync, writeFileSync } from 'node:fs';
import { type NamedMutant, readLists } from '../test/mutants/driver/lists.ts';

/** The document that has the table. */
export const FILE = 'docs/threats.md';
const [BEGIN, END] = ['<!-- mutants: written by npm run verify -->', '<!-- /mutants -->'];

/** @returns a row for each attack in the order of its number, and a line with the counts */
export function mutantTable(mutants: readonly NamedMutant[]): string {
  const ofThreat = Map.groupBy(
    mutants.filter(({ threat }) => threat !== undefined),
    ({ threat }) => threat as string,
  );
  const numbers = [...ofThreat.keys()].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rows = numbers.map((number) => {
    const names = (ofThreat.get(number) ?? []).map(({ core, name }) => `${core}: ${cell(name)}`);
    return `| ${number} | ${names.length} | ${names.join('; ')} |`;
  });
  const cores = new Set(mutants.map(({ core }) => core)).size;
  return [
    `${mutants.length} named mutants in ${cores} lists; ${[...ofThreat.values()].flat().length} of them stand for an attack of the list above.`,
    '',
    '| attack | mutants | each of them makes a test fail |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}

/** @returns the document with the table between its markers */
export function withTable(document: string, table: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${FILE} must have the lines ${BEGIN} and ${END}`);
  return `${document.slice(0, begin)}${BEGIN}\n${table}\n${document.slice(end)}`;
}

if (import.meta.main) writeFileSync(FILE, withTable(readFileSync(FILE, 'utf8'), mutantTable(await readLists())));
