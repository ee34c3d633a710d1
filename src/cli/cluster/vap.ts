// tagproof vap: writes the back-stop that enforces digests and registries while the webhook is
// away.
import { Command, Option } from 'commander';
import { backstop } from '../../install/vap.ts';
import { Problem } from '../../problem.ts';
import { collect, runPlain } from '../shared/command.ts';
import { CONFIG_HELP, loadConfig } from '../shared/project.ts';
import { printObjects } from './objects.ts';

type Options = { config?: string; registry: string[]; exemptNamespace: string[]; mode: 'enforce' | 'warn' | 'audit' };

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof vap')
    .description(
      'Writes ValidatingAdmissionPolicies that require digests and allowed registries. They need no webhook.',
    )
    .option('-c, --config <file>', CONFIG_HELP)
    .option(
      '--registry <host>',
      'allowed host, or *.DOMAIN (repeatable; default: the registries of rules that apply to every image)',
      collect,
      [],
    )
    .option('--exempt-namespace <name>', 'exempt namespace (repeatable; default: kube-system)', collect, [])
    .addOption(
      new Option('--mode <mode>', 'deny, warn the user of kubectl, or only write the audit log')
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
    // Only a rule that applies to every image can limit the registries of every image.
    const fromRules = config.rules
      .filter(({ images, mode: of }) => of === 'enforce' && images.includes('**'))
      .flatMap(({ registries }) => registries ?? []);
    const objects = backstop({
      registries: [...new Set(registry.length > 0 ? registry : fromRules)],
      exemptNamespaces: exemptNamespace.length > 0 ? exemptNamespace : ['kube-system'],
      mode,
    });
    process.stdout.write(printObjects(objects));
    return 0;
  });
}
