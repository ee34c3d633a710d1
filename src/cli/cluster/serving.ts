// What the two servers share on the command line: the port, the API server, and the wait for the
// end.
import type { KubeClient } from '../../kube/client.ts';
import { Problem } from '../../problem.ts';
import { version } from '../shared/version.ts';

/** @throws Problem `usage` */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new Problem('usage', `--port '${text}': expected a number from 0 to 65535`);
  return port;
}

export type ClusterAddress = {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** Takes the place of the context's namespace. */
  readonly namespace?: string | undefined;
  /** Takes the place of the context's name. */
  readonly name?: string | undefined;
};

/** Loads the Kubernetes client only when a server talks to a cluster. */
export async function connectCluster({ kubeconfig, context, namespace, name }: ClusterAddress): Promise<KubeClient> {
  const { findAccess } = await import('../../kube/access.ts');
  const { KubeClient } = await import('../../kube/client.ts');
  const access = await findAccess(kubeconfig, context);
  const named = { ...access, namespace: namespace ?? access.namespace, name: name ?? access.name };
  return new KubeClient(named, `tagproof/${version()}`);
}

/** Resolves at the first SIGTERM or SIGINT. */
export const terminated = () =>
  new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));

/** One line of JSON on standard output. */
export const logLine = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
