// tagproof serve admission: the policy at the door of a cluster.
import { writeFileSync } from 'node:fs';
import { Argument, Command, Option } from 'commander';
import { asProblem, Problem } from '../problem.ts';
import { runPlain } from './verb.ts';
import { version } from './version.ts';

type Options = {
  policy: string;
  lock?: string;
  host: string;
  port: string;
  cert?: string;
  key?: string;
  standalone: boolean;
  caFile?: string;
  templates: 'enforce' | 'warn' | 'ignore';
};

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof serve')
    .description('Answers admission reviews by the rules of tagproof.yaml, over TLS.')
    .addArgument(new Argument('<what>', 'what to serve').choices(['admission']))
    .option('--policy <file>', 'the policy; watched, and taken over when it changes', 'tagproof.yaml')
    .option(
      '--lock <file>',
      'tagproof.lock; watched. With one, tags mean what it says and no registry is asked what they are',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on', '8443')
    .option('--cert <file>', 'certificate, PEM; watched')
    .option('--key <file>', 'its key, PEM; watched')
    .option('--standalone', 'make a certificate for this run, and write its CA where --ca-file says', false)
    .option('--ca-file <file>', 'with --standalone: where the CA goes', 'tagproof-ca.pem')
    .addOption(
      new Option('--templates <mode>', 'objects that only make pods (Deployment, Job, …)')
        .choices(['enforce', 'warn', 'ignore'])
        .default('enforce'),
    )
    .addHelpText(
      'after',
      `
Examples:
  tagproof serve admission --cert tls.crt --key tls.key --host 0.0.0.0
  tagproof serve admission --standalone
  curl --cacert tagproof-ca.pem -H 'content-type: application/json' -d @review.json https://localhost:8443/validate

Paths: /mutate writes digests into pods · /validate decides · /healthz /readyz /metrics
`,
    )
    .showHelpAfterError('(see --help)');
  return runPlain<Options>(command, args, serve);
}

async function serve({ policy, lock, host, port, templates, ...rest }: Options): Promise<number> {
  if (!/^\d{1,5}$/.test(port)) throw new Problem('usage', `--port '${port}': expected a number`);
  const { AdmissionServer } = await import('../serve/server.ts');
  const log = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const tls = await tlsOf(rest);
  const server = new AdmissionServer({
    policy,
    lock,
    host,
    port: Number(port),
    templates,
    tls,
    log,
    userAgent: `tagproof/${version()}`,
  });
  const bound = await server.start();
  log({ at: new Date().toISOString(), message: `listening on https://${host}:${bound}` });
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  await server.stop();
  return 0;
}

async function tlsOf({ cert, key, standalone, caFile }: Pick<Options, 'cert' | 'key' | 'standalone' | 'caFile'>) {
  if (cert !== undefined && key !== undefined && !standalone) return { certFile: cert, keyFile: key };
  if (!standalone || cert !== undefined || key !== undefined)
    throw new Problem('usage', 'expected --cert and --key, or --standalone');
  const { makeCertificates } = await import('../serve/certificate.ts');
  const made = await makeCertificates(['localhost', '127.0.0.1', '::1']);
  try {
    writeFileSync(caFile as string, made.ca);
  } catch (error) {
    throw asProblem(error, 'file', { file: caFile as string });
  }
  return made;
}
