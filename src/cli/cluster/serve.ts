// tagproof serve admission: the policy at the door of a cluster.
import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Argument, Command, Option } from 'commander';
import type { ServerOptions } from '../../admission/server.ts';
import { asProblem, Problem } from '../../problem.ts';
import { collect, parseDuration, runPlain } from '../shared/command.ts';
import { version } from '../shared/version.ts';

type Options = {
  policy?: string;
  lock?: string;
  host: string;
  port: string;
  cert?: string;
  key?: string;
  ownCertificate: boolean;
  standalone: boolean;
  caFile: string;
  names?: string;
  clientCa?: string;
  templates: 'enforce' | 'warn' | 'ignore';
  cluster: boolean;
  pullSecrets: boolean;
  reportEvery?: string;
  kubeconfig?: string;
  context?: string;
  namespace?: string;
  ledger: string;
  contexts: string[];
  clusterName?: string;
  images?: string;
  hintToken?: string;
  retention?: string;
  record?: string;
};

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof serve')
    .description(
      'Answers admission reviews by the rules of tagproof.yaml and of the cluster’s policy objects, over TLS.',
    )
    .addArgument(new Argument('<what>', 'what to serve').choices(['admission', 'watcher']))
    .option(
      '--policy <file>',
      'the policy; watched, and taken over when it changes (default: tagproof.yaml; with --cluster only if there is one)',
    )
    .option(
      '--lock <where>',
      'tagproof.lock, or oci://IMAGE as tagproof lock push puts it; watched. With one, tags mean what it says and no registry is asked',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on', '8443')
    .option('--cert <file>', 'certificate, PEM; watched')
    .option('--key <file>', 'its key, PEM; watched')
    .option('--own-certificate', 'make and renew the certificate, kept in a Secret; needs --cluster', false)
    .option('--standalone', 'make a certificate for this run, and write its CA where --ca-file says', false)
    .option('--ca-file <file>', 'with --standalone: where the CA goes', 'tagproof-ca.pem')
    .option('--names <list>', 'watcher: with --standalone: further names of this server, with commas')
    .option('--client-ca <file>', 'CA of the API server’s client certificate, PEM: nobody else may ask')
    .addOption(
      new Option('--templates <mode>', 'objects that only make pods (Deployment, Job, …)')
        .choices(['enforce', 'warn', 'ignore'])
        .default('enforce'),
    )
    .option('--cluster', 'watch ImagePolicy objects and Bypasses, write statuses and Events', false)
    .option('--pull-secrets', 'use the pull secrets of each object’s own namespace; needs --cluster', false)
    .option('--report-every <duration>', 'write reports of what runs, as 1h; needs --cluster')
    .option(
      '--ledger <where>',
      'watcher: a file (SQLite) or postgres://… (default: TAGPROOF_LEDGER, else tagproof.db)',
      process.env['TAGPROOF_LEDGER'] ?? 'tagproof.db',
    )
    .option(
      '--record <where>',
      'admission: keep the evidence of what is let in, in a ledger: postgres://… or a file (default: TAGPROOF_RECORD)',
      process.env['TAGPROOF_RECORD'],
    )
    .option('--contexts <name>', 'watcher: several clusters, contexts of the kubeconfig (repeatable)', collect, [])
    .option(
      '--cluster-name <name>',
      'watcher: what the cluster is called in the ledger (default: as the kubeconfig has it)',
    )
    .option('--images <file>', 'watcher: images to follow besides those that run, a line each')
    .option('--hint-token <file>', 'watcher: take notifications of registries at /hooks/…, with this token')
    .option('--retention <duration>', 'watcher: forget what ended longer ago, as 400d')
    .option('--kubeconfig <file>', 'default: the service account in a cluster, else KUBECONFIG or ~/.kube/config')
    .option('--context <name>', 'of the kubeconfig')
    .option('--namespace <name>', 'where the webhook is installed (default: its own)')
    .addHelpText(
      'after',
      `
Examples:
  tagproof serve admission --cert tls.crt --key tls.key --host 0.0.0.0
  tagproof serve admission --cluster --own-certificate --host 0.0.0.0
  tagproof serve admission --standalone
  tagproof serve watcher --ledger tagproof.db --port 8080     # prints an address with a token
  curl --cacert tagproof-ca.pem -H 'content-type: application/json' -d @review.json https://localhost:8443/validate

Paths: /mutate writes digests into pods · /validate decides · /own reviews policies and bypasses · /healthz /readyz /metrics
`,
    )
    .showHelpAfterError('(see --help)');
  return runPlain<Options>(command, args, (options) =>
    command.args[0] === 'watcher' ? watcher(options) : serve(options),
  );
}

