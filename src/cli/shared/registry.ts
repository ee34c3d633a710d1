// The registry options that commands with network share, and the client that they open.
import type { Command } from 'commander';
import type { Config } from '../../policy/config.ts';
import { Problem } from '../../problem.ts';
import type { ClientOptions, RegistryClient } from '../../registry/client.ts';
import { type Context, collect } from './command.ts';
import { version } from './version.ts';

export type RegistryFlags = { insecureRegistry: string[]; hostsDir?: string; timeout: string };

export function registryOptions(command: Command): Command {
  return command
    .option('--insecure-registry <host>', 'speak plain HTTP with this registry (repeatable)', collect, [])
    .option('--hosts-dir <dir>', "mirrors from containerd's hosts.toml files in this folder")
    .option('--timeout <seconds>', 'deadline of one exchange with a registry', '30');
}

/** Opens a client, hands it to the task, closes it. Loads it only now: `check` without network needs none. */
export async function withClient<T>(
  flags: RegistryFlags,
  config: Config & Pick<ClientOptions, 'isNamed'>,
  { signal }: Context,
  task: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const seconds = Number(flags.timeout);
  if (!(seconds > 0 && seconds <= 3600))
    throw new Problem('usage', `--timeout '${flags.timeout}': expected seconds between 0 and 3600`);
  const insecure = flags.insecureRegistry.map((host) => ({ host: host.toLowerCase(), plainHttp: true }));
  const { RegistryClient } = await import('../../registry/client.ts');
  const client = new RegistryClient({
    signal,
    deadlineMs: seconds * 1000,
    registries: [...insecure, ...config.registries],
    hostsDir: flags.hostsDir ?? config.hostsDir,
    ...(config.isNamed !== undefined && { isNamed: config.isNamed }),
    userAgent: `tagproof/${version()}`,
  });
  try {
    return await task(client);
  } finally {
    await client.close();
  }
}

/** `docker.io allows 76 more of 100 pulls in 6 h`, for hosts that say so. */
export function rateLimitLines(client: RegistryClient): string[] {
  return client.rateLimits().map(([host, { limit, remaining, windowSeconds }]) => {
    const window = windowSeconds === undefined ? '' : ` in ${Math.round(windowSeconds / 360) / 10} h`;
    return `${host} allows ${remaining} more pulls${limit === undefined ? '' : ` of ${limit}`}${window}`;
  });
}
