// Registries, clients and references for tests of the registry client; everything that was opened
// is closed at the end of the file.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after } from 'node:test';
import type { Reference } from '../src/flow.ts';
import { digestOf } from '../src/image/hash.ts';
import { OCI_MANIFEST } from '../src/image/media-type.ts';
import { parseReference } from '../src/image/reference.ts';
import { Problem } from '../src/problem.ts';
import { type ClientOptions, RegistryClient } from '../src/registry/client.ts';
import { type EmbeddedOptions, EmbeddedRegistry } from '../src/registry/embedded.ts';

const opened: (() => Promise<void>)[] = [];
after(() => Promise.all(opened.map((close) => close())));

export async function openRegistry(options: EmbeddedOptions = {}): Promise<{ host: string; server: EmbeddedRegistry }> {
  const server = new EmbeddedRegistry(options);
  opened.push(() => server.close());
  return { host: await server.listen(), server };
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A registry of which every answer comes from the handler. @returns its host */
export async function scriptedRegistry(handler: Handler): Promise<string> {
  const { host } = await openRegistry({
    intercept: (request, response) => {
      handler(request, response);
      return true;
    },
  });
  return host;
}

export function openClient(options: ClientOptions = {}): RegistryClient {
  const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, deadlineMs: 2000, ...options });
  opened.push(() => client.close());
  return client;
}

export function referenceOf(text: string): Reference {
  const reference = parseReference(text);
  if (reference instanceof Problem) throw reference;
  return reference;
}

export async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const outcome = await promise.then(
    () => assert.fail('expected a problem'),
    (error) => error,
  );
  assert.ok(outcome instanceof Problem, `${outcome?.stack ?? outcome}`);
  return outcome;
}

export const SAMPLE = { repository: 'team/web', tag: '1', platforms: ['linux/amd64', 'linux/arm64'], content: 'x' };

/** The smallest manifest, and a 200 with its headers. */
export const MANIFEST = Buffer.from(
  JSON.stringify({ schemaVersion: 2, config: { digest: digestOf('{}'), size: 2 }, layers: [] }),
);
export const answerManifest = (response: ServerResponse, headers: Record<string, string | number> = {}) =>
  response.writeHead(200, {
    'content-type': OCI_MANIFEST,
    'docker-content-digest': digestOf(MANIFEST),
    'content-length': MANIFEST.length,
    ...headers,
  });
