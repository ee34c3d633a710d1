// tagproof vap: writes the back-stop that holds digests and registries while the webhook is away.
import { Command, CommanderError, Option } from 'commander';
import { stringify } from 'yaml';
import { Problem } from '../problem.ts';
import { backstop } from '../serve/vap.ts';
import { loadConfig } from './gather.ts';
import { collect } from './verb.ts';

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
    .showHelpAfterError('(see --help)')
    .exitOverride();
  try {
    command.parse(args, { from: 'user' });
    const { config: file, registry, exemptNamespace, mode } = command.opts<Options>();
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
    process.stdout.write(objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n'));
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`error: ${error}\n`);
    return 2;
  }
}
