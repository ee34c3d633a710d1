// Where an API server is and which credentials we send. The official client reads kubeconfigs,
// because it knows every way to log in. In a cluster we read the service account's files ourselves,
// because loading the official client would take most of the webhook's memory.
import { existsSync, readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { readNamed } from '../file.ts';
import { asProblem, Problem } from '../problem.ts';

export type Access = {
  /** `https://10.0.0.1:443`, possibly with a path, without a trailing slash. */
  readonly server: string;
  /** Headers that authenticate us; called for every request, because tokens are rotated. */
  readonly headers: () => Promise<Record<string, string>>;
  readonly tls: ConnectionOptions;
  /** URL of an HTTP proxy. */
  readonly proxy?: string | undefined;
  /** The namespace of the context or of the service account. */
  readonly namespace: string;
  /** A name for people: the context of the kubeconfig, or `in-cluster`. */
  readonly name: string;
};

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Whether this process has a service account. kubernetes.io, "Accessing the Kubernetes API from a
 * Pod".
 */
export function isInCluster(env: NodeJS.ProcessEnv = process.env, folder = ACCOUNT): boolean {
  return env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${folder}/token`);
}

/**
 * @param folder holds the service account's token, CA and namespace. Each request reads the token
 * again, because the kubelet rotates it
 */
export function inClusterAccess(env: NodeJS.ProcessEnv = process.env, folder = ACCOUNT): Access {
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (host === undefined)
    throw new Problem('usage', 'not in a cluster: KUBERNETES_SERVICE_HOST is not set; pass --kubeconfig');
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    headers: async () => ({ authorization: `Bearer ${readNamed(`${folder}/token`).toString('utf8').trim()}` }),
    tls: { ca: readNamed(`${folder}/ca.crt`) },
    namespace: existsSync(`${folder}/namespace`) ? readFileSync(`${folder}/namespace`, 'utf8').trim() : 'default',
    name: 'in-cluster',
  };
}

/**
 * @param file default: KUBECONFIG or ~/.kube/config, as in kubectl
 * @param context default: the current context
 */
export async function kubeconfigAccess(file?: string, context?: string): Promise<Access> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw asProblem(error, 'file', file === undefined ? {} : { file });
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw new Problem(
        'usage',
        `the kubeconfig has no context '${context}'; expected one of ${config.contexts.map(({ name }) => name).join(', ') || 'none'}`,
      );
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Problem('usage', 'the kubeconfig names no cluster: set a context, or pass --kubeconfig and --context');
  const { headers: _, ...tls } = await optionsOf(config);
  return {
    server: cluster.server.replace(/\/$/, ''),
    headers: async () => (await optionsOf(config)).headers,
    tls,
    ...(cluster.proxyUrl !== undefined && { proxy: cluster.proxyUrl }),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    name: config.getCurrentContext(),
  };
}

type Options = ConnectionOptions & { headers: Record<string, string> };

/** What the official client would send: certificates, tokens, and the output of an exec plugin. */
async function optionsOf(config: { applyToHTTPSOptions(options: object): Promise<void> }): Promise<Options> {
  const given: { headers?: Record<string, string> } & Record<string, unknown> = {};
  try {
    await config.applyToHTTPSOptions(given);
  } catch (error) {
    throw asProblem(error, 'credentials');
  }
  const { ca, cert, key, passphrase, rejectUnauthorized, servername, auth, headers = {} } = given;
  const basic = typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const tls = { ca, cert, key, passphrase, rejectUnauthorized, servername };
  return {
    headers: { ...Object.fromEntries(entries), ...basic },
    ...(Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)) as ConnectionOptions),
  };
}

/**
 * Uses `--kubeconfig` and `--context` if given, else the service account in a cluster, else
 * kubectl's defaults.
 */
export function findAccess(file?: string, context?: string): Promise<Access> {
  if (file === undefined && context === undefined && isInCluster()) return Promise.resolve(inClusterAccess());
  return kubeconfigAccess(file, context);
}
