// A registry client that spends from the watcher's budget: what registries count as a pull is only asked for while there is plenty, for
// nodes pull by the same address.
import type { PinnedReference, Reference } from '../flow.ts';
import { Problem } from '../problem.ts';
import { type ClientOptions, RegistryClient } from '../registry/client.ts';
import type { Credential } from '../registry/credential.ts';
import { ambientCredentials } from '../registry/credentials.ts';
import type { Manifest } from '../registry/descriptor.ts';
import type { Referrer } from '../registry/referrers.ts';
import type { RateLimit } from '../registry/throttle.ts';
import type { Budget } from './budget.ts';

/** A turn is waited for so long, milliseconds; then whoever asked tries again some other time. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 200;
/** Docker Hub's name for images, and for itself. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

export class PacedClient extends RegistryClient {
  readonly #budget: Budget;
  readonly #names: ReadonlyMap<string, string>;

  constructor(budget: Budget, options: ClientOptions) {
    const names = new Map<string, string>();
    const source = options.credentials ?? ambientCredentials();
    super({
      ...options,
      credentials: async (registry, repository) => {
        const credential = await source(registry, repository);
        names.set(`${registry}/${repository}`, nameOf(credential));
        return credential;
      },
    });
    this.#budget = budget;
    this.#names = names;
  }

  /** By whose name a repository is asked; who was never asked for a name is nobody yet. */
  credentialOf({ registry, repository }: Pick<Reference, 'registry' | 'repository'>): string {
    return this.#names.get(`${registry}/${repository}`) ?? 'anonymous';
  }

  /** What a registry last announced. */
  rateLimitOf(registry: string): RateLimit | undefined {
    const host = HOSTS[registry] ?? registry;
    return this.rateLimits().find(([name]) => name === host)?.[1];
  }

  override async manifest(reference: Reference): Promise<Manifest> {
    await this.#turn(reference);
    return super.manifest(reference);
  }

  override async referrers(reference: PinnedReference): Promise<Referrer[]> {
    await this.#turn(reference);
    return super.referrers(reference);
  }

  async #turn(reference: Reference): Promise<void> {
    const { registry, text } = reference;
    for (let waited = 0; !this.#budget.pull(reference, Date.now()); waited += PAUSE_MS) {
      if (waited >= PATIENCE_MS)
        throw new Problem('unreachable', `${registry} allows few pulls more: they are left to the nodes`, {
          image: text,
        });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    }
  }
}

function nameOf(credential: Credential | undefined): string {
  if (credential === undefined) return 'anonymous';
  return credential.kind === 'basic' ? credential.username : 'identity token';
}
