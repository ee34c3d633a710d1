// The hosts that a policy names: only these may be private. What an image alone names is reached at public addresses (T46).

import { matchesHost } from '../image/hosts.ts';
import type { Config } from './config.ts';

/** Hosts of patterns and registries, `*.` before a domain for all below it; Docker Hub, whose name is a default. */
export function namedHosts({
  rules,
  registries,
  exemptions,
}: Pick<Config, 'rules' | 'registries' | 'exemptions'>): string[] {
  const patterns = [...rules, ...exemptions].flatMap(({ images }) => images).filter((pattern) => pattern !== '**');
  const hosts = [
    'docker.io',
    ...patterns.map((pattern) => pattern.slice(0, pattern.indexOf('/'))),
    ...rules.flatMap((rule) => rule.registries ?? []),
    ...registries.map(({ host }) => host),
  ];
  return [...new Set(hosts)];
}

export function namesHost(config: Parameters<typeof namedHosts>[0]): (host: string) => boolean {
  const hosts = namedHosts(config);
  return (host) => matchesHost(hosts, host);
}
