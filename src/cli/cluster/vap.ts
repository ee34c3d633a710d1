// tagproof vap: writes the back-stop that holds digests and registries while the webhook is away.
import { Command, Option } from 'commander';
import { backstop } from '../../install/vap.ts';
import { Problem } from '../../problem.ts';
import { collect, runPlain } from '../shared/command.ts';
import { loadConfig } from '../shared/gather.ts';
import { printObjects } from './objects.ts';

type Options = { config?: string; registry: string[]; exemptNamespace: string[]; mode: 'enforce' | 'warn' | 'audit' };

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof vap')
    .description(
      'Writes ValidatingAdmissionPolicies: every image by digest, from allowed registries. Needs no webhook.',
    )
    .option('-c, --config <file>', 'configuration (default: tagproof.yaml, if there is one)')
    .option(
      '--registry <host>',
      'allowed host, *. before a domain (repeatable; default: those of the rules for every image)',
      collect,
      [],
    )
    .option('--exempt-namespace <name>', 'namespaces left alone (repeatable; default: kube-system)', collect, [])
    .addOption(
      new Option('--mode <mode>', 'deny, warn kubectl, or write the audit log only')
        .choices(['enforce', 'warn', 'audit'])
        .default('enforce'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  tagproof vap | kubectl apply -f -\n  tagproof vap --registry ghcr.io --registry "*.example.com" --mode warn\n',
    )
    .showHelpAfterError('(see --help)');
  return runPlain<Options>(command, args, async ({ config: file, registry, exemptNamespace, mode }) => {
    const wrong = registry.find((host) => !/^(\*\.)?[a-z0-9][a-z0-9.-]*(:\d+)?$/.test(host));
    if (wrong !== undefined)
      throw new Problem('usage', `--registry '${wrong}': expected a host, as ghcr.io or *.example.com`);
    const config = await loadConfig(file);
    // Only a rule for every image says something that holds for every image.
    const ruled = config.rules
      .filter(({ images, mode: of }) => of === 'enforce' && images.includes('**'))
      .flatMap(({ registries }) => registries ?? []);
    const objects = backstop({
      registries: [...new Set(registry.length > 0 ? registry : ruled)],
      exemptNamespaces: exemptNamespace.length > 0 ? exemptNamespace : ['kube-system'],
      mode,
    });
    process.stdout.write(printObjects(objects));
    return 0;
  });
}
