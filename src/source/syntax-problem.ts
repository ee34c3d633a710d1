// A document that is no YAML, and where.
import { Problem } from '../problem.ts';

/** A Problem with its offset. The caller, which knows the file, turns the offset into line and column. */
export class SyntaxProblem extends Problem {
  readonly offset: number;
  constructor(code: 'syntax' | 'limit', message: string, offset: number) {
    super(code, message);
    this.offset = offset;
  }
}
