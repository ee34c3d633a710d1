// A local engine over the Docker API: which digest `docker pull` got, by the RepoDigests of docker
// inspect.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'undici';
import type { Reference, Resolved } from '../flow.ts';
import { isDigest } from '../image/digest.ts';
import { parseReference, printReference, repositoryOf } from '../image/reference.ts';
import { Problem } from '../problem.ts';

/** An inspection of an image has some kilobytes. */
const MAX_ANSWER = 4 * 1024 * 1024;
const DEADLINE_MS = 30_000;
const SOCKETS = ['/var/run/docker.sock', '/run/podman/podman.sock'];

/**
 * The address of the engine, found as the docker command finds it: DOCKER_HOST, else the usual
 * sockets.
 */
export function engineAddress(env: NodeJS.ProcessEnv): { url: string; socketPath?: string } {
  const host = env['DOCKER_HOST'];
  if (host === undefined || host === '') {
    const userSockets =
      env['XDG_RUNTIME_DIR'] === undefined
        ? []
        : [join(env['XDG_RUNTIME_DIR'], 'podman/podman.sock'), join(env['XDG_RUNTIME_DIR'], 'docker.sock')];
    const socketPath = [...SOCKETS, ...userSockets].find(existsSync);
    if (socketPath === undefined)
      throw new Problem(
        'unreachable',
        'no container engine: expected DOCKER_HOST or a socket such as /var/run/docker.sock',
      );
    return { url: 'http://localhost', socketPath };
  }
  if (host.startsWith('unix://')) return { url: 'http://localhost', socketPath: host.slice('unix://'.length) };
  if (host.startsWith('tcp://'))
    return { url: host.replace(/^tcp/, env['DOCKER_TLS_VERIFY'] || env['DOCKER_CERT_PATH'] ? 'https' : 'http') };
  throw new Problem('usage', `DOCKER_HOST '${host}': expected unix:///path or tcp://host:port`);
}

/**
 * The digest under which the engine pulled an image. Of several repository digests, the one of the
 * same repository.
 * @throws Problem `not-found` when the engine does not have the image, or has it without digest
 * (built here, never pushed)
 */
export async function resolveFromEngine(reference: Reference, env: NodeJS.ProcessEnv = process.env): Promise<Resolved> {
  const { Id, RepoDigests } = await inspect(reference, env);
  const digests = (RepoDigests ?? [])
    .map((text) => parseReference(text))
    .filter((parsed) => !(parsed instanceof Problem)) as Reference[];
  const match = digests.find((candidate) => repositoryOf(candidate) === repositoryOf(reference)) ?? digests[0];
  if (match?.digest === undefined || !isDigest(match.digest)) {
    throw new Problem(
      'not-found',
      `the engine has the image (${Id ?? 'no ID'}) without a repository digest: it was built or loaded here and never pushed or pulled`,
    );
  }
  return {
    reference: { ...match, text: printReference(match) },
    digest: match.digest,
    from: 'engine',
    at: new Date().toISOString(),
  };
}

async function inspect(reference: Reference, env: NodeJS.ProcessEnv): Promise<{ Id?: string; RepoDigests?: string[] }> {
  const { url, socketPath } = engineAddress(env);
  const where = socketPath ?? url;
  const client = new Client(url, {
    ...(socketPath !== undefined && { socketPath }),
    allowH2: false,
    connect: tls(env),
  });
  try {
    const path = `/images/${encodeURIComponent(printReference(reference)).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@')}/json`;
    const response = await client.request({ method: 'GET', path, signal: AbortSignal.timeout(DEADLINE_MS) });
    let text = '';
    for await (const chunk of response.body.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk;
      if (text.length > MAX_ANSWER)
        throw new Problem('limit', `the engine at ${where} sent more than ${MAX_ANSWER} bytes`);
    }
    if (response.statusCode === 404)
      throw new Problem('not-found', `the engine at ${where} has no such image: pull it first`);
    if (response.statusCode !== 200)
      throw new Problem('protocol', `the engine at ${where} answered ${response.statusCode}`);
    return JSON.parse(text) as { Id?: string; RepoDigests?: string[] };
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error instanceof SyntaxError) throw new Problem('protocol', `the engine at ${where} did not answer with JSON`);
    throw new Problem(
      'unreachable',
      `cannot reach the engine at ${where}: ${(error as Error).message || (error as { code?: string }).code}`,
      {},
      error,
    );
  } finally {
    await client.destroy();
  }
}

/** Client certificates from DOCKER_CERT_PATH, as for the docker command. */
function tls(env: NodeJS.ProcessEnv): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const folder = env['DOCKER_CERT_PATH'];
  if (folder === undefined || folder === '') return {};
  const read = (name: string) => readFileSync(join(folder, name));
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}
