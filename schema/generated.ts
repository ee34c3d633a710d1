// What is generated: each generator, and the files that it writes. The names come from the objects that the generators write, so
// none can be forgotten.
import { globSync } from 'node:fs';
import { CHART } from '../chart/chart.ts';
import { SCHEMAS } from './schema.ts';
import { FILE } from './tables.ts';

/** In this order: the chart has the schemas of custom resources in it. */
export const GENERATORS: Readonly<Record<string, readonly string[]>> = {
  'schema/schema.ts': Object.keys(SCHEMAS),
  'chart/chart.ts': Object.keys(CHART),
  'schema/tables.ts': [FILE],
};

/** All of them, and what lies in the folder of templates, which the chart's generator empties first. @param cwd root of the tree */
export function generatedFiles(cwd = '.'): string[] {
  return [...new Set([...Object.values(GENERATORS).flat(), ...globSync('chart/templates/*', { cwd })])].sort();
}
