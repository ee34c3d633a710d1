// What tests of the watcher share: `serve watcher` as a process, the commands, and pods whose
// statuses the test writes in place of nodes.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { KubeClient } from '../../src/kube/client.ts';
import { atEnd } from './suite.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const DEPLOYMENTS = '/apis/apps/v1/namespaces/shop/deployments';
const REPLICA_SETS = '/apis/apps/v1/namespaces/shop/replicasets';
const PODS = '/api/v1/namespaces/shop/pods';

type Where = { readonly cwd: string; readonly env?: NodeJS.ProcessEnv };

/** Runs a command. @returns what it printed, errors included */
export const runTagproof = (args: readonly string[], where: Where): Promise<string> =>
  new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], where, (_, stdout, stderr) => resolve(stdout + stderr));
  });

export type WatcherProcess = {
  readonly child: ChildProcess;
  /** With the token. */
  readonly url: URL;
  /** Lines so far. */
  readonly log: string[];
};

export async function spawnWatcher(args: readonly string[], where: Where): Promise<WatcherProcess> {
  const child = spawn(process.execPath, [MAIN, 'serve', 'watcher', ...args], {
    ...where,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => child.kill('SIGKILL'));
  const log: string[] = [];
  const url = await new Promise<URL>((resolve) =>
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      log.push(...chunk.split('\n').filter(Boolean));
      const found = /"url":"([^"]+)"/.exec(chunk)?.[1];
      if (found !== undefined) resolve(new URL(found));
    }),
  );
  return { child, url, log };
}

/** Creates the namespace `shop` with the Deployment `web` and its ReplicaSet `web-1`, at revision 1. */
export async function createWeb(kube: KubeClient, image: string, cause?: string): Promise<void> {
  await kube.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  const annotations = cause === undefined ? {} : { 'kubernetes.io/change-cause': cause };
  const { metadata } = await kube.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', annotations },
    spec,
  });
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: metadata?.uid, controller: true };
  await kube.create(REPLICA_SETS, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: 'web-1',
      annotations: { 'deployment.kubernetes.io/revision': '1' },
      ownerReferences: [owner],
    },
    spec,
  });
}

export async function createNode(kube: KubeClient, name: string, architecture: string): Promise<void> {
  await kube.create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  const nodeInfo = { ...NODE_INFO, architecture };
  await kube.patch(`/api/v1/nodes/${name}/status`, 'merge', { status: { nodeInfo } });
}

/** The API server requires every field. */
const NODE_INFO = {
  operatingSystem: 'linux',
  bootID: '',
  containerRuntimeVersion: '',
  kernelVersion: '',
  kubeProxyVersion: '',
  kubeletVersion: '',
  machineID: '',
  osImage: '',
  systemUUID: '',
};

type PodOptions = {
  readonly image: string;
  /** As its node would report it. */
  readonly imageID: string;
  readonly nodeName?: string;
};

/** A pod of `web-1` that runs. */
export async function runPod(kube: KubeClient, name: string, { image, imageID, nodeName }: PodOptions): Promise<void> {
  const { metadata } = await kube.get(`${REPLICA_SETS}/web-1`);
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: metadata?.uid, controller: true };
  await kube.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ownerReferences: [owner] },
    spec: { ...(nodeName !== undefined && { nodeName }), containers: [{ name: 'c', image }] },
  });
  const state = { running: { startedAt: new Date().toISOString() } };
  await kube.patch(`${PODS}/${name}/status`, 'merge', {
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'c', image, imageID, ready: true, restartCount: 0, state }],
    },
  });
}
