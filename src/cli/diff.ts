// tagproof diff: what changed between two images? Platforms, configuration, environment, labels, layers.
import { parseReference, printReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { Cell, Section } from '../report/report.ts';
import { short } from '../report/text.ts';
import { loadConfig } from './gather.ts';
import { readSubject, type Subject } from './inspect.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from './registry.ts';
import { plural } from './scan.ts';
import { type CommonOptions, execute, verb } from './verb.ts';

const EXAMPLES = `
tagproof diff nginx:1.26 nginx:1.27
tagproof diff app@sha256:OLD app@sha256:NEW     what a moved tag would bring
`;

type Options = CommonOptions & RegistryFlags & { platform?: string };
/** One difference; `from` or `to` is absent where the thing is new or gone. */
type Difference = { readonly what: string; readonly name?: string; readonly from?: string; readonly to?: string };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(verb('diff', 'Shows how two images differ. Exit code 1 if they do.', EXAMPLES))
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
          verb: 'diff',
          told: true,
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

function compare(a: Subject, b: Subject): Difference[] {
  const sizes = (subject: Subject) =>
    new Map(subject.image.layers.map(({ digest, size }) => [digest, `${digest} (${size} bytes)`]));
  return [
    ...setDifference('platform', a.closure.platforms, b.closure.platforms),
    ...one('platform compared', a.image.platform, b.image.platform),
    ...one('created', a.image.created ?? '', b.image.created ?? ''),
    ...one('entrypoint', a.image.entrypoint.join(' '), b.image.entrypoint.join(' ')),
    ...one('cmd', a.image.cmd.join(' '), b.image.cmd.join(' ')),
    ...one('user', a.image.user, b.image.user),
    ...one('workdir', a.image.workingDir, b.image.workingDir),
    ...mapDifference('env', environment(a.image.env), environment(b.image.env)),
    ...mapDifference('label', new Map(Object.entries(a.image.labels)), new Map(Object.entries(b.image.labels))),
    ...mapDifference('layer', sizes(a), sizes(b)).map(({ name: _, ...rest }) => rest),
  ];
}

function one(what: string, from: string, to: string): Difference[] {
  return from === to ? [] : [{ what, ...(from !== '' && { from }), ...(to !== '' && { to }) }];
}

function setDifference(what: string, from: readonly string[], to: readonly string[]): Difference[] {
  return [
    ...from.filter((item) => !to.includes(item)).map((item) => ({ what, from: item })),
    ...to.filter((item) => !from.includes(item)).map((item) => ({ what, to: item })),
  ];
}

function mapDifference(what: string, from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): Difference[] {
  const names = [...new Set([...from.keys(), ...to.keys()])].filter((name) => from.get(name) !== to.get(name));
  return names.map((name) => {
    const [before, after] = [from.get(name), to.get(name)];
    return { what, name, ...(before !== undefined && { from: before }), ...(after !== undefined && { to: after }) };
  });
}

function environment(lines: readonly string[]): Map<string, string> {
  return new Map(lines.map((line) => [line.split('=', 1)[0] as string, line.slice(line.indexOf('=') + 1)]));
}

function digests(a: Subject, b: Subject): Section {
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
