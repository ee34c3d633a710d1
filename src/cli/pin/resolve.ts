// tagproof resolve: which digest is this image now? From its registry, or from a local engine, as docker inspect reports it.
import { Option } from 'commander';
import type { Reference, Resolution, Resolved } from '../../flow.ts';
import { parseReference, printReference, withDigest } from '../../image/reference.ts';
import { asProblem, Problem } from '../../problem.ts';
import { resolveAll } from '../../resolve/resolve.ts';
import { type CommonOptions, type Context, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof resolve nginx:1.27 quay.io/prometheus/prometheus:v3.1.0
tagproof resolve --from engine nginx:1.27    what docker pull got on this machine
tagproof resolve nginx --output json
`;

type Options = CommonOptions & RegistryFlags & { from: 'registry' | 'engine' };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    defineCommand('resolve', 'Answers which digest each image is now: one HEAD, no pull.', EXAMPLES),
  )
    .argument('<images...>', 'image references')
    .addOption(new Option('--from <source>', 'who answers').choices(['registry', 'engine']).default('registry'));
  return execute<Options>(command, args, async (images, options, context) => {
    const parsed = images.map((image) => parseReference(image));
    const references = parsed.filter((reference): reference is Reference => !(reference instanceof Problem));
    const { answers, extra } =
      options.from === 'engine' ? await askEngine(references) : await askRegistries(references, options, context);
    const results = parsed.map((reference) =>
      reference instanceof Problem ? reference : (answers.get(printReference(reference)) as Resolution),
    );
    const good = results.filter((result): result is Resolved => !(result instanceof Problem));
    return {
      report: {
        command: 'resolve',
        sections:
          good.length === 0
            ? []
            : [{ head: [], rows: good.map((answer) => [withDigest(answer.reference, answer.digest).text]) }],
        findings: [],
        problems: results.filter((result): result is Problem => result instanceof Problem),
        summary: extra,
        data: {
          images: good.map(({ reference, ...rest }) => ({
            image: reference.text,
            reference: printReference(withDigest(reference, rest.digest)),
            ...rest,
          })),
        },
      },
    };
  });
}

async function askRegistries(
  references: Reference[],
  options: Options,
  context: Context,
): Promise<{ answers: ReadonlyMap<string, Resolution>; extra: string[] }> {
  const config = await loadConfig(options.config);
  return withClient(options, config, context, async (client) => {
    const progress = (done: number, total: number) => context.progress.show(`resolved ${done} of ${total} images`);
    return { answers: await resolveAll(references, { client, progress }), extra: rateLimitLines(client) };
  });
}

async function askEngine(references: Reference[]): Promise<{ answers: Map<string, Resolution>; extra: string[] }> {
  const { resolveFromEngine } = await import('../../engine/docker.ts');
  const answers = new Map<string, Resolution>();
  for (const reference of references) {
    const answer = await resolveFromEngine(reference).catch((error) =>
      asProblem(error, 'unreachable', { image: reference.text }),
    );
    answers.set(printReference(reference), answer);
  }
  return { answers, extra: [] };
}
