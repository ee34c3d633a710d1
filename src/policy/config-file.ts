// Reads tagproof.yaml: every mistake comes with its line and column.
import { dirname } from 'node:path';
import { readNamed } from '../file.ts';
import type { Config } from './config.ts';
import { pathsFrom } from './config-paths.ts';
import { ConfigSchema, nameMistakes } from './config-schema.ts';
import { parseYamlFile } from './yaml-file.ts';

/**
 * @throws Problem `syntax` with line and column; every mistake of the file in one message, a line
 * each
 */
export function parseConfig(source: string, file: string): Config {
  return parseYamlFile(source, file, ConfigSchema, nameMistakes) satisfies Config;
}

/** Paths of files in it begin at its folder. @throws Problem `file` or `syntax` */
export function readConfig(file: string): Config {
  return pathsFrom(parseConfig(readNamed(file).toString('utf8'), file), dirname(file));
}
