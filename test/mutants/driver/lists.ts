// Reads the lists of named mutants beside this folder, and applies a mutant to the text of its
// file.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Mutant } from '../mutant.ts';

export const ROOT = resolve(import.meta.dirname, '../../..');

export type NamedMutant = Mutant & {
  /** The list's file name without its ending: `registry`. */
  readonly core: string;
};

/** All lists in test/mutants/*.ts: each exported array whose name ends with MUTANTS. */
export async function readLists(): Promise<NamedMutant[]> {
  const found: NamedMutant[] = [];
  for (const name of globSync('test/mutants/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] }).sort()) {
    const exported = (await import(pathToFileURL(join(ROOT, name)).href)) as Record<string, unknown>;
    for (const [key, list] of Object.entries(exported)) {
      if (!key.endsWith('MUTANTS') || !Array.isArray(list)) continue;
      for (const mutant of list as Mutant[]) found.push({ ...mutant, core: basename(name, '.ts') });
    }
  }
  return found;
}

/** @returns the mutated text, or the reason why the mutant cannot be applied */
export function applyMutant({ file, from, to, tests }: Mutant): { text: string } | { error: string } {
  if (!existsSync(join(ROOT, file))) return { error: `there is no file ${file}` };
  if (tests.length === 0) return { error: 'it names no test file' };
  const missing = tests.filter((test) => !existsSync(join(ROOT, test)));
  if (missing.length > 0) return { error: `there is no test file ${missing.join(', ')}` };
  const before = readFileSync(join(ROOT, file), 'utf8');
  const occurrences = before.split(from).length - 1;
  if (occurrences !== 1) return { error: `its text occurs ${occurrences} times in ${file}, expected once` };
  if (from === to) return { error: 'it changes nothing' };
  const text = before.replace(from, () => to);
  const broken = syntaxError(text);
  return broken === undefined ? { text } : { error: `the mutated file does not parse: ${broken}` };
}

/** A file that does not parse fails every test, which would count as a kill. */
export function syntaxError(text: string): string | undefined {
  const warn = process.emitWarning;
  process.emitWarning = () => {}; // the function is still marked as experimental
  try {
    stripTypeScriptTypes(text);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  } finally {
    process.emitWarning = warn;
  }
}
