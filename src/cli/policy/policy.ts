// tagproof policy: lint finds mistakes in the rules, explain shows which rules apply to an image,
// test runs cases, init writes a first policy. Only init sends requests to registries.
import { existsSync, readFileSync } from 'node:fs';
import { Argument } from 'commander';
import { endingTrust } from '../../evaluate/evaluate.ts';
import { parseReference, printReference } from '../../image/reference.ts';
import type { Config } from '../../policy/config.ts';
import { demands } from '../../policy/demand-text.ts';
import { type Lint, lintPolicy } from '../../policy/lint.ts';
import { type ApplicableRules, applicableRules } from '../../policy/match.ts';
import { positionOf } from '../../policy/yaml-file.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Report } from '../../report/report.ts';
import { loadSigners } from '../../verify/verify.ts';
import { type CommonOptions, type Context, defineCommand, execute } from '../shared/command.ts';
import { gather } from '../shared/gather.ts';
import { configurationToWrite, type OpenProject, openProject } from '../shared/project.ts';
import { type RegistryFlags, registryOptions } from '../shared/registry.ts';

const EXAMPLES = `
tagproof policy lint                       find rules without demands, and rules that match no image here
tagproof policy explain ghcr.io/org/app:v1 show which rules apply to this image, and their demands
tagproof policy explain --replay decisions.log  decide the log of the webhook again by tagproof.yaml, without network
tagproof policy test                       run the cases in tagproof.test.yaml
tagproof policy init > tagproof.yaml       write a first policy: the images used here, and who signed them
`;

type Options = CommonOptions & RegistryFlags & { replay: boolean };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    defineCommand('policy', 'Checks, explains, tests or starts the policy in tagproof.yaml.', EXAMPLES),
  )
    .addArgument(new Argument('<what>', 'what to do').choices(['lint', 'explain', 'test', 'init']))
    .argument(
      '[images or paths...]',
      'explain: images; test: files with cases (default: tagproof.test.yaml); lint, init: files with the images that the rules are for (default: .)',
    );
  command.option('--replay', 'explain: the arguments are logs of the webhook; decide them again', false);
  return execute<Options>(command, args, async ([what, ...rest], options, context) => {
    const project = await openProject(options);
    const { config } = project;
    switch (what) {
      case 'lint':
        return { report: await lint(project, rest, context) };
      case 'test':
        return { report: await (await import('./run-cases.ts')).testPolicy(config, rest) };
      case 'init':
        return (await import('./init.ts')).initPolicy(project, rest, options, context);
      default:
        if (options.replay) return { report: (await import('./replay.ts')).replay(config, rest) };
        return { report: explain(config, rest) };
    }
  });
}

async function lint(project: OpenProject, paths: string[], context: Context): Promise<Report> {
  const { config } = project;
  const signers = await loadSigners(config.authorities, config.folder); // throws for keys that cannot be used
  const { found, problems } = await gather(paths, { exclude: [], stdinName: 'stdin.yaml' }, project, context);
  const file = configurationToWrite(project);
  const source = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const now = new Date();
  const lints = [
    ...lintPolicy(
      config,
      found.map(({ reference }) => reference),
      now,
    ),
    ...endingTrust(signers, now).map(
      (message): Lint => ({ level: 'warning', subject: 'trust', message, path: ['authorities'] }),
    ),
  ];
  return {
    command: 'policy lint',
    sections: [],
    findings: lints.map(({ level, subject, message, path }) => ({
      rule: 'policy-lint',
      level,
      file,
      ...positionOf(source, path),
      message: `${subject}: ${message}`,
    })),
    problems,
    summary: [`${plural(config.rules.length, 'rule')}, ${plural(lints.length, 'finding')}`],
    data: { rules: config.rules.length, images: found.length },
  };
}

function explain(config: Config, images: string[]): Report {
  if (images.length === 0) throw new Problem('usage', 'expected images to explain');
  const results = images.map((image) => ({ image, reference: parseReference(image) }));
  const explained = results.flatMap(({ reference }) =>
    reference instanceof Problem ? [] : [{ reference, ...applicableRules(config, reference, {}, new Date()) }],
  );
  const rows = ({ rules, exemption }: ApplicableRules): Cell[][] =>
    exemption !== undefined
      ? [
          [
            { text: 'exempt', style: 'dim' },
            exemption.reason,
            exemption.until === undefined ? '' : `until ${exemption.until}`,
          ],
        ]
      : rules.length === 0
        ? [[{ text: 'deny', style: 'bad' }, 'no rule applies to this image']]
        : rules.map((rule) => [{ text: rule.mode, style: 'dim' }, rule.name, demands(rule).join(' and ') || 'nothing']);
  return {
    command: 'policy explain',
    sections: explained.map(({ reference, ...applicable }) => ({
      title: printReference(reference),
      head: [],
      rows: rows(applicable),
    })),
    findings: [],
    problems: results.flatMap(({ reference }) => (reference instanceof Problem ? [reference] : [])),
    summary: [],
    data: {
      images: explained.map(({ reference, rules, exemption }) => ({
        image: printReference(reference),
        ...(exemption !== undefined && { exemption }),
        rules: rules.map(({ name, mode }) => ({ name, mode })),
      })),
    },
  };
}
