// Reads tagproof.yaml: every mistake comes with its line and column.
import { readFileSync } from 'node:fs';
import { asProblem } from '../problem.ts';
import { type Config, NO_CONFIG } from './config.ts';
import { ConfigSchema, nameMistakes } from './config-schema.ts';
import { parseYamlFile } from './yaml-file.ts';

/**
 * @throws Problem `syntax` with line and column; every mistake of the file in one message, a line
 * each
 */
export function parseConfig(source: string, file: string): Config {
  return parseYamlFile(source, file, ConfigSchema, nameMistakes) satisfies Config;
}

/** @param file undefined: tagproof.yaml in the working directory, if it exists */
export function readConfig(file: string | undefined): Config {
  const path = file ?? 'tagproof.yaml';
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return NO_CONFIG;
    throw asProblem(error, 'file', { file: path });
  }
  return parseConfig(source, path);
}
