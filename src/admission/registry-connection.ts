// The way to the registries that a policy gives: sockets, the webhook's own credentials, leases of tags. It outlives a policy that reaches
// registries the same way.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readNamed } from '../file.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Config } from '../policy/config.ts';
import { namedHosts, namesHost } from '../policy/hosts.ts';
import { RegistryClient } from '../registry/client.ts';
import { ambientCredentials } from '../registry/credentials.ts';
import { Transport } from '../registry/transport.ts';
import { makeRegistryAccess, PullSecrets, type RegistryAccess } from './pull-secrets.ts';

/** A registry's deadline within a review, milliseconds. */
const DEADLINE_MS = 8000;

export type Connection = {
  /** Two policies with the same one reach registries the same way. */
  readonly key: string;
  /** Closed by whoever lets go of the connection. */
  readonly transport: Transport;
  readonly plain: RegistryAccess;
  readonly secrets: PullSecrets | undefined;
};

type Options = { readonly userAgent: string; readonly kube?: KubeClient | undefined; readonly pullSecrets?: boolean };

/** @returns the one before, where nothing has changed */
export function connect(
  config: Config,
  { userAgent, kube, pullSecrets }: Options,
  before: Connection | undefined,
): Connection {
  const { registries, hostsDir } = config;
  const file = credentialFile();
  const credentialText = file !== undefined && existsSync(file) ? readNamed(file).toString('utf8') : '';
  const key = JSON.stringify([registries, hostsDir, namedHosts(config), credentialText]);
  if (before?.key === key) return before;
  const transport = new Transport({ deadlineMs: DEADLINE_MS, userAgent });
  const options = { registries, hostsDir, isNamed: namesHost(config), transport, credentials: ambientCredentials() };
  const plain = makeRegistryAccess(new RegistryClient(options));
  const secrets = pullSecrets && kube !== undefined ? new PullSecrets(kube, options, plain) : undefined;
  return { key, transport, plain, secrets };
}

/** The mounted registry Secret: a new one is taken up without a restart. */
export function credentialFile(): string | undefined {
  const folder = process.env['DOCKER_CONFIG'];
  return folder === undefined ? undefined : join(folder, 'config.json');
}