async function serve(options: Options): Promise<number> {
  const { port, host, cluster, pullSecrets, reportEvery } = options;
  if (!/^\d{1,5}$/.test(port)) throw new Problem('usage', `--port '${port}': expected a number`);
  if (!cluster && (pullSecrets || reportEvery !== undefined || options.ownCertificate))
    throw new Problem('usage', '--pull-secrets, --report-every and --own-certificate need --cluster');
  const { AdmissionServer } = await import('../../admission/server.ts');
  const log = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const kube = cluster ? await connect(options) : undefined;
  const file = options.policy ?? (cluster && !existsSync('tagproof.yaml') ? undefined : 'tagproof.yaml');
  const server = new AdmissionServer({
    policy: file,
    lock: options.lock,
    host,
    port: Number(port),
    templates: options.templates,
    tls: await tlsOf(options, kube?.access.namespace),
    clientCa: options.clientCa,
    kube,
    pullSecrets,
    ...(reportEvery !== undefined && { reportEveryMs: parseDuration('--report-every', reportEvery) }),
    ...(options.record && { record: recordIn(options.record) }),
    instance: process.env['POD_NAME'] ?? hostname(),
    log,
    userAgent: `tagproof/${version()}`,
  });
  const bound = await server.start();
  log({ at: new Date().toISOString(), message: `listening on https://${host}:${bound}` });
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  await server.stop();
  await kube?.close();
  return 0;
}

/** Loaded when something is to be kept: a database's driver is not small. */
function recordIn(where: string) {
  return async () => (await import('../../ledger/open.ts')).openLedger(where);
}

async function watcher(options: Options): Promise<number> {
  if (!/^\d{1,5}$/.test(options.port)) throw new Problem('usage', `--port '${options.port}': expected a number`);
  const { serveWatcher } = await import('./serve-watcher.ts');
  const contexts = options.contexts.length > 0 ? options.contexts : [options.context];
  if (options.clusterName !== undefined && contexts.length > 1)
    throw new Problem('usage', '--cluster-name: several contexts have names of their own');
  return serveWatcher(
    options,
    await Promise.all(contexts.map((context) => connect({ ...options, ...(context !== undefined && { context }) }))),
  );
}

async function connect({ kubeconfig, context, namespace, clusterName }: Options) {
  const { findAccess } = await import('../../kube/access.ts');
  const { KubeClient } = await import('../../kube/client.ts');
  const access = await findAccess(kubeconfig, context);
  const named = { ...access, namespace: namespace ?? access.namespace, name: clusterName ?? access.name };
  return new KubeClient(named, `tagproof/${version()}`);
}

async function tlsOf(options: Options, namespace: string | undefined): Promise<ServerOptions['tls']> {
  const { cert, key, ownCertificate, standalone, caFile } = options;
  const ways = [cert !== undefined && key !== undefined, ownCertificate, standalone].filter(Boolean).length;
  if (ways !== 1 || (cert === undefined) !== (key === undefined))
    throw new Problem('usage', 'expected --cert and --key, or --own-certificate, or --standalone');
  if (cert !== undefined && key !== undefined) return { certFile: cert, keyFile: key };
  if (ownCertificate && namespace !== undefined) {
    const { serviceNames } = await import('../../install/manifests.ts');
    const { NAME } = await import('../../install/permissions.ts');
    return { own: { namespace, secret: NAME, names: serviceNames(namespace), configurations: NAME } };
  }
  const { makeCertificates } = await import('../../install/certificate.ts');
  const made = await makeCertificates(['localhost', '127.0.0.1', '::1']);
  try {
    writeFileSync(caFile, made.ca);
  } catch (error) {
    throw asProblem(error, 'file', { file: caFile });
  }
  return made;
}
