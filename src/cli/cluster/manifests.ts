// tagproof manifests: writes every object of an installation as YAML, for kubectl and for Git.
import { Command, Option } from 'commander';
import { loadPolicyContext } from '../../evaluate/evaluate.ts';
import { readNamed } from '../../file.ts';
import { parseReference } from '../../image/reference.ts';
import { manifests, serviceNames } from '../../install/manifests.ts';
import { parseLock } from '../../lock/lock.ts';
import { parseConfig } from '../../policy/config-file.ts';
import { Problem } from '../../problem.ts';
import { collect, parseDuration, runPlain } from '../shared/command.ts';
import { configurationToWrite, findProject } from '../shared/project.ts';
import { printObjects } from './objects.ts';

type Options = {
  image: string;
  policy?: string;
  lock?: string;
  namespace: string;
  exemptNamespace: string[];
  failurePolicy: 'Fail' | 'Ignore';
  templates: 'enforce' | 'warn' | 'ignore';
  replicas: string;
  registrySecret?: string;
  certificate: 'own' | 'cert-manager' | 'printed';
  cluster: boolean;
  pullSecrets: boolean;
  reportEvery?: string;
  clientCa?: string;
  watcher: boolean;
  clusterName: string;
  watcherReplicas: string;
  hintSecret?: string;
};

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof manifests')
    .description(
      'Writes the objects of an installation: policy, certificate, Deployment, Service, webhook configurations.',
    )
    .requiredOption('--image <image>', 'the webhook’s image, with its digest')
    .option('--policy <file>', 'the policy; checked now, mounted into the webhook (default: the configuration)')
    .option('--lock <file>', 'tagproof.lock to roll out: tags then resolve from it alone')
    .option('--namespace <name>', 'namespace to install into', 'tagproof')
    .option('--exempt-namespace <name>', 'exempt namespace (repeatable; default: kube-system)', collect, [])
    .addOption(
      new Option('--failure-policy <policy>', 'when the webhook does not answer')
        .choices(['Fail', 'Ignore'])
        .default('Fail'),
    )
    .addOption(
      new Option('--templates <mode>', 'how to treat objects that only make pods')
        .choices(['enforce', 'warn', 'ignore'])
        .default('enforce'),
    )
    .addOption(
      new Option(
        '--certificate <how>',
        'own: the webhook makes and renews it; cert-manager: cert-manager does; printed: made now, valid for a year',
      )
        .choices(['own', 'cert-manager', 'printed'])
        .default('own'),
    )
    .option('--no-cluster', 'without policy objects, bypasses and Events: the webhook gets no token for the API server')
    .option('--pull-secrets', 'let the webhook read the pull secrets of every namespace', false)
    .option(
      '--report-every <duration>',
      'write reports on what runs at this interval, as 1h (needs OpenReports or PolicyReport)',
    )
    .option('--client-ca <file>', 'CA of the API server’s client certificate: refuses every other caller')
    .option('--replicas <count>', 'number of replicas', '2')
    .option('--registry-secret <name>', 'a dockerconfigjson Secret in the webhook’s namespace, for private registries')
    .option('--watcher', 'install the watcher too, which records what runs', false)
    .option('--cluster-name <name>', 'watcher: name of the cluster in the ledger', 'in-cluster')
    .option('--watcher-replicas <count>', 'watcher: more than one needs PostgreSQL (a Secret tagproof-ledger)', '1')
    .option('--hint-secret <name>', 'watcher: a Secret with `token`, for push notifications of registries')
    .addHelpText(
      'after',
      '\nWith --certificate printed the output holds a private key: treat it as a Secret, and run the command again within a year.\n\nExample:\n  tagproof manifests --image ghcr.io/org/tagproof@sha256:… | kubectl apply --server-side -f -\n',
    )
    .showHelpAfterError('(see --help)');
  return runPlain<Options>(command, args, async (options) => {
    process.stdout.write(await write(options));
    return 0;
  });
}

async function write({
  image,
  policy: named,
  lock: lockFile,
  namespace,
  exemptNamespace,
  replicas,
  certificate,
  clientCa,
  watcher,
  clusterName,
  watcherReplicas,
  hintSecret,
  ...rest
}: Options): Promise<string> {
  const reference = parseReference(image);
  if (reference instanceof Problem) throw reference;
  if (reference.digest === undefined)
    throw new Problem('usage', 'the webhook itself must be pinned: name its image with @sha256:…', { image });
  if (!/^[1-9]\d?$/.test(replicas)) throw new Problem('usage', `--replicas '${replicas}': expected 1 to 99`);
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(namespace))
    throw new Problem('usage', `--namespace '${namespace}': not a valid name of a namespace`);
  if (!/^[1-9]$/.test(watcherReplicas))
    throw new Problem('usage', `--watcher-replicas '${watcherReplicas}': expected 1 to 9`);
  const tokenless = !rest.cluster;
  if (tokenless && (certificate === 'own' || rest.pullSecrets || rest.reportEvery !== undefined))
    throw new Problem(
      'usage',
      '--no-cluster: expected --certificate cert-manager or printed, and neither --pull-secrets nor --report-every',
    );
  if (rest.reportEvery !== undefined) parseDuration('--report-every', rest.reportEvery);
  const file = configurationToWrite(findProject({ config: named }));
  const policy = readNamed(file).toString('utf8');
  const lock = lockFile === undefined ? undefined : readNamed(lockFile).toString('utf8');
  await loadPolicyContext(
    parseConfig(policy, file),
    lock === undefined ? new Map() : parseLock(lock, lockFile as string),
  ); // throws for a policy that could not be put in force
  const objects = manifests({
    ...rest,
    image,
    namespace,
    policy,
    lock,
    tls: certificate === 'printed' ? await made(namespace) : certificate,
    clientCa: clientCa === undefined ? undefined : readNamed(clientCa).toString('utf8'),
    exemptNamespaces: exemptNamespace.length > 0 ? exemptNamespace : ['kube-system'],
    replicas: Number(replicas),
    ...(watcher && { watcher: { clusterName, replicas: Number(watcherReplicas), hintSecret } }),
  });
  return printObjects(objects);
}

async function made(namespace: string) {
  const { makeCertificates } = await import('../../install/certificate.ts');
  return makeCertificates(serviceNames(namespace));
}
