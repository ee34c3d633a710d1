// One small exchange with a cloud's endpoint: no redirects, a bounded body, a short deadline. It is
// an argument, so tests need no cloud.
import { request } from 'undici';
import { Problem } from '../../problem.ts';
import type { Credential } from '../credential.ts';
import { MAX_SMALL_BODY } from '../limits.ts';

/** A credential, and the seconds that it is valid for. */
export type Granted = { readonly credential: Credential; readonly seconds: number };

export type CloudRequest = (call: {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}) => Promise<unknown>;

const DEADLINE_MS = 5000;

/**
 * @returns the JSON of a 200;
 * @throws Problem `credentials`, which never quotes an answer: it may hold a token
 */
export const ask: CloudRequest = async ({ method, url, headers = {}, body }) => {
  const { host } = new URL(url);
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const answer = await request(url, {
      method,
      headers: { accept: 'application/json', ...headers },
      signal,
      ...(body !== undefined && { body }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_SMALL_BODY)
        throw new Problem('limit', `${host} sent more than ${MAX_SMALL_BODY} bytes for a token`);
      chunks.push(chunk);
    }
    if (answer.statusCode !== 200)
      throw new Problem('credentials', `${host} gives no token: status ${answer.statusCode}`);
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { name, code } = error as { name?: string; code?: string };
    throw new Problem(
      'credentials',
      `${host} gives no token: ${name === 'SyntaxError' ? 'expected JSON' : (code ?? name)}`,
    );
  }
};
