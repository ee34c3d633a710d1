// A kubelet for tests: runs the webhook's pods as its Deployment says, each as a process with the
// token of its service account, and adds them to the Service. No more of a kubelet is needed to
// call a webhook.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { KubeClient } from '../../src/kube/client.ts';
import { kubeconfigOf } from '../../src/kube/local.ts';
import { freePort } from './suite.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/tagproof/endpointslices';

/** A pod that is not ready by then never will be, milliseconds. */
const START_MS = 20_000;

export type Replica = {
  readonly name: string;
  readonly log: string[];
  readonly port: number;
  stop(hard?: boolean): Promise<number | null>;
};

/** An address that the API server accepts for a pod: not loopback. */
export function hostAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((item) => item !== undefined && !item.internal && item.family === 'IPv4');
  if (found === undefined) throw new Error('this machine has no address except loopback');
  return found.address;
}

/** Starts one pod of the Deployment `tagproof-admission`, and adds it to its Service. */
export async function startReplica(kube: KubeClient, folder: string, name: string): Promise<Replica> {
  const deployment = await kube.get('/apis/apps/v1/namespaces/tagproof/deployments/tagproof-admission');
  const { template } = deployment['spec'] as {
    template: {
      spec: { serviceAccountName: string; containers: { args: string[]; env: { name: string; value?: string }[] }[] };
    };
  };
  const [container] = template.spec.containers;
  const account = template.spec.serviceAccountName;
  const issued = await kube.create(`/api/v1/namespaces/tagproof/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  });
  const { token } = issued['status'] as { token: string };
  const own = join(folder, name);
  mkdirSync(join(own, 'policy'), { recursive: true });
  writeFileSync(join(own, 'kubeconfig'), kubeconfigOf(kube.access.server, token), { mode: 0o600 });
  const map = await kube.get('/api/v1/namespaces/tagproof/configmaps/tagproof-admission');
  for (const [file, text] of Object.entries((map['data'] ?? {}) as Record<string, string>))
    writeFileSync(join(own, 'policy', file), text);
  const port = await freePort();
  const args = (container?.args ?? []).map((arg) =>
    arg === '8443' ? String(port) : arg.replace(/^\/policy\//, `${join(own, 'policy')}/`),
  );
  const env = Object.fromEntries(
    (container?.env ?? []).flatMap(({ name: key, value }) => (value === undefined ? [] : [[key, value]])),
  );
  const child: ChildProcess = spawn(
    process.execPath,
    [MAIN, ...args, '--kubeconfig', join(own, 'kubeconfig'), '--namespace', 'tagproof'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env, TAGPROOF_DATA: own, DOCKER_CONFIG: own, POD_NAME: name },
    },
  );
  const log: string[] = [];
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    exit.then((code) => reject(new Error(`${name} ended with ${code}: ${log.join('\n')}`))).catch(() => {});
    setTimeout(() => reject(new Error(`${name} is not ready: ${log.join('\n')}`)), START_MS).unref();
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() as string;
      log.push(...lines);
      if (log.some((line) => line.includes('listening')) && log.some((line) => line.includes('policy in force')))
        resolve();
    });
  });
  await kube.create(SLICES, sliceOf(name, port));
  return {
    name,
    log,
    port,
    stop: async (hard = false) => {
      if (child.exitCode !== null) return child.exitCode;
      // As with a real pod: first the Service drops it, then it receives the signal.
      await kube.delete(`${SLICES}/${name}`).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, hard ? 0 : 1000));
      child.kill(hard ? 'SIGKILL' : 'SIGTERM');
      return exit;
    },
  };
}

function sliceOf(name: string, port: number): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': 'tagproof-admission' } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [hostAddress()], conditions: { ready: true } }],
  };
}
