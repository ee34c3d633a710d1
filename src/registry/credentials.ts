// Finds credentials for a registry: environment, docker's config.json, podman's auth.json,
// credential helpers. Exact hosts only.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import type { Credential, CredentialSource } from './credential.ts';
import { runHelper } from './credential-helper.ts';

type AuthEntry = { auth?: unknown; username?: unknown; password?: unknown; identitytoken?: unknown };
type ConfigFile = {
  path: string;
  auths: Record<string, AuthEntry>;
  credHelpers: Record<string, string>;
  credsStore: string | undefined;
};

/** Docker Hub's names in credential files; the first is what docker login writes. */
const HUB_KEYS = [
  'https://index.docker.io/v1/',
  'index.docker.io/v1/',
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
];

/**
 * Credentials as docker and podman store them. Files are read at the first request, helpers run
 * once per host. Order: TAGPROOF_REGISTRY_* variables, REGISTRY_AUTH_FILE, DOCKER_CONFIG or
 * ~/.docker, podman's auth.json.
 */
export function ambientCredentials(env: NodeJS.ProcessEnv = process.env): CredentialSource {
  let files: ConfigFile[] | undefined;
  const helperAnswers = new Map<string, Promise<Credential | undefined>>();

  return async (registry, repository) => {
    const explicit = fromEnvironment(env, registry);
    if (explicit !== undefined) return explicit;
    files ??= configPaths(env)
      .map(readConfig)
      .filter((file) => file !== undefined);
    for (const file of files) {
      const helper = helperFor(file, registry);
      if (helper !== undefined) {
        const server = registry === 'docker.io' ? (HUB_KEYS[0] as string) : registry;
        const key = `${helper} ${server}`;
        let answer = helperAnswers.get(key);
        if (answer === undefined) {
          answer = runHelper(helper, server, env);
          helperAnswers.set(key, answer);
        }
        const credential = await answer;
        if (credential !== undefined) return credential;
      }
      const entry = entryFor(file.auths, registry, repository);
      const credential = entry === undefined ? undefined : decode(entry, file.path);
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
}

/** TAGPROOF_REGISTRY_HOSTNAME_0, _USERNAME_0, _PASSWORD_0 or _IDENTITY_TOKEN_0; counting up. */
function fromEnvironment(env: NodeJS.ProcessEnv, registry: string): Credential | undefined {
  for (let i = 0; env[`TAGPROOF_REGISTRY_HOSTNAME_${i}`] !== undefined; i++) {
    const host = (env[`TAGPROOF_REGISTRY_HOSTNAME_${i}`] as string).toLowerCase();
    if (host !== registry && !(registry === 'docker.io' && HUB_KEYS.includes(host))) continue;
    const token = env[`TAGPROOF_REGISTRY_IDENTITY_TOKEN_${i}`];
    if (token !== undefined) return { kind: 'identity', token };
    const username = env[`TAGPROOF_REGISTRY_USERNAME_${i}`];
    const password = env[`TAGPROOF_REGISTRY_PASSWORD_${i}`];
    if (username === undefined || password === undefined) {
      throw new Problem(
        'credentials',
        `TAGPROOF_REGISTRY_HOSTNAME_${i} is set: expected TAGPROOF_REGISTRY_USERNAME_${i} and _PASSWORD_${i} too`,
      );
    }
    return { kind: 'basic', username, password };
  }
  return undefined;
}

function configPaths(env: NodeJS.ProcessEnv): string[] {
  const home = env['HOME'] ?? homedir();
  const paths = env['REGISTRY_AUTH_FILE'] === undefined ? [] : [env['REGISTRY_AUTH_FILE']];
  paths.push(join(env['DOCKER_CONFIG'] ?? join(home, '.docker'), 'config.json'));
  if (env['XDG_RUNTIME_DIR'] !== undefined) paths.push(join(env['XDG_RUNTIME_DIR'], 'containers/auth.json'));
  paths.push(join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'containers/auth.json'));
  return paths;
}

/**
 * Credentials from Secrets of type kubernetes.io/dockerconfigjson, or the older dockercfg, which
 * holds `auths` alone. Helpers that a Secret names are never run: a person who may write a Secret
 * must not choose the programs that run here.
 * @param texts in the order in which they are searched
 * @throws Problem `credentials` when the search reaches one that cannot be read
 */
export function secretCredentials(
  texts: readonly { readonly name: string; readonly text: string }[],
): CredentialSource {
  return async (registry, repository) => {
    for (const { name, text } of texts) {
      const { auths } = parseConfig(text, `secret ${name}`);
      const entry = entryFor(auths, registry, repository);
      const credential = entry === undefined ? undefined : decode(entry, `secret ${name}`);
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
}

function readConfig(path: string): ConfigFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new Problem('credentials', `cannot read it: ${(error as Error).message}`, { file: path });
  }
  return parseConfig(text, path);
}

function parseConfig(text: string, path: string): ConfigFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message may quote the text, which holds secrets.
    throw new Problem('credentials', 'expected JSON as docker login and podman login write it', { file: path });
  }
  const { auths, credHelpers, credsStore } = (json ?? {}) as Record<string, unknown>;
  return {
    path,
    auths: (auths ?? {}) as Record<string, AuthEntry>,
    credHelpers: (credHelpers ?? {}) as Record<string, string>,
    credsStore: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
  };
}

function helperFor(file: ConfigFile, registry: string): string | undefined {
  const names = registry === 'docker.io' ? HUB_KEYS : [registry];
  for (const name of names) if (Object.hasOwn(file.credHelpers, name)) return file.credHelpers[name];
  return file.credsStore;
}

/**
 * The most specific entry: `quay.io/org/team` before `quay.io/org` before `quay.io`, on whole path
 * segments (T50). containers-auth.json(5). Docker writes URLs for some hosts; only the host part of
 * a URL counts.
 */
function entryFor(auths: Record<string, AuthEntry>, registry: string, repository: string): AuthEntry | undefined {
  const segments = repository.split('/');
  for (let length = segments.length; length >= 0; length--) {
    const key = [registry, ...segments.slice(0, length)].join('/');
    if (Object.hasOwn(auths, key)) return auths[key];
  }
  if (registry === 'docker.io') {
    const key = HUB_KEYS.find((name) => Object.hasOwn(auths, name));
    return key === undefined ? undefined : auths[key];
  }
  const url = Object.keys(auths).find(
    (key) => /^https?:\/\//.test(key) && URL.canParse(key) && new URL(key).host === registry,
  );
  return url === undefined ? undefined : auths[url];
}

function decode(entry: AuthEntry, path: string): Credential | undefined {
  if (typeof entry.identitytoken === 'string' && entry.identitytoken !== '')
    return { kind: 'identity', token: entry.identitytoken };
  if (typeof entry.auth === 'string' && entry.auth !== '') {
    const text = Buffer.from(entry.auth, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) throw new Problem('credentials', "expected base64 of 'user:password' as auth", { file: path });
    return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
  }
  if (typeof entry.username === 'string' && typeof entry.password === 'string' && entry.username !== '') {
    return { kind: 'basic', username: entry.username, password: entry.password };
  }
  return undefined;
}
