// For suites of admission at a real API server: the server, kubectl, and an object of every kind of workload.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '../../src/kube/local.ts';
import { atEnd, command, scratch } from './suite.ts';

let api = '';
let folder = '';
export const at = (name: string) => join(folder, name);

/** Starts the server; it ends with the suite. */
export async function startApiServer(): Promise<void> {
  folder = scratch();
  const cluster = await startCluster(folder);
  atEnd(() => cluster.stop());
  api = cluster.server;
}

export const kubectl = (...args: string[]) =>
  command('kubectl', [
    '--server',
    api,
    '--token',
    'admin-token',
    '--insecure-skip-tls-verify',
    '--cache-dir',
    at('cache'),
    ...args,
  ]);
export const apply = async (object: object): Promise<{ ok: boolean; out: string }> => {
  const file = at(`object-${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(file, JSON.stringify(object));
  return kubectl('apply', '--validate=false', '-f', file).then(
    (out) => ({ ok: true, out }),
    (error) => ({ ok: false, out: String(error.stderr ?? error) }),
  );
};
export const rest = async (method: string, path: string, body: object, type = 'application/json') => {
  const { Agent, request } = await import('undici');
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const answer = await request(`${api}${path}`, {
    method: method as 'PUT',
    body: JSON.stringify(body),
    headers: { authorization: 'Bearer admin-token', 'content-type': type },
    dispatcher,
  });
  const json = (await answer.body.json()) as { message?: string };
  await dispatcher.destroy();
  return { status: answer.statusCode, message: json.message ?? '', json };
};

const spec = (image: string) => ({ containers: [{ name: 'c', image }] });
export const pod = (name: string, image: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { ...spec(image), ...more },
});
export const template = (image: string, more: object = {}) => ({
  metadata: { labels: { a: 'b' } },
  spec: { ...spec(image), ...more },
});
export const selector = { matchLabels: { a: 'b' } };

export const kinds: [kind: string, group: string, spec: (image: string) => object][] = [
  ['Deployment', 'apps/v1', (image) => ({ selector, template: template(image) })],
  ['ReplicaSet', 'apps/v1', (image) => ({ selector, template: template(image) })],
  ['StatefulSet', 'apps/v1', (image) => ({ selector, serviceName: 's', template: template(image) })],
  ['DaemonSet', 'apps/v1', (image) => ({ selector, template: template(image) })],
  ['Job', 'batch/v1', (image) => ({ template: template(image, { restartPolicy: 'Never' }) })],
  [
    'CronJob',
    'batch/v1',
    (image) => ({
      schedule: '0 4 * * *',
      jobTemplate: { spec: { template: template(image, { restartPolicy: 'Never' }) } },
    }),
  ],
  ['ReplicationController', 'v1', (image) => ({ selector: { a: 'b' }, template: template(image) })],
];
