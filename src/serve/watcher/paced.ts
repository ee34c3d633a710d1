// A registry client that spends from the watcher's budget: what registries count as a pull is only asked for while there is plenty, for
// nodes pull by the same address.
import type { Reference } from '../../flow.ts';
import { Problem } from '../../problem.ts';
import { type ClientOptions, type Manifest, RegistryClient } from '../../registry/client.ts';
import type { Referrer } from '../../registry/referrers.ts';
import type { RateLimit } from '../../registry/throttle.ts';
import type { Budget } from './budget.ts';

/** A turn is waited for so long, milliseconds; then whoever asked tries again some other time. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 200;
/** Docker Hub's name for images, and for itself. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

export class PacedClient extends RegistryClient {
  readonly #budget: Budget;

  constructor(budget: Budget, options: ClientOptions) {
    super(options);
    this.#budget = budget;
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

  override async referrers(reference: Reference): Promise<Referrer[]> {
    await this.#turn(reference);
    return super.referrers(reference);
  }

  async #turn({ registry, text }: Reference): Promise<void> {
    for (let waited = 0; !this.#budget.pull(registry, Date.now()); waited += PAUSE_MS) {
      if (waited >= PATIENCE_MS)
        throw new Problem('unreachable', `${registry} allows few pulls more: they are left to the nodes`, {
          image: text,
        });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    }
  }
}
