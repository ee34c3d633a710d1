// What a failed connection means: whether a second try may help, and a sentence with the remedy.
// Pure.
import { Problem } from '../problem.ts';

/** Failures of the connection itself, not of what was said over it. */
const TRANSIENT = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** The connection ended amid an answer, in the ways that undici reports it. */
const CUT = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);

/** An answer of which only a part came. */
export class CutAnswer extends Error {
  /** @param came bytes; @param announced bytes, 0 where the answer did not say */
  constructor(came: number, announced: number, cause: unknown) {
    super(`cut its answer after ${came}${announced > 0 ? ` of ${announced}` : ''} bytes`, { cause });
  }
}

export function isCut(error: unknown): boolean {
  const { name, code = '' } = error as { name?: string; code?: string };
  // undici's parser gives chunks that break off no code.
  return CUT.has(code) || name === 'HTTPParserError';
}

export function isTransient(error: unknown): boolean {
  return error instanceof CutAnswer || TRANSIENT.has((error as { code?: string }).code ?? '');
}

export function connectionError(error: unknown, url: string): Problem {
  if (error instanceof Problem) return error;
  const { host } = new URL(url);
  if (error instanceof CutAnswer)
    return new Problem(
      'unreachable',
      `${host} ${error.message}: try again; if it stays, ask who runs this registry, or a proxy in front of it`,
      {},
      error,
    );
  const { name, code, message, cause } = error as { name?: string; code?: string; message?: string; cause?: unknown };
  if (cause instanceof Problem) return cause;
  if (name === 'TimeoutError') return new Problem('unreachable', `${host} did not answer in full within the deadline`);
  return new Problem(
    'unreachable',
    `cannot reach ${host}: ${hintFor(code ?? '') ?? message ?? 'unknown failure'}`,
    {},
    error,
  );
}

function hintFor(code: string): string | undefined {
  if (code === 'ENOTFOUND') return 'there is no such host';
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code))
    return `its certificate is not trusted (${code}): give its CA under registries in tagproof.yaml`;
  if (/WRONG_VERSION|EPROTO|PACKET_LENGTH/.test(code))
    return 'it does not speak TLS: if that is right, set plainHttp for it under registries in tagproof.yaml';
  return undefined;
}
