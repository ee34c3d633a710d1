// tagproof serve watcher: records in the ledger what runs and where its tags point; raises alarms;
// serves dashboard and API.
import { Command } from 'commander';
import { collect, runPlain } from '../shared/command.ts';
import type { WatcherFlags } from './watch-clusters.ts';

const EXAMPLES = `
Examples:
  tagproof serve watcher --ledger tagproof.db --port 8080     # prints an address with a token
  tagproof serve watcher --ledger postgres://db/tagproof --contexts prod --contexts staging
  tagproof serve watcher --cert tls.crt --key tls.key --host 0.0.0.0 --cluster-name prod

Paths: / the dashboard · /api/v1 · /hooks/… with --hint-token · /healthz /readyz /metrics
`;

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof serve watcher')
    .description('Records what runs in clusters and where its tags point; raises alarms; serves the dashboard and API.')
    .option(
      '--policy <file>',
      'the policy to evaluate by (default: tagproof.yaml, here or further up in the repository)',
    )
    .option('--host <address>', 'address to listen on; without TLS only loopback', '127.0.0.1')
    .option('--port <port>', 'port to listen on', '8443')
    .option('--cert <file>', 'certificate, PEM')
    .option('--key <file>', 'private key of the certificate, PEM')
    .option('--standalone', 'make a certificate for this run, and write its CA to --ca-file', false)
    .option('--ca-file <file>', 'with --standalone: where to write the CA', 'tagproof-ca.pem')
    .option('--names <list>', 'with --standalone: further names of this server, separated by commas')
    .option(
      '--ledger <ledger>',
      'a file (SQLite) or postgres://… (default: TAGPROOF_LEDGER, else tagproof.db)',
      process.env['TAGPROOF_LEDGER'] ?? 'tagproof.db',
    )
    .option('--contexts <name>', 'watch several clusters: contexts of the kubeconfig (repeatable)', collect, [])
    .option('--cluster-name <name>', 'name of the cluster in the ledger (default: that of the kubeconfig context)')
    .option('--images <file>', 'images to follow besides those that run, one on each line')
    .option('--hint-token <file>', 'accept push notifications of registries at /hooks/… with the token in this file')
    .option('--retention <duration>', 'delete records that ended longer ago than this, as 400d')
    .option('--kubeconfig <file>', 'default: the service account in a cluster, else KUBECONFIG or ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(see --help)');
  return runPlain<WatcherFlags>(command, args, async (flags) =>
    (await import('./watch-clusters.ts')).serveWatcher(flags),
  );
}
