// The hosts that a policy names. Only these may have private addresses: a host that only an image
// names must be public (T46). Pure.
import { matchesHost } from '../image/hosts.ts';
import type { Config } from './config.ts';

type HostSettings = Pick<Config, 'rules' | 'registries' | 'exemptions' | 'authorities'>;

/**
 * The hosts of patterns and registries, with `*.` before a domain for all hosts below it; and
 * Docker Hub, the default host.
 */
export function namedHosts({ rules, registries, exemptions, authorities }: HostSettings): string[] {
  const patterns = [...rules, ...exemptions].flatMap(({ images }) => images).filter((pattern) => pattern !== '**');
  const hosts = [
    'docker.io',
    ...patterns.map((pattern) => pattern.slice(0, pattern.indexOf('/'))),
    ...rules.flatMap((rule) => rule.registries ?? []),
    ...registries.map(({ host }) => host),
    ...Object.values(authorities).flatMap(({ signatureRepository: repository }) =>
      repository === undefined ? [] : repository.slice(0, repository.indexOf('/')),
    ),
  ];
  return [...new Set(hosts)];
}

export function namesHost(config: HostSettings): (host: string) => boolean {
  const hosts = namedHosts(config);
  return (host) => matchesHost(hosts, host);
}
