// tagproof serve admission: the webhook that holds a cluster to the policy.
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import type { ServerOptions } from '../../admission/server.ts';
import { asProblem, Problem } from '../../problem.ts';
import { parseDuration, runPlain } from '../shared/command.ts';
import { configurationToWrite, findProject } from '../shared/project.ts';
import { version } from '../shared/version.ts';
import { connectCluster, logLine, parsePort, terminated } from './serving.ts';

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
  clientCa?: string;
  templates: 'enforce' | 'warn' | 'ignore';
  cluster: boolean;
  pullSecrets: boolean;
  reportEvery?: string;
  record?: string;
  kubeconfig?: string;
  context?: string;
  namespace?: string;
};

const EXAMPLES = `
Examples:
  tagproof serve admission --cert tls.crt --key tls.key --host 0.0.0.0
  tagproof serve admission --cluster --own-certificate --host 0.0.0.0
  tagproof serve admission --standalone
  curl --cacert tagproof-ca.pem -H 'content-type: application/json' -d @review.json https://localhost:8443/validate

Paths: /mutate writes digests into pods · /validate decides · /own reviews policies and bypasses · /healthz /readyz /metrics
`;

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof serve admission')
    .description(
      'Answers admission reviews over TLS by the rules of tagproof.yaml and of the policy objects in the cluster.',
    )
    .option(
      '--policy <file>',
      'the policy; reloaded when it changes (default: tagproof.yaml, here or further up in the repository; with --cluster only if it exists)',
    )
    .option(
      '--lock <file>',
      'tagproof.lock, or oci://IMAGE as pushed by tagproof lock push; reloaded when it changes. With a lock, tags resolve from it alone and not from registries',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on', '8443')
    .option('--cert <file>', 'certificate, PEM; reloaded when it changes')
    .option('--key <file>', 'private key of the certificate, PEM; reloaded when it changes')
    .option('--own-certificate', 'make and renew the certificate, and keep it in a Secret; needs --cluster', false)
    .option('--standalone', 'make a certificate for this run, and write its CA to --ca-file', false)
    .option('--ca-file <file>', 'with --standalone: where to write the CA', 'tagproof-ca.pem')
    .option('--client-ca <file>', 'CA of the API server’s client certificate, PEM: refuses every other caller')
    .addOption(
      new Option('--templates <mode>', 'how to treat objects that only make pods (Deployment, Job, …)')
        .choices(['enforce', 'warn', 'ignore'])
        .default('enforce'),
    )
    .option('--cluster', 'watch ImagePolicy objects and Bypasses, write statuses and Events', false)
    .option('--pull-secrets', 'use the pull secrets of each object’s namespace; needs --cluster', false)
    .option('--report-every <duration>', 'write reports on what runs at this interval, as 1h; needs --cluster')
    .option(
      '--record <ledger>',
      'record the evidence of every admitted image in a ledger: postgres://… or a file (default: TAGPROOF_RECORD)',
      process.env['TAGPROOF_RECORD'],
    )
    .option('--kubeconfig <file>', 'default: the service account in a cluster, else KUBECONFIG or ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--namespace <name>', 'namespace of the webhook (default: that of the service account or context)')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(see --help)');
  return runPlain<Options>(command, args, serve);
}

async function serve(options: Options): Promise<number> {
  const { host, cluster, pullSecrets, reportEvery } = options;
  const port = parsePort(options.port);
  if (!cluster && (pullSecrets || reportEvery !== undefined || options.ownCertificate))
    throw new Problem('usage', '--pull-secrets, --report-every and --own-certificate need --cluster');
  const { AdmissionServer } = await import('../../admission/server.ts');
  const kube = cluster ? await connectCluster(options) : undefined;
  const project = findProject({ config: options.policy });
  const file = cluster ? project.configuration : configurationToWrite(project);
  const server = new AdmissionServer({
    policy: file,
    lock: options.lock,
    host,
    port,
    templates: options.templates,
    tls: await tlsOf(options, kube?.access.namespace),
    clientCa: options.clientCa,
    kube,
    pullSecrets,
    ...(reportEvery !== undefined && { reportEveryMs: parseDuration('--report-every', reportEvery) }),
    ...(options.record && { record: recordIn(options.record) }),
    instance: process.env['POD_NAME'] ?? hostname(),
    log: logLine,
    userAgent: `tagproof/${version()}`,
  });
  const bound = await server.start();
  logLine({ at: new Date().toISOString(), message: `listening on https://${host}:${bound}` });
  await terminated();
  await server.stop();
  await kube?.close();
  return 0;
}

/** Loads the database driver only when there is something to record: it is not small. */
function recordIn(ledger: string) {
  return async () => (await import('../../ledger/open.ts')).openLedger(ledger);
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
