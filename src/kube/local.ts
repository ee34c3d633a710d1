// Starts a local API server on loopback for the demo and the tests: etcd and kube-apiserver from
// the PATH, without nodes.
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import type { Access } from './access.ts';
import { KubeClient } from './client.ts';

export type LocalCluster = {
  readonly server: string;
  /** Authenticates as the administrator. */
  readonly access: Access;
  readonly kubeconfig: string;
  stop(): void;
  /** Restarts only the API server, at the same port, so stored objects remain. */
  restart(): Promise<void>;
};

/** Users by token, as `--token-auth-file` takes them: `token,user,uid,"group,group"`. */
const ADMIN = 'admin-token,admin,1,system:masters';
const TRIES = 300;

/**
 * @param folder for its files; only this user may read it
 * @param users further lines of the token file
 * @param flags further flags of kube-apiserver
 */
export async function startCluster(
  folder: string,
  users: readonly string[] = [],
  flags: readonly string[] = [],
): Promise<LocalCluster> {
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const etcd = `http://127.0.0.1:${client}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(join(folder, 'tokens.csv'), `${[ADMIN, ...users].join('\n')}\n`, { mode: 0o600 });
  const server = `https://127.0.0.1:${port}`;
  const children = new Map<string, ChildProcess>();
  const run = (program: string, args: string[]) => {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.on('error', () => {}); // ready() reports it
    children.set(program, child);
  };
  const apiServer = () =>
    run('kube-apiserver', [
      `--etcd-servers=${etcd}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${join(folder, 'apiserver')}`,
      `--service-account-key-file=${join(folder, 'sa.key')}`,
      `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--disable-admission-plugins=ServiceAccount',
      '--feature-gates=ImageVolume=true',
      ...flags,
    ]);
  run('etcd', [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    '--unsafe-no-fsync',
  ]);
  apiServer();
  const access: Access = {
    server,
    headers: async () => ({ authorization: 'Bearer admin-token' }),
    tls: { rejectUnauthorized: false }, // a new certificate at each start, and on loopback only
    namespace: 'default',
    name: 'local',
  };
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(server, 'admin-token'), { mode: 0o600 });
  const stop = () => {
    for (const child of children.values()) child.kill('SIGKILL');
  };
  try {
    await ready(access, children);
  } catch (error) {
    stop();
    throw error;
  }
  return {
    server,
    access,
    kubeconfig,
    stop,
    restart: async () => {
      const child = children.get('kube-apiserver') as ChildProcess;
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exit;
      apiServer();
      await ready(access, children);
    },
  };
}

/** Text of a kubeconfig that authenticates with the token. */
export function kubeconfigOf(server: string, token: string): string {
  return `apiVersion: v1
kind: Config
current-context: local
clusters: [{name: local, cluster: {server: "${server}", insecure-skip-tls-verify: true}}]
users: [{name: local, user: {token: "${token}"}}]
contexts: [{name: local, context: {cluster: local, user: local}}]
`;
}

async function ready(access: Access, children: ReadonlyMap<string, ChildProcess>): Promise<void> {
  const client = new KubeClient(access);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        await client.get('/api/v1/namespaces/default');
        return;
      } catch (error) {
        const ended = [...children].find(([, { exitCode, pid }]) => exitCode !== null || pid === undefined);
        if (ended !== undefined) throw new Problem('unreachable', `${ended[0]} did not start`);
        if (attempt > TRIES) throw error;
      }
      await sleep(100);
    }
  } finally {
    await client.close();
  }
}

/** A free port on loopback. Another process may take it before the caller does. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
