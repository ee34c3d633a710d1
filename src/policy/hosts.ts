// The hosts that a policy names: only these may be private. What an image alone names is reached at public addresses (T46).
import { matchesHost } from '../image/hosts.ts';
import type { Config } from './config.ts';

type Naming = Pick<Config, 'rules' | 'registries' | 'exemptions' | 'authorities'>;

/** Hosts of patterns and registries, `*.` before a domain for all below it; Docker Hub, whose name is a default. */
export function namedHosts({ rules, registries, exemptions, authorities }: Naming): string[] {
  const patterns = [...rules, ...exemptions].flatMap(({ images }) => images).filter((pattern) => pattern !== '**');
  const hosts = [
    'docker.io',
    ...patterns.map((pattern) => pattern.slice(0, pattern.indexOf('/'))),
    ...rules.flatMap((rule) => rule.registries ?? []),
    ...registries.map(({ host }) => host),
    ...Object.values(authorities).flatMap(({ signatureRepository: at }) =>
      at === undefined ? [] : at.slice(0, at.indexOf('/')),
    ),
  ];
  return [...new Set(hosts)];
}

export function namesHost(config: Naming): (host: string) => boolean {
  const hosts = namedHosts(config);
  return (host) => matchesHost(hosts, host);
}
