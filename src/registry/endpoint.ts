// Which URLs serve a registry's name: Docker Hub's own host, plain HTTP where allowed, mirrors from
// containerd's hosts.toml.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { readNamed } from '../file.ts';
import { asProblem, Problem } from '../problem.ts';

export type Endpoint = {
  /** With a trailing slash and `v2/`: `https://registry-1.docker.io/v2/`. */
  readonly base: string;
  /** The registry whose content this serves; a mirror gets it as `ns=`. */
  readonly registry: string;
  readonly mirror: boolean;
  /** PEM certificates to trust in addition to the system's. */
  readonly ca?: readonly string[];
  /** Client certificate and key, PEM. */
  readonly client?: { readonly cert: string; readonly key: string };
  readonly skipVerify: boolean;
  /**
   * Only an image named this host: it is reached at public addresses only, checked after DNS (T46).
   */
  readonly guarded?: boolean;
  readonly headers: Readonly<Record<string, string>>;
};

/** The user's settings for one registry, from tagproof.yaml or flags. */
export type RegistrySetting = {
  readonly host: string;
  readonly plainHttp?: boolean | undefined;
  readonly skipTlsVerify?: boolean | undefined;
  /** Path of a PEM file. */
  readonly ca?: string | undefined;
  /**
   * Host of the token service that may see this registry's credentials, where it is in another
   * domain.
   */
  readonly tokenHost?: string | undefined;
  /** The cloud whose workload identity gives access to it. */
  readonly credentials?: 'google' | 'azure' | 'amazon' | undefined;
};

/**
 * Two of containerd's capabilities: a mirror may be trusted to resolve tags, or only to serve
 * bytes.
 */
export type Capability = 'resolve' | 'pull';

/**
 * The endpoints of a registry, mirrors first, the registry itself last.
 * @param hostsDir containerd's certs.d folder; undefined: no mirrors
 */
export function endpointsFor(
  registry: string,
  need: Capability,
  settings: readonly RegistrySetting[],
  hostsDir: string | undefined,
): Endpoint[] {
  const setting = settings.find(({ host }) => host === registry);
  const configured = hostsDir === undefined ? undefined : readHostsToml(hostsDir, registry, need);
  const origin: Endpoint = {
    base: `${configured?.server ?? `${scheme(registry, setting)}://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`}/v2/`,
    registry,
    mirror: false,
    ...(setting?.ca !== undefined && { ca: [readNamed(setting.ca).toString('utf8')] }),
    skipVerify: setting?.skipTlsVerify ?? false,
    headers: {},
  };
  return [...(configured?.mirrors ?? []), origin];
}

function scheme(registry: string, setting: RegistrySetting | undefined): 'http' | 'https' {
  const plain = setting?.plainHttp ?? (setting?.ca === undefined && !setting?.skipTlsVerify && isLoopback(registry));
  return plain ? 'http' : 'https';
}

/** Docker's rule: a registry on this machine needs no TLS. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

// --- hosts.toml: containerd docs/hosts.md ---

type HostTable = Record<string, unknown>;

function readHostsToml(
  hostsDir: string,
  registry: string,
  need: Capability,
): { server: string | undefined; mirrors: Endpoint[] } | undefined {
  const file = [registry, registry.replace(/:(\d+)$/, '_$1_'), '_default']
    .map((name) => join(hostsDir, name, 'hosts.toml'))
    .find(existsSync);
  if (file === undefined) return undefined;
  let table: HostTable;
  try {
    table = parse(readFileSync(file, 'utf8')) as HostTable;
  } catch (error) {
    throw asProblem(error, 'syntax', { file });
  }
  const hosts = (table['host'] ?? {}) as Record<string, HostTable>;
  const mirrors = Object.entries(hosts)
    .filter(([, host]) =>
      ((host['capabilities'] as string[] | undefined) ?? ['pull', 'resolve', 'push']).includes(need),
    )
    .map(([url, host]) => mirrorOf(url, host, registry, file));
  const server = typeof table['server'] === 'string' ? table['server'].replace(/\/(v2\/?)?$/, '') : undefined;
  if (server !== undefined) checkUrl(server, file);
  return { server, mirrors };
}

function mirrorOf(url: string, host: HostTable, registry: string, file: string): Endpoint {
  const full = /^https?:\/\//.test(url) ? url : `https://${url}`;
  checkUrl(full, file);
  const base = full.replace(/\/$/, '');
  const folder = dirname(file);
  const ca = [host['ca'] ?? []].flat() as string[];
  const [client] = [host['client'] ?? []].flat() as (string | [string, string])[];
  return {
    base: host['override_path'] === true ? `${base}/` : `${base.replace(/\/v2$/, '')}/v2/`,
    registry,
    mirror: true,
    ...(ca.length > 0 && { ca: ca.map((path) => readNamed(resolve(folder, path)).toString('utf8')) }),
    ...(client !== undefined && { client: readClient(client, folder) }),
    skipVerify: host['skip_verify'] === true,
    headers: Object.fromEntries(
      Object.entries((host['header'] ?? {}) as Record<string, unknown>).map(([name, value]) => [
        name,
        [value].flat().join(', '),
      ]),
    ),
  };
}

function readClient(client: string | [string, string], folder: string): { cert: string; key: string } {
  const [cert, key] = typeof client === 'string' ? [client, client] : client;
  return {
    cert: readNamed(resolve(folder, cert)).toString('utf8'),
    key: readNamed(resolve(folder, key)).toString('utf8'),
  };
}

function checkUrl(url: string, file: string): void {
  if (!URL.canParse(url)) throw new Problem('syntax', `'${url}' is not a URL`, { file });
}
