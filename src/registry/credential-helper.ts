// Runs a credential helper, `docker-credential-NAME get`. docker/docker-credential-helpers README.
import { spawn } from 'node:child_process';
import { Problem } from '../problem.ts';
import type { Credential } from './credential.ts';

const TIMEOUT_MS = 30_000;
/** Characters of its answer. */
const MAX_OUTPUT = 64 * 1024;

/** @returns undefined where the helper has none for this server */
export async function runHelper(
  helper: string,
  server: string,
  env: NodeJS.ProcessEnv,
): Promise<Credential | undefined> {
  const program = `docker-credential-${helper}`;
  if (!/^[\w.-]+$/.test(helper)) throw new Problem('credentials', `'${helper}' is not the name of a credential helper`);
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], env });
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS).unref();
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.length > MAX_OUTPUT) child.kill('SIGKILL');
  });
  child.on('error', (error: NodeJS.ErrnoException) =>
    reject(
      new Problem(
        'credentials',
        error.code === 'ENOENT'
          ? `${program} is configured for ${server} and is not on the PATH`
          : `${program}: ${error.message}`,
      ),
    ),
  );
  child.on('close', (code, signal) => {
    if (code === 0) return resolve(output);
    if (/credentials not found/i.test(output)) return resolve(undefined);
    reject(
      new Problem(
        'credentials',
        `${program} failed for ${server} (${signal ?? `exit code ${code}`}); run it by hand: echo ${server} | ${program} get`,
      ),
    );
  });
  child.stdin.on('error', () => {}).end(`${server}\n`);
  const text = await promise.finally(() => clearTimeout(timer));
  if (text === undefined) return undefined;
  let answer: { Username?: unknown; Secret?: unknown };
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Problem('credentials', `${program} did not answer with JSON for ${server}`);
  }
  if (typeof answer.Username !== 'string' || typeof answer.Secret !== 'string') return undefined;
  if (answer.Username === '<token>') return { kind: 'identity', token: answer.Secret };
  return { kind: 'basic', username: answer.Username, password: answer.Secret };
}
