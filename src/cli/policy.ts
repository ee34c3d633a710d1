// tagproof policy: lint tells what is wrong with the rules, explain which of them speak for an image. No network.
import { Argument } from 'commander';
import { parseReference, printReference } from '../image/reference.ts';
import type { Config } from '../policy/config.ts';
import { demands, lintPolicy } from '../policy/lint.ts';
import { rulesFor } from '../policy/match.ts';
import { Problem } from '../problem.ts';
import type { Cell, Report } from '../report/report.ts';
import { loadSigners } from '../verify/verify.ts';
import { gather, loadConfig } from './gather.ts';
import { plural } from './scan.ts';
import { type CommonOptions, type Context, execute, verb } from './verb.ts';

const EXAMPLES = `
tagproof policy lint                       rules that ask for nothing, or speak of nothing that is here
tagproof policy explain ghcr.io/org/app:v1 which rules speak for this image, and what they ask
`;

export function run(args: string[]): Promise<number> {
  const command = verb('policy', 'Looks at the rules in tagproof.yaml. Asks no registry.', EXAMPLES)
    .addArgument(new Argument('<what>', 'what to do').choices(['lint', 'explain']))
    .argument('[images or paths...]', 'explain: images; lint: files whose images the rules are for (default: .)');
  return execute<CommonOptions>(command, args, async ([what, ...rest], options, context) => {
    const config = await loadConfig(options.config);
    return { report: what === 'lint' ? await lint(config, rest, options, context) : explain(config, rest) };
  });
}

async function lint(
  config: Config,
  paths: string[],
  { config: file }: CommonOptions,
  context: Context,
): Promise<Report> {
  await loadSigners(config.authorities); // keys that cannot be used are said here too
  const { found, problems } = await gather(paths, { exclude: [], stdinName: 'stdin.yaml' }, config, context);
  const lints = lintPolicy(
    config,
    found.map(({ reference }) => reference),
  );
  return {
    verb: 'policy lint',
    sections: [],
    findings: lints.map(({ level, subject, message }) => ({
      rule: 'policy-lint',
      level,
      file: file ?? 'tagproof.yaml',
      message: `${subject}: ${message}`,
    })),
    problems,
    summary: [`${plural(config.rules.length, 'rule')}, ${plural(lints.length, 'finding')}`],
    data: { rules: config.rules.length, images: found.length },
  };
}

function explain(config: Config, images: string[]): Report {
  if (images.length === 0) throw new Problem('usage', 'expected the images to explain');
  const results = images.map((image) => ({ image, reference: parseReference(image) }));
  const explained = results.flatMap(({ reference }) =>
    reference instanceof Problem ? [] : [{ reference, rules: rulesFor(config.rules, reference) }],
  );
  const rows = (rules: Config['rules']): Cell[][] =>
    rules.length === 0
      ? [[{ text: 'deny', style: 'bad' }, 'no rule speaks for this image']]
      : rules.map((rule) => [{ text: rule.mode, style: 'dim' }, rule.name, demands(rule).join(' and ') || 'nothing']);
  return {
    verb: 'policy explain',
    sections: explained.map(({ reference, rules }) => ({
      title: printReference(reference),
      head: [],
      rows: rows(rules),
    })),
    findings: [],
    problems: results.flatMap(({ reference }) => (reference instanceof Problem ? [reference] : [])),
    summary: [],
    data: {
      images: explained.map(({ reference, rules }) => ({
        image: printReference(reference),
        rules: rules.map(({ name, mode }) => ({ name, mode })),
      })),
    },
  };
}
