// How an API server is reached, and as whom: kubeconfig by the official client, which knows every way to log in; in a cluster the
// service account's own files, for the official client alone would take most of the webhook's memory.
import { existsSync, readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { readNamed } from '../file.ts';
import { asProblem, Problem } from '../problem.ts';

export type Access = {
  /** `https://10.0.0.1:443`, perhaps with a path; no slash at the end. */
  readonly server: string;
  /** What shows who we are; asked for every request, for tokens are rotated. */
  readonly headers: () => Promise<Record<string, string>>;
  readonly tls: ConnectionOptions;
  /** Of an HTTP proxy. */
  readonly proxy?: string | undefined;
  /** The context's own, or that of the service account. */
  readonly namespace: string;
  /** For people: the kubeconfig's context, or `in-cluster`. */
  readonly name: string;
};

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Is there a service account to use? kubernetes.io, "Accessing the Kubernetes API from a Pod". */
export function isInCluster(env: NodeJS.ProcessEnv = process.env, folder = ACCOUNT): boolean {
  return env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${folder}/token`);
}

/** @param folder of the service account's token, CA and namespace; the token is read anew, for the kubelet rotates it */
export function inClusterAccess(env: NodeJS.ProcessEnv = process.env, folder = ACCOUNT): Access {
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (host === undefined)
    throw new Problem('usage', 'not in a cluster: KUBERNETES_SERVICE_HOST is not set; give --kubeconfig');
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    headers: async () => ({ authorization: `Bearer ${readNamed(`${folder}/token`).toString('utf8').trim()}` }),
    tls: { ca: readNamed(`${folder}/ca.crt`) },
    namespace: existsSync(`${folder}/namespace`) ? readFileSync(`${folder}/namespace`, 'utf8').trim() : 'default',
    name: 'in-cluster',
  };
}

/** @param file default: KUBECONFIG or ~/.kube/config, as kubectl takes them; @param context default: the current one */
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
        `there is no context '${context}'; expected one of ${config.contexts.map(({ name }) => name).join(', ') || 'none'}`,
      );
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Problem('usage', 'the kubeconfig names no cluster: set a context, or give --kubeconfig and --context');
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

/** What the official client would send: certificates, tokens, and what an exec plugin gives. */
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

/** `--kubeconfig` and `--context` where given, else the service account in a cluster, else kubectl's defaults. */
export function findAccess(file?: string, context?: string): Promise<Access> {
  if (file === undefined && context === undefined && isInCluster()) return Promise.resolve(inClusterAccess());
  return kubeconfigAccess(file, context);
}
