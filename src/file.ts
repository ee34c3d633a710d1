// The one way to read a file that a person named: its bytes, or a Problem that names it.
import { readFileSync } from 'node:fs';
import { asProblem } from './problem.ts';

/** @throws Problem `file` */
export function readNamed(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw asProblem(error, 'file', { file });
  }
}
