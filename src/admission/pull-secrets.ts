// How the registries of one object are reached: with the webhook's own credentials, or first with the pull secrets of the object's own
// namespace (T51). Tags are leased apart for each set of secrets, so nobody learns what he could not have asked.
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { asProblem, Problem } from '../problem.ts';
import { type ClientOptions, RegistryClient } from '../registry/client.ts';
import type { CredentialSource } from '../registry/credential.ts';
import { secretCredentials } from '../registry/credentials.ts';
import { Leases } from './leases.ts';
import type { AdmissionRequest } from './review.ts';

/** @param client with credentials; `leases` hold what it was told of tags */
export type RegistryAccess = { readonly client: RegistryClient; readonly leases: Leases };

export function makeRegistryAccess(client: RegistryClient): RegistryAccess {
  const leases = new Leases(async (reference) => ({
    reference,
    from: 'registry',
    at: new Date().toISOString(),
    ...(await client.head(reference)),
  }));
  return { client, leases };
}

/** Secrets are read anew after this, milliseconds. */
const FRESH_MS = 60_000;
/** Sets of secrets in use at once; the one that was not used for longest goes. */
const MAX_SETS = 500;
/** Of one pod, as the kubelet would try them. */
const MAX_SECRETS = 20;

type Kept = { readonly registryAccess: RegistryAccess; readonly versions: string; readonly until: number };

/** Owns what was read of secrets. */
export class PullSecrets {
  readonly #kube: KubeClient;
  readonly #options: ClientOptions & { readonly credentials: CredentialSource };
  readonly #plain: RegistryAccess;
  readonly #sets = new Map<string, Kept>();
  readonly #flights = new Map<string, Promise<RegistryAccess>>();

  /** @param options with the webhook's own credentials, asked last; @param plain for objects without secrets */
  constructor(
    kube: KubeClient,
    options: ClientOptions & { readonly credentials: CredentialSource },
    plain: RegistryAccess,
  ) {
    this.#kube = kube;
    this.#options = options;
    this.#plain = plain;
  }

  /** Never throws: what cannot be read fails when a registry asks for credentials, and then "could not be checked" is said. */
  async of(
    { namespace, object }: Pick<AdmissionRequest, 'namespace' | 'object'>,
    now = Date.now(),
  ): Promise<RegistryAccess> {
    const spec = podSpecOf(object ?? {});
    if (namespace === '' || spec === undefined) return this.#plain;
    const key = JSON.stringify([namespace, accountOf(spec), namesIn(spec)]);
    const kept = this.#sets.get(key);
    if (kept !== undefined && kept.until > now) return kept.registryAccess;
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = this.#read(key, namespace, spec, kept, now).finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
    }
    return flight;
  }

  async #read(
    key: string,
    namespace: string,
    spec: PodSpec,
    kept: Kept | undefined,
    now: number,
  ): Promise<RegistryAccess> {
    let secrets: Secret[];
    try {
      secrets = await this.#secrets(namespace, spec);
    } catch (error) {
      const problem = asProblem(error, 'credentials');
      const credentials = () =>
        Promise.reject(new Problem('credentials', `pull secrets of namespace ${namespace}: ${problem.message}`));
      return makeRegistryAccess(new RegistryClient({ ...this.#options, credentials }));
    }
    const versions = secrets.map(({ name, version }) => `${name}@${version}`).join();
    const same = kept?.versions === versions ? kept.registryAccess : undefined;
    const registryAccess = secrets.length === 0 ? this.#plain : (same ?? this.#reachWith(secrets));
    this.#sets.delete(key);
    this.#sets.set(key, { registryAccess, versions, until: now + FRESH_MS });
    if (this.#sets.size > MAX_SETS) this.#sets.delete(this.#sets.keys().next().value as string);
    return registryAccess;
  }

  #reachWith(secrets: readonly Secret[]): RegistryAccess {
    const own = secretCredentials(secrets);
    const { credentials: ambient } = this.#options;
    const credentials: CredentialSource = async (registry, repository) =>
      (await own(registry, repository)) ?? ambient(registry, repository);
    return makeRegistryAccess(new RegistryClient({ ...this.#options, credentials }));
  }

  /** As the kubelet: the pod's own, then those of its service account; one that is not there is passed over. */
  async #secrets(namespace: string, spec: PodSpec): Promise<Secret[]> {
    const account = await this.#kube.find(
      pathOf({ apiVersion: 'v1', resource: 'serviceaccounts' }, namespace, accountOf(spec)),
    );
    const names = [...new Set([...namesIn(spec), ...namesIn(account ?? {})])].slice(0, MAX_SECRETS);
    const found = await Promise.all(
      names.map((name) => this.#kube.find(pathOf({ apiVersion: 'v1', resource: 'secrets' }, namespace, name))),
    );
    return found.flatMap((secret) => (secret === undefined ? [] : secretOf(secret)));
  }
}

type PodSpec = Readonly<Record<string, unknown>>;
type Secret = { readonly name: string; readonly version: string; readonly text: string };

function secretOf({ metadata, type, data }: KubeObject): Secret[] {
  const { name = '', resourceVersion: version = '' } = metadata ?? {};
  const values = (data ?? {}) as Record<string, string>;
  const decode = (value: string) => Buffer.from(value, 'base64').toString('utf8');
  const whole = values['.dockerconfigjson'];
  if (type === 'kubernetes.io/dockerconfigjson' && whole !== undefined) return [{ name, version, text: decode(whole) }];
  const older = values['.dockercfg'];
  if (type === 'kubernetes.io/dockercfg' && older !== undefined)
    return [{ name, version, text: `{"auths":${decode(older)}}` }];
  return [];
}

function accountOf({ serviceAccountName }: PodSpec): string {
  return typeof serviceAccountName === 'string' && serviceAccountName !== '' ? serviceAccountName : 'default';
}

function namesIn({ imagePullSecrets }: PodSpec): string[] {
  if (!Array.isArray(imagePullSecrets)) return [];
  return imagePullSecrets.flatMap((item) => {
    const name = (item as { name?: unknown } | null)?.name;
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
}

/** The pod spec of a pod, of a workload's template, of a CronJob's or of a PodTemplate. */
export function podSpecOf(object: PodSpec): PodSpec | undefined {
  const at = (...path: string[]) =>
    path.reduce<unknown>((value, key) => (value as PodSpec | null | undefined)?.[key], object) as PodSpec | undefined;
  const found = [
    at('spec', 'jobTemplate', 'spec', 'template', 'spec'),
    at('spec', 'template', 'spec'),
    at('template', 'spec'),
  ];
  return found.find((spec) => spec !== undefined && spec !== null) ?? at('spec');
}
