// Registry access for one object: with the webhook's own credentials, or first with the pull
// secrets of the object's namespace (T51). Each set of secrets has tag leases of its own, so no one
// learns what their own secrets could not have read.
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { asProblem, Problem } from '../problem.ts';
import { type ClientOptions, RegistryClient } from '../registry/client.ts';
import type { CredentialSource } from '../registry/credential.ts';
import { secretCredentials } from '../registry/credentials.ts';
import { Leases } from './leases.ts';
import type { AdmissionRequest } from './review.ts';

/** A client with credentials, and the leases of the tags that it resolved. */
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

/** Secrets are read again after this, milliseconds. */
const FRESH_MS = 60_000;
/** How many sets of secrets are cached; the one that was read least recently is evicted. */
const MAX_SETS = 500;
/** How many secrets of one pod are used, in the kubelet's order. */
const MAX_SECRETS = 20;

type AccessEntry = { readonly registryAccess: RegistryAccess; readonly versions: string; readonly until: number };

/** Owns the cached access of each set of secrets. */
export class PullSecrets {
  readonly #kube: KubeClient;
  readonly #options: ClientOptions & { readonly credentials: CredentialSource };
  readonly #plain: RegistryAccess;
  readonly #sets = new Map<string, AccessEntry>();
  readonly #flights = new Map<string, Promise<RegistryAccess>>();

  /**
   * @param options hold the webhook's own credentials, which are tried last
   * @param plain the access for objects without pull secrets
   */
  constructor(
    kube: KubeClient,
    options: ClientOptions & { readonly credentials: CredentialSource },
    plain: RegistryAccess,
  ) {
    this.#kube = kube;
    this.#options = options;
    this.#plain = plain;
  }

  /**
   * Never throws. If the secrets cannot be read, the returned access fails when a registry demands
   * credentials, and the answer is "could not be checked".
   */
  async of(
    { namespace, object }: Pick<AdmissionRequest, 'namespace' | 'object'>,
    now = Date.now(),
  ): Promise<RegistryAccess> {
    const spec = podSpecOf(object ?? {});
    if (namespace === '' || spec === undefined) return this.#plain;
    const key = JSON.stringify([namespace, accountOf(spec), namesIn(spec)]);
    const entry = this.#sets.get(key);
    if (entry !== undefined && entry.until > now) return entry.registryAccess;
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = this.#read({ key, namespace, spec, entry, now }).finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
    }
    return flight;
  }

  async #read({ key, namespace, spec, entry, now }: SecretsQuestion): Promise<RegistryAccess> {
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
    const unchanged = entry?.versions === versions ? entry.registryAccess : undefined;
    const registryAccess = secrets.length === 0 ? this.#plain : (unchanged ?? this.#accessWith(secrets));
    this.#sets.delete(key);
    this.#sets.set(key, { registryAccess, versions, until: now + FRESH_MS });
    if (this.#sets.size > MAX_SETS) this.#sets.delete(this.#sets.keys().next().value as string);
    return registryAccess;
  }

  #accessWith(secrets: readonly Secret[]): RegistryAccess {
    const fromSecrets = secretCredentials(secrets);
    const { credentials: ambient } = this.#options;
    const credentials: CredentialSource = async (registry, repository) =>
      (await fromSecrets(registry, repository)) ?? ambient(registry, repository);
    return makeRegistryAccess(new RegistryClient({ ...this.#options, credentials }));
  }

  /**
   * As in the kubelet: the secrets of the pod, then of its service account; a missing secret is
   * skipped.
   */
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

type SecretsQuestion = {
  readonly key: string;
  readonly namespace: string;
  readonly spec: PodSpec;
  /** The entry that has expired, if there is one. */
  readonly entry: AccessEntry | undefined;
  readonly now: number;
};
type PodSpec = Readonly<Record<string, unknown>>;
type Secret = { readonly name: string; readonly version: string; readonly text: string };

function secretOf({ metadata, type, data }: KubeObject): Secret[] {
  const { name = '', resourceVersion: version = '' } = metadata ?? {};
  const values = (data ?? {}) as Record<string, string>;
  const decode = (value: string) => Buffer.from(value, 'base64').toString('utf8');
  const dockerConfig = values['.dockerconfigjson'];
  if (type === 'kubernetes.io/dockerconfigjson' && dockerConfig !== undefined)
    return [{ name, version, text: decode(dockerConfig) }];
  const legacyConfig = values['.dockercfg'];
  if (type === 'kubernetes.io/dockercfg' && legacyConfig !== undefined)
    return [{ name, version, text: `{"auths":${decode(legacyConfig)}}` }];
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

/** The pod spec of a pod, of a workload's template, of a CronJob's template or of a PodTemplate. */
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
