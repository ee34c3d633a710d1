// The metadata of one repository on a Notary server: fetches each file by name or by hash, bounded. "The server has none" and
// "the server did not answer" stay distinct.
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { RegistryResponse } from '../../registry/exchange.ts';
import { parseJson } from '../../sigstore/json.ts';
import { checkBytes, Disorder, type FileMetaData } from './metadata.ts';

/** One file of metadata, bytes. */
const MAX_METADATA = 1024 * 1024;
const HUB = 'notary.docker.io';
export const RETIRED =
  'Docker retires Docker Content Trust: notary.docker.io is shut down on 8 December 2026. Ask for a cosign or Notation signature of this image instead, or sign your own copy of it (tagproof sign) and name that authority in tagproof.yaml';

export class NotaryServer {
  readonly #service: ReturnType<RegistryClient['service']>;
  readonly #gun: string;

  /** @param gun the repository's globally unique name: `docker.io/library/nginx` */
  constructor(service: ReturnType<RegistryClient['service']>, gun: string) {
    this.#service = service;
    this.#gun = gun;
  }

  /** @returns undefined where the server says that it has no such metadata */
  async find(name: string): Promise<Buffer | undefined> {
    const retired = this.#service.host === HUB ? `. ${RETIRED}` : '';
    const path = `v2/${this.#gun}/_trust/tuf/${name}.json`;
    let answer: RegistryResponse;
    try {
      answer = await this.#service.get(path, this.#gun, MAX_METADATA);
    } catch (error) {
      const problem = asProblem(error, 'unreachable');
      throw new Problem(problem.code, problem.message + retired, problem.where, error);
    }
    const { status, body } = answer;
    if (status === 200) return body;
    const { errors } = (parseJson(body) ?? {}) as { errors?: { code?: unknown }[] };
    // Only a 404 in the server's own terms. Any other "not found" page says nothing about this repository.
    if (status === 404 && Array.isArray(errors) && errors.some((e) => e?.code === 'METADATA_NOT_FOUND'))
      return undefined;
    const code = status === 401 || status === 403 ? 'denied' : status === 429 ? 'rate-limited' : 'unreachable';
    throw new Problem(code, `the Notary server ${this.#service.host} answered ${status} for ${name}${retired}`);
  }

  /** @throws Disorder where the server has none, because other metadata says that it must exist */
  async get(name: string): Promise<Buffer> {
    const bytes = await this.find(name);
    if (bytes === undefined) throw new Disorder(`the Notary server has no ${name}`);
    return bytes;
  }

  /** Fetches a role's file by the hash that other metadata states, and checks length and hashes. */
  async getBound(role: string, meta: FileMetaData): Promise<Buffer> {
    if (meta.length > MAX_METADATA)
      throw new Disorder(`${role} would be ${meta.length} bytes: more than the ${MAX_METADATA} that tagproof reads`);
    const sha256 = meta.hashes['sha256'];
    const name = sha256 === undefined ? role : `${role}.${Buffer.from(sha256, 'base64').toString('hex')}`;
    const bytes = await this.get(name);
    checkBytes(bytes, meta, role);
    return bytes;
  }
}
