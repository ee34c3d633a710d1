// The registry client reads: the digest of a tag, and bytes by digest. OCI distribution-spec v1.1.
// Writing: push.ts.
import type { PinnedReference, Reference } from '../flow.ts';
import { digestOf } from '../image/hash.ts';
import { ACCEPT, OCI_INDEX } from '../image/media-type.ts';
import { Problem } from '../problem.ts';
import { cloudCredentials } from './cloud/cloud.ts';
import type { CredentialSource } from './credential.ts';
import { ambientCredentials } from './credentials.ts';
import type { Descriptor, Manifest } from './descriptor.ts';
import { type Capability, type Endpoint, endpointsFor, type RegistrySetting } from './endpoint.ts';
import type { Call, RegistryResponse } from './exchange.ts';
import { MAX_CONFIG, MAX_MANIFEST, MAX_REFERRER_PAGES, MAX_REFERRERS } from './limits.ts';
import { describedByHead, foreignBody, manifestOf } from './manifest-answer.ts';
import { Pusher } from './push.ts';
import { nextPage, type Referrer, readReferrers } from './referrers.ts';
import { digestMismatch, header, registryError } from './registry-error.ts';
import { Service, type ServiceSetting } from './service.ts';
import { HISTORY_PATHS, type Pointed, readTagHistory } from './tag-history.ts';
import { Authorizer } from './tokens.ts';
import { Transport, type TransportOptions } from './transport.ts';

export type ClientOptions = TransportOptions & {
  readonly credentials?: CredentialSource;
  readonly registries?: readonly RegistrySetting[];
  /** containerd's certs.d folder with mirrors. */
  readonly hostsDir?: string | undefined;
  /**
   * Whether a user or policy named the host. Others are reached at public addresses only. Left out:
   * all are named.
   */
  readonly isNamed?: (host: string) => boolean;
  /** Sockets shared with other clients; their maker closes them. */
  readonly transport?: Transport;
};

/** A request below a repository; GET, and at most a manifest's size, unless it says otherwise. */
type Question = {
  readonly method?: Call['method'];
  readonly path: string;
  readonly accept?: string;
  readonly limit?: number;
};

/** Statuses of HEAD that GET would not better: no access, and a host that asks for a pause. */
const FINAL: readonly number[] = [401, 429, 503];

