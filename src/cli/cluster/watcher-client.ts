// The registry client of the watcher: within a budget, and only to hosts that the policy lets it reach.
import type { Config } from '../../policy/config.ts';
import { namesHost } from '../../policy/hosts.ts';
import { Budget } from '../../watcher/budget.ts';
import { PacedClient } from '../../watcher/paced-client.ts';
import { version } from '../shared/version.ts';

/** @returns the client and the budget that its requests are counted in; the caller closes the client */
export function openWatcherClient(config: Config): { readonly client: PacedClient; readonly budget: Budget } {
  const budget = new Budget(
    (registry) => client.rateLimitOf(registry),
    (asked) => client.credentialOf(asked),
  );
  // Anyone can name a host in a pod: only hosts that the configuration names may have private
  // addresses (T46).
  const client = new PacedClient(budget, {
    registries: config.registries,
    hostsDir: config.hostsDir,
    isNamed: namesHost(config),
    userAgent: `tagproof/${version()}`,
  });
  return { client, budget };
}
