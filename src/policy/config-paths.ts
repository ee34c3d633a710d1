// Paths of files that a configuration names. They begin at its folder, wherever tagproof runs. Pure.
import { isAbsolute, join } from 'node:path';
import type { Authority, Config } from './config.ts';

/**
 * Paths of registries and alarms, as seen from the working directory. Those of authorities stay as they are written,
 * because the hash of the policy must be the same in every folder: `authoritiesFrom` resolves them where they are read.
 */
export function pathsFrom(config: Config, folder: string): Config {
  if (folder === '.') return config;
  const { registries, hostsDir, alarms } = config;
  return {
    ...config,
    folder,
    registries: registries.map((item) => ({ ...item, ...located(folder, { ca: item.ca }) })),
    ...located(folder, { hostsDir }),
    ...(alarms !== undefined && {
      alarms: {
        ...alarms,
        sinks: alarms.sinks.map((sink) => {
          const { urlFile, secretFile } = sink;
          return { ...sink, ...located(folder, { urlFile, secretFile }) };
        }),
      },
    }),
  };
}

/** @param folder of the configuration; undefined: the working directory */
export function authoritiesFrom(authorities: Config['authorities'], folder = '.'): Config['authorities'] {
  if (folder === '.') return authorities;
  const resolved = (authority: Authority): Authority => {
    if (authority.kind === 'notary') return { ...authority, ...located(folder, { ca: authority.ca }) };
    if (authority.kind === 'notation' || authority.trustRoot === 'public-good') return authority;
    return { ...authority, trustRoot: at(folder, authority.trustRoot) };
  };
  return Object.fromEntries(Object.entries(authorities).map(([name, authority]) => [name, resolved(authority)]));
}

const at = (folder: string, path: string) => (isAbsolute(path) ? path : join(folder, path));

/** The given paths inside the folder, without those that are undefined. */
function located<K extends string>(folder: string, paths: Record<K, string | undefined>): Partial<Record<K, string>> {
  const known = Object.entries<string | undefined>(paths).filter(([, path]) => path !== undefined);
  return Object.fromEntries(known.map(([key, path]) => [key, at(folder, path as string)])) as Partial<
    Record<K, string>
  >;
}
