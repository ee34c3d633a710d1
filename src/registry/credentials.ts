// Credentials for a registry: environment, docker's config.json, podman's auth.json, credential helpers. Exact host only.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../problem.ts';

export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, which only the token service may see. */
  | { readonly kind: 'identity'; readonly token: string };

/** Answers for a registry and repository in canonical form; undefined: go without. */
export type CredentialSource = (registry: string, repository: string) => Promise<Credential | undefined>;

type AuthEntry = { auth?: unknown; username?: unknown; password?: unknown; identitytoken?: unknown };
type ConfigFile = {
  path: string;
  auths: Record<string, AuthEntry>;
  credHelpers: Record<string, string>;
  credsStore: string | undefined;
};

const HELPER_TIMEOUT_MS = 30_000;
const MAX_HELPER_OUTPUT = 64 * 1024;
/** Docker Hub's names in credential files; the first is what docker login writes. */
const HUB_KEYS = [
  'https://index.docker.io/v1/',
  'index.docker.io/v1/',
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
];

/**
 * Credentials as docker and podman keep them. Files are read when first asked, helpers run once per host.
 * Order: TAGPROOF_REGISTRY_* variables, REGISTRY_AUTH_FILE, DOCKER_CONFIG or ~/.docker, podman's auth.json.
 */
export function ambientCredentials(env: NodeJS.ProcessEnv = process.env): CredentialSource {
  let files: ConfigFile[] | undefined;
  const helped = new Map<string, Promise<Credential | undefined>>();

  return async (registry, repository) => {
    const given = fromEnvironment(env, registry);
    if (given !== undefined) return given;
    files ??= configPaths(env)
      .map(readConfig)
      .filter((file) => file !== undefined);
    for (const file of files) {
      const helper = helperFor(file, registry);
      if (helper !== undefined) {
        const server = registry === 'docker.io' ? (HUB_KEYS[0] as string) : registry;
        const key = `${helper} ${server}`;
        let answer = helped.get(key);
        if (answer === undefined) {
          answer = runHelper(helper, server, env);
          helped.set(key, answer);
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
 * What a Secret of type kubernetes.io/dockerconfigjson says, or the older dockercfg, which is its `auths` alone. Helpers that it
 * names are never run: whoever may write a Secret must not choose our programs.
 * @param texts in the order in which they are asked
 * @throws Problem `credentials` when one is asked that cannot be read
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
 * The most specific entry: `quay.io/org/team` before `quay.io/org` before `quay.io`, on whole path segments (T50).
 * containers-auth.json(5). Docker writes URLs for some hosts; only their host part counts.
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

/** Runs `docker-credential-NAME get`. docker/docker-credential-helpers README. */
async function runHelper(helper: string, server: string, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const program = `docker-credential-${helper}`;
  if (!/^[\w.-]+$/.test(helper)) throw new Problem('credentials', `'${helper}' is not the name of a credential helper`);
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], env });
  const timer = setTimeout(() => child.kill('SIGKILL'), HELPER_TIMEOUT_MS).unref();
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.length > MAX_HELPER_OUTPUT) child.kill('SIGKILL');
  });
  child.on('error', (error: NodeJS.ErrnoException) =>
    reject(
      new Problem(
        'credentials',
        error.code === 'ENOENT'
          ? `${program} is configured for ${server} and is not on the PATH`
          : `${program}: ${error.message}`,
      ),
    ),
  );
  child.on('close', (code, signal) => {
    if (code === 0) return resolve(output);
    if (/credentials not found/i.test(output)) return resolve(undefined);
    reject(
      new Problem(
        'credentials',
        `${program} failed for ${server} (${signal ?? `exit code ${code}`}); run it by hand: echo ${server} | ${program} get`,
      ),
    );
  });
  child.stdin.on('error', () => {}).end(`${server}\n`);
  const text = await promise.finally(() => clearTimeout(timer));
  if (text === undefined) return undefined;
  let answer: { Username?: unknown; Secret?: unknown };
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Problem('credentials', `${program} did not answer with JSON for ${server}`);
  }
  if (typeof answer.Username !== 'string' || typeof answer.Secret !== 'string') return undefined;
  if (answer.Username === '<token>') return { kind: 'identity', token: answer.Secret };
  return { kind: 'basic', username: answer.Username, password: answer.Secret };
}
