// A registry client within the watcher's budget: requests that registries count as pulls wait while
// less than half of an announced limit is left, because nodes pull from the same address.
import type { PinnedReference, Reference } from '../flow.ts';
import { Problem } from '../problem.ts';
import { type ClientOptions, RegistryClient } from '../registry/client.ts';
import type { Credential } from '../registry/credential.ts';
import { ambientCredentials } from '../registry/credentials.ts';
import type { Manifest } from '../registry/descriptor.ts';
import type { Referrer } from '../registry/referrers.ts';
import type { RateLimit } from '../registry/throttle.ts';
import type { Budget } from './budget.ts';

/**
 * How long a request waits for the budget, milliseconds; then it fails, and the caller retries
 * later.
 */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 200;
/** Docker Hub serves images of docker.io at another host. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

export class PacedClient extends RegistryClient {
  readonly #budget: Budget;
  readonly #users: ReadonlyMap<string, string>;

  constructor(budget: Budget, options: ClientOptions) {
    const users = new Map<string, string>();
    const source = options.credentials ?? ambientCredentials();
    super({
      ...options,
      credentials: async (registry, repository) => {
        const credential = await source(registry, repository);
        users.set(`${registry}/${repository}`, userOf(credential));
        return credential;
      },
    });
    this.#budget = budget;
    this.#users = users;
  }

  /**
   * The user whose credentials are used for a repository; anonymous until it asked for credentials.
   */
  credentialOf({ registry, repository }: Pick<Reference, 'registry' | 'repository'>): string {
    return this.#users.get(`${registry}/${repository}`) ?? 'anonymous';
  }

  /** The rate limit that a registry last announced. */
  rateLimitOf(registry: string): RateLimit | undefined {
    const host = HOSTS[registry] ?? registry;
    return this.rateLimits().find(([name]) => name === host)?.[1];
  }

  override async manifest(reference: Reference): Promise<Manifest> {
    await this.#waitForBudget(reference);
    return super.manifest(reference);
  }

  override async referrers(reference: PinnedReference): Promise<Referrer[]> {
    await this.#waitForBudget(reference);
    return super.referrers(reference);
  }

  async #waitForBudget(reference: Reference): Promise<void> {
    const { registry, text } = reference;
    for (let waited = 0; !this.#budget.pull(reference, Date.now()); waited += PAUSE_MS) {
      if (waited >= PATIENCE_MS)
        throw new Problem('unreachable', `${registry} allows few more pulls: they are left to the nodes`, {
          image: text,
        });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    }
  }
}

function userOf(credential: Credential | undefined): string {
  if (credential === undefined) return 'anonymous';
  return credential.kind === 'basic' ? credential.username : 'identity token';
}