/** Owns the connections and tokens of one run. */
export class RegistryClient {
  readonly #options: ClientOptions;
  readonly #credentials: CredentialSource;
  readonly #transport: Transport;
  readonly #endpoints = new Map<string, Endpoint[]>();
  readonly #authorizers = new Map<string, Authorizer>();
  readonly #services = new Map<string, Service>();

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.#credentials = cloudCredentials(options.registries ?? [], options.credentials ?? ambientCredentials());
    this.#transport = options.transport ?? new Transport(options);
  }

  /**
   * Announces the images that the run will ask for, so that tokens can be fetched together. Sends
   * nothing.
   */
  expect(references: Iterable<Reference>): void {
    const byRegistry = Map.groupBy(references, (reference) => reference.registry);
    for (const [registry, group] of byRegistry) {
      const repositories = new Set(group.map((reference) => reference.repository));
      let endpoints: Endpoint[];
      try {
        endpoints = this.#endpointsOf(registry, 'resolve');
      } catch {
        continue; // a broken hosts.toml, for example: each of its images reports it, and the others go on
      }
      for (const endpoint of endpoints) this.#authorizer(endpoint).expect(repositories);
    }
  }

  /**
   * Describes the reference's digest, or else its tag (`latest` when it has neither). It uses HEAD,
   * which no registry counts as a pull; it uses GET and hashes the manifest only where HEAD fails
   * or does not describe one. Storage behind a redirect often answers GET alone.
   */
  async head(reference: Reference): Promise<Descriptor> {
    return this.#withMirrors(reference, reference.digest === undefined ? 'resolve' : 'pull', async (endpoint) => {
      const answer = await this.#manifestCall(endpoint, 'HEAD', reference);
      if (FINAL.includes(answer.status)) throw registryError(endpoint, reference, answer);
      const described = answer.status === 200 ? describedByHead(endpoint, reference, answer) : undefined;
      if (described === undefined) return this.#get(endpoint, reference);
      if (reference.digest !== undefined && described.digest !== reference.digest)
        throw digestMismatch(endpoint, reference.digest, described.digest);
      return { ...described, ...mirrorOf(endpoint) };
    });
  }

  /** The manifest's bytes. They hash to the digest, and the digest is the one of the reference. */
  async manifest(reference: Reference): Promise<Manifest> {
    const need = reference.digest === undefined ? 'resolve' : 'pull';
    return this.#withMirrors(reference, need, (endpoint) => this.#get(endpoint, reference));
  }

  /** A small blob, such as an image's configuration; bounded and hashed. */
  async blob(reference: Reference, digest: string, limit = MAX_CONFIG): Promise<Buffer> {
    return this.#withMirrors(reference, 'pull', async (endpoint) => {
      const answer = await this.#send(endpoint, reference, { path: `blobs/${digest}`, limit });
      if (answer.status !== 200) throw registryError(endpoint, reference, answer);
      const actual = digestOf(answer.body, digest);
      if (actual === digest) return answer.body;
      const foreign = foreignBody(answer);
      if (foreign === undefined) throw digestMismatch(endpoint, digest, actual);
      throw new Problem('protocol', `expected the bytes of ${digest}, ${new URL(endpoint.base).host} sent ${foreign}`);
    });
  }

  /**
   * Lists what refers to a digest: signatures, attestations. It uses the referrers API, or the
   * fallback tag where the API is missing. distribution-spec, "listing referrers". Annotations and
   * artifact types are claims of their writer.
   * @param reference with the digest
   */
  async referrers(reference: PinnedReference): Promise<Referrer[]> {
    const { digest } = reference;
    return this.#withMirrors(reference, 'pull', async (endpoint) => {
      const found: Referrer[] = [];
      let path: string | undefined = `referrers/${digest}`;
      for (let page = 0; path !== undefined; page++) {
        if (page >= MAX_REFERRER_PAGES)
          throw new Problem('limit', `more than ${MAX_REFERRER_PAGES} pages of referrers`);
        const answer = await this.#send(endpoint, reference, { path, accept: OCI_INDEX });
        // Registries without the API answer 404; some send an HTML page or another status that
        // means "no such route".
        const missing =
          [400, 404, 405, 501].includes(answer.status) ||
          (answer.status === 200 && !/json/.test(header(answer, 'content-type') ?? ''));
        if (missing) return this.#fallbackReferrers(endpoint, reference);
        if (answer.status !== 200) throw registryError(endpoint, reference, answer);
        found.push(...readReferrers(answer.body, endpoint));
        if (found.length > MAX_REFERRERS) throw new Problem('limit', `more than ${MAX_REFERRERS} referrers`);
        path = nextPage(header(answer, 'link'), endpoint, reference.repository);
      }
      return found;
    });
  }

  /**
   * The registry's own history of a tag, oldest first; undefined: it keeps none. A mirror is not
   * asked.
   */
  async tagHistory(reference: Reference): Promise<Pointed[] | undefined> {
    const endpoint = this.#endpointsOf(reference.registry, 'resolve').at(-1) as Endpoint;
    for (const path of HISTORY_PATHS) {
      const answer = await this.#send(endpoint, reference, { path: `${path}/${reference.tag ?? 'latest'}` });
      if (answer.status === 200) return readTagHistory(answer.body, reference.registry);
      if (![400, 404, 405, 501].includes(answer.status)) throw registryError(endpoint, reference, answer);
    }
    return undefined;
  }

  /**
   * Writes into the reference's repository: always at the registry itself, not at a mirror, with
   * tokens that may push.
   */
  pusher({ registry, repository }: Reference): Pusher {
    const endpoint = this.#endpointsOf(registry, 'pull').at(-1) as Endpoint;
    const authorizer = this.#newAuthorizer(endpoint, 'pull,push');
    return new Pusher(endpoint, this.#transport, authorizer, repository);
  }

  /**
   * A server beside a registry, such as a Notary server, or one that a policy names, such as a
   * timestamp authority.
   */
  service(setting: ServiceSetting): Service {
    const key = JSON.stringify(setting);
    let service = this.#services.get(key);
    if (service === undefined) {
      // A Notary server that the policy does not name runs on the registry's own host, so it is guarded as the
      // registry is.
      const isRegistry = URL.canParse(setting.url) && new URL(setting.url).host === setting.registry;
      service = new Service(setting, {
        transport: this.#transport,
        credentials: this.#credentials,
        tokenHost: this.#tokenHost(setting.registry),
        guarded: isRegistry && this.#options.isNamed?.(setting.registry as string) === false,
      });
      this.#services.set(key, service);
    }
    return service;
  }

  /** Rate limits that hosts announced. */
  rateLimits(): ReturnType<Transport['rateLimits']> {
    return this.#transport.rateLimits();
  }

  close(): Promise<void> {
    return this.#options.transport === undefined ? this.#transport.close() : Promise.resolve();
  }

  /** An index under the tag `sha256-HEX`. distribution-spec, "referrers tag schema". */
  async #fallbackReferrers(endpoint: Endpoint, reference: PinnedReference): Promise<Referrer[]> {
    const path = `manifests/${reference.digest.replace(':', '-')}`;
    const answer = await this.#send(endpoint, reference, { path, accept: ACCEPT });
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw registryError(endpoint, reference, answer);
    return readReferrers(answer.body, endpoint);
  }

  async #get(endpoint: Endpoint, reference: Reference): Promise<Manifest> {
    const answer = await this.#manifestCall(endpoint, 'GET', reference);
    if (answer.status !== 200) throw registryError(endpoint, reference, answer);
    return { ...manifestOf(endpoint, reference, answer), ...mirrorOf(endpoint) };
  }

  #manifestCall(endpoint: Endpoint, method: 'GET' | 'HEAD', reference: Reference): Promise<RegistryResponse> {
    const target = reference.digest ?? reference.tag ?? 'latest';
    return this.#send(endpoint, reference, { method, path: `manifests/${target}`, accept: ACCEPT });
  }

  #send(
    endpoint: Endpoint,
    { repository }: Reference,
    { method = 'GET', path, accept, limit = MAX_MANIFEST }: Question,
  ): Promise<RegistryResponse> {
    const url = new URL(`${endpoint.base}${repository}/${path}`);
    if (endpoint.mirror) url.searchParams.set('ns', endpoint.registry); // path may hold a query: the next page of a list
    const headers = accept === undefined ? {} : { accept };
    return this.#authorizer(endpoint).authorized(repository, (authorization) => {
      const all = { ...headers, ...endpoint.headers, ...(authorization !== undefined && { authorization }) };
      return this.#transport.send(endpoint, { method, url: url.href, headers: all, limit });
    });
  }

  /** Asks mirrors first and the registry last; the registry's own answer is final. */
  async #withMirrors<T>(
    reference: Reference,
    need: Capability,
    request: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    const endpoints = this.#endpointsOf(reference.registry, need);
    for (const endpoint of endpoints.slice(0, -1)) {
      try {
        return await request(endpoint);
      } catch (error) {
        if (error instanceof Problem && error.code === 'interrupted') throw error;
        // As in containerd: a mirror that cannot answer, for any reason, is skipped.
      }
    }
    return request(endpoints.at(-1) as Endpoint);
  }

  #endpointsOf(registry: string, need: Capability): Endpoint[] {
    const key = `${need} ${registry}`;
    let endpoints = this.#endpoints.get(key);
    if (endpoints === undefined) {
      const guarded = this.#options.isNamed?.(registry) === false;
      endpoints = endpointsFor(registry, need, this.#options.registries ?? [], this.#options.hostsDir).map(
        (endpoint) => (guarded && !endpoint.mirror ? { ...endpoint, guarded } : endpoint),
      );
      this.#endpoints.set(key, endpoints);
    }
    return endpoints;
  }

  #authorizer(endpoint: Endpoint): Authorizer {
    const key = `${endpoint.base} ${endpoint.registry}`;
    let authorizer = this.#authorizers.get(key);
    if (authorizer === undefined) {
      authorizer = this.#newAuthorizer(endpoint, 'pull');
      this.#authorizers.set(key, authorizer);
    }
    return authorizer;
  }

  #newAuthorizer(endpoint: Endpoint, actions: string): Authorizer {
    const tokenHost = this.#tokenHost(endpoint.registry);
    return new Authorizer({ endpoint, transport: this.#transport, credentials: this.#credentials, tokenHost, actions });
  }

  #tokenHost(registry: string | undefined): string | undefined {
    return this.#options.registries?.find(({ host }) => host === registry)?.tokenHost;
  }
}

const mirrorOf = (endpoint: Endpoint) => (endpoint.mirror ? { mirror: new URL(endpoint.base).host } : {});
