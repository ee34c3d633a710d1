// The one error type: a closed code, what was expected, what came, what to do, and where.

export type ProblemCode =
  | 'usage' // the command line or the configuration is wrong
  | 'reference' // not a valid image reference
  | 'syntax' // a file does not parse
  | 'encoding' // a file is not UTF-8 text
  | 'file' // a file cannot be read or written
  | 'changed' // a file changed while we worked on it
  | 'limit' // larger, deeper or more than tagproof reads
  | 'conflict' // two statements that cannot both be true
  | 'locked' // --frozen, and the lock has no entry
  | 'denied' // 401 or 403: no access with the credentials at hand
  | 'not-found' // the registry says that there is no such image
  | 'rate-limited' // 429
  | 'unreachable' // no answer: DNS, connection, TLS, timeout, 5xx
  | 'protocol' // an answer that no registry should give
  | 'mismatch' // bytes that do not hash to their digest
  | 'credentials' // credentials cannot be read or a helper failed
  | 'refused' // tagproof itself declines, for safety
  | 'interrupted'; // Ctrl-C

/** Where a problem is: a file position (line and column from 1), an image, or both. */
export type Where = {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly image?: string;
};

export class Problem extends Error {
  readonly code: ProblemCode;
  readonly where: Where;

  /** @param message what was expected, what came, and what to do; no credentials, no trailing full stop needed */
  constructor(code: ProblemCode, message: string, where: Where = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.code = code;
    this.where = where;
  }

  /** The same problem with more known about its place; what is already known stays. */
  at(where: Where): Problem {
    return new Problem(this.code, this.message, { ...where, ...this.where }, this.cause);
  }

  /** The same problem at another place. */
  moved(where: Where): Problem {
    return new Problem(this.code, this.message, where, this.cause);
  }

  /** `deploy/web.yaml:12:7: nginx:1.27: message` */
  override toString(): string {
    const { file, line, column, image } = this.where;
    const position =
      file === undefined ? '' : `${[file, line, column].filter((part) => part !== undefined).join(':')}: `;
    return `${position}${image === undefined ? '' : `${image}: `}${this.message}`;
  }

  toJSON(): object {
    return { code: this.code, message: this.message, ...this.where };
  }
}

/** Any thrown value as a Problem; one that already is comes back as it is. */
export function asProblem(error: unknown, code: ProblemCode, where: Where = {}): Problem {
  if (error instanceof Problem) return error.at(where);
  return new Problem(code, error instanceof Error ? error.message : String(error), where, error);
}
