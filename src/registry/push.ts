// Writes to a registry: small blobs, and artifacts that refer to an image. distribution-spec,
// "pushing blobs", "pushing manifests with subject", "referrers tag schema".
import { digestOf } from '../image/hash.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { Problem } from '../problem.ts';
import { parseJson } from '../sigstore/json.ts';
import type { Descriptor } from './descriptor.ts';
import type { Endpoint } from './endpoint.ts';
import type { Call, RegistryResponse } from './exchange.ts';
import { MAX_MANIFEST, MAX_SMALL_BODY } from './limits.ts';
import { registryWords } from './registry-error.ts';
import type { Authorizer } from './tokens.ts';
import type { Transport } from './transport.ts';

type Part = { readonly mediaType: string; readonly digest: string; readonly size: number };

export type Artifact = {
  readonly artifactType: string;
  readonly layer: Buffer;
  readonly layerType: string;
  readonly annotations: Readonly<Record<string, string>>;
};

const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
/** Attempts to change the fallback tag while others change it too. */
const MAX_TRIES = 5;

/** Writes into one repository. */
export class Pusher {
  readonly #endpoint: Endpoint;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #repository: string;

  /** @param authorizer asks for tokens that may push */
  constructor(endpoint: Endpoint, transport: Transport, authorizer: Authorizer, repository: string) {
    this.#endpoint = endpoint;
    this.#transport = transport;
    this.#authorizer = authorizer;
    this.#repository = repository;
  }

  /**
   * Attaches an artifact with one layer to an image.
   * @param subject as the registry described it
   * @returns the artifact's digest
   */
  async attach(subject: Descriptor & { size: number }, artifact: Artifact): Promise<string> {
    const { artifactType, annotations } = artifact;
    const config = await this.#blob(Buffer.from('{}'), EMPTY_TYPE);
    const layer = await this.#blob(artifact.layer, artifact.layerType);
    const { mediaType, digest, size } = subject;
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType,
        config,
        layers: [layer],
        subject: { mediaType, digest, size },
        annotations,
      }),
    );
    const artifactDigest = digestOf(manifest);
    const answer = await this.#manifest(artifactDigest, manifest, OCI_MANIFEST);
    // A registry that keeps the list of referrers itself says so; for others the client must keep
    // the fallback tag.
    if (answer.headers['oci-subject'] === undefined)
      await this.#list(digest, {
        mediaType: OCI_MANIFEST,
        digest: artifactDigest,
        size: manifest.length,
        artifactType,
        annotations,
      });
    return artifactDigest;
  }

  /** Pushes an artifact without a subject, under a tag. @returns its digest */
  async put(tag: string, { artifactType, layer, layerType, annotations }: Artifact): Promise<string> {
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType,
        config: await this.#blob(Buffer.from('{}'), EMPTY_TYPE),
        layers: [await this.#blob(layer, layerType)],
        annotations,
      }),
    );
    await this.#manifest(tag, manifest, OCI_MANIFEST);
    return digestOf(manifest);
  }

  /**
   * Adds an entry to the index under `sha256-HEX`, and reads it again: a concurrent write may have
   * removed the entry.
   */
  async #list(subject: string, entry: Part & Pick<Artifact, 'artifactType' | 'annotations'>): Promise<void> {
    const tag = subject.replace(':', '-');
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const answer = await this.#send(
        { method: 'GET', path: `manifests/${tag}`, headers: { accept: OCI_INDEX } },
        MAX_MANIFEST,
      );
      if (answer.status !== 200 && answer.status !== 404) throw this.#refused(answer, 'reading the list of referrers');
      const before =
        answer.status === 404 ? [] : (parseJson(answer.body) as { manifests?: unknown } | undefined)?.manifests;
      if (!Array.isArray(before))
        throw new Problem('protocol', `the tag ${tag} is no list of referrers; nothing was changed in it`);
      if (before.some((item) => item?.digest === entry.digest)) return;
      const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...before, entry] };
      await this.#manifest(tag, Buffer.from(JSON.stringify(index)), OCI_INDEX);
    }
    throw new Problem('conflict', `the list of referrers under ${tag} keeps changing while it is written; try again`);
  }

  async #blob(bytes: Buffer, mediaType: string): Promise<Part> {
    const digest = digestOf(bytes);
    const part = { mediaType, digest, size: bytes.length };
    const existing = await this.#send({ method: 'HEAD', path: `blobs/${digest}`, headers: {} }, MAX_SMALL_BODY);
    if (existing.status === 200) return part;
    const started = await this.#send({ method: 'POST', path: 'blobs/uploads/', headers: {} }, MAX_SMALL_BODY);
    const location = started.headers['location'];
    if (started.status !== 202 || typeof location !== 'string') throw this.#refused(started, 'starting an upload');
    const url = new URL(location, this.#endpoint.base);
    url.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await this.#send({ method: 'PUT', url, headers, body: bytes }, MAX_SMALL_BODY);
    if (answer.status !== 201) throw this.#refused(answer, 'uploading a blob');
    return part;
  }

  async #manifest(target: string, body: Buffer, mediaType: string): Promise<RegistryResponse> {
    const headers = { 'content-type': mediaType };
    const answer = await this.#send({ method: 'PUT', path: `manifests/${target}`, headers, body }, MAX_SMALL_BODY);
    if (answer.status !== 201) throw this.#refused(answer, 'pushing a manifest');
    return answer;
  }

  #send(
    call: { method: Call['method']; path?: string; url?: URL; headers: Record<string, string>; body?: Buffer },
    limit: number,
  ): Promise<RegistryResponse> {
    const { method, headers, body } = call;
    const url = call.url ?? new URL(`${this.#endpoint.base}${this.#repository}/${call.path}`);
    const home = new URL(this.#endpoint.base);
    // Where the registry sends an upload to another origin, its credentials do not go there (T48),
    // and TLS stays on.
    const sameOrigin = url.origin === home.origin;
    if (!sameOrigin && url.protocol !== 'https:' && home.protocol === 'https:')
      throw new Problem('refused', `${home.host} wants an upload without TLS at ${url.host}; nothing was sent`);
    const request = { method, url: url.href, limit, ...(body !== undefined && { body }) };
    if (!sameOrigin) return this.#transport.send(this.#endpoint, { ...request, headers }, false);
    return this.#authorizer.authorized(this.#repository, (authorization) => {
      const all = { ...headers, ...this.#endpoint.headers, ...(authorization !== undefined && { authorization }) };
      return this.#transport.send(this.#endpoint, { ...request, headers: all });
    });
  }

  #refused({ status, body }: RegistryResponse, doing: string): Problem {
    const words = registryWords(body);
    const { host } = new URL(this.#endpoint.base);
    const code = status === 401 || status === 403 ? 'denied' : status >= 500 ? 'unreachable' : 'protocol';
    return new Problem(
      code,
      `${doing} at ${host}/${this.#repository}: ${status}${words === undefined ? '' : `, ${words}`}`,
    );
  }
}
