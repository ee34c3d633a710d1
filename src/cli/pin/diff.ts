// tagproof diff: what changed between two images? Platforms, configuration, environment, labels, layers.
import { parseReference, printReference } from '../../image/reference.ts';
import { compareFacts, compareSets, type Difference, plainFactsOf } from '../../inventory/image-facts.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Section } from '../../report/report.ts';
import { short } from '../../report/text.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';
import { type InspectedImage, readSubject } from './inspect.ts';

const EXAMPLES = `
tagproof diff nginx:1.26 nginx:1.27
tagproof diff app@sha256:OLD app@sha256:NEW     what a moved tag would bring
`;

type Options = CommonOptions & RegistryFlags & { platform?: string };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    defineCommand('diff', 'Shows how two images differ. Exit code 1 if they do.', EXAMPLES),
  )
    .argument('<from>', 'image reference')
    .argument('<to>', 'image reference')
    .option('--platform <platform>', 'which platform to compare (default: linux/amd64, else the first)');
  return execute<Options>(command, args, async (images, options, context) => {
    const [from, to] = images.map((image) => {
      const reference = parseReference(image);
      if (reference instanceof Problem) throw reference;
      return reference;
    });
    if (from === undefined || to === undefined) throw new Problem('usage', 'expected two images');
    const config = await loadConfig(options.config);
    return withClient(options, config, context, async (client) => {
      const [a, b] = await Promise.all([
        readSubject(client, from, options.platform),
        readSubject(client, to, options.platform),
      ]);
      const differences = compare(a, b);
      const same = a.closure.root.digest === b.closure.root.digest;
      const heading = `${printReference(from)} → ${printReference(to)}`;
      const conclusion = same
        ? 'the same digest'
        : differences.length === 0
          ? 'different digests, the same configuration and layers'
          : plural(differences.length, 'difference');
      return {
        report: {
          command: 'diff',
          listing: 'sections',
          sections: [digests(a, b), ...(differences.length > 0 ? [section(differences)] : [])],
          findings: same ? [] : [{ rule: 'different', level: 'warning', image: heading, message: conclusion }],
          problems: [],
          summary: [`${short(heading)}: ${conclusion}`, ...rateLimitLines(client)],
          data: {
            from: { image: from.text, digest: a.closure.root.digest },
            to: { image: to.text, digest: b.closure.root.digest },
            platform: a.image.platform,
            differences,
          },
        },
      };
    });
  });
}

function compare(a: InspectedImage, b: InspectedImage): Difference[] {
  return [
    ...compareSets('platform', a.closure.platforms, b.closure.platforms),
    ...compareFacts(plainFactsOf(a.image), plainFactsOf(b.image)),
  ];
}

function digests(a: InspectedImage, b: InspectedImage): Section {
  return {
    head: [],
    rows: [
      [{ text: '-', style: 'bad' }, a.closure.root.digest, a.closure.platforms.join(', ')],
      [{ text: '+', style: 'good' }, b.closure.root.digest, b.closure.platforms.join(', ')],
    ],
  };
}

function section(differences: readonly Difference[]): Section {
  const rows = differences.flatMap(({ what, name, from, to }): Cell[][] => {
    const label = name === undefined ? what : `${what} ${name}`;
    return [
      ...(from === undefined ? [] : [[{ text: '-', style: 'bad' as const }, label, from]]),
      ...(to === undefined ? [] : [[{ text: '+', style: 'good' as const }, label, to]]),
    ];
  });
  return { title: 'changes', head: [], rows };
}
