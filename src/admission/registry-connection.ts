// The connection to registries under one policy: sockets, the webhook's own credentials, tag
// leases. It outlives the policy if the next one has the same registry settings.
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

/** Deadline of one registry request within a review, milliseconds. */
const DEADLINE_MS = 8000;

export type Connection = {
  /** Equal for two policies with the same registry settings. */
  readonly key: string;
  /** The owner of the connection closes it. */
  readonly transport: Transport;
  readonly plain: RegistryAccess;
  readonly secrets: PullSecrets | undefined;
};

type Options = { readonly userAgent: string; readonly kube?: KubeClient | undefined; readonly pullSecrets?: boolean };

/** @returns `before` itself if the registry settings and credentials are unchanged */
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

/** File of the mounted registry Secret. A changed Secret is loaded without a restart. */
export function credentialFile(): string | undefined {
  const folder = process.env['DOCKER_CONFIG'];
  return folder === undefined ? undefined : join(folder, 'config.json');
}
