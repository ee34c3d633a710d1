// tagproof trust: shows, refreshes and transfers the sigstore trust root that keyless signatures are verified with. Only `update`
// uses the network, and only the TUF repository that the user names.
import { existsSync } from 'node:fs';
import { Argument } from 'commander';
import { commitFiles } from '../../commit/commit.ts';
import { WARN_DAYS } from '../../evaluate/evaluate.ts';
import { readNamed } from '../../file.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Report } from '../../report/report.ts';
import { expiries, parseTrustRoot, type TrustRoot } from '../../verify/trust/root.ts';
import { loadTrustRoot, PUBLIC_GOOD, PUBLIC_MIRROR, storeRoot } from '../../verify/trust/store.ts';
import { type CommonOptions, type Context, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { type RegistryFlags, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof trust show                       who is trusted, since when, until when
tagproof trust show own/trusted_root.json
tagproof trust update                     the public-good root of today, verified by TUF
tagproof trust update --mirror https://tuf.example.com --root root.json own.json   (trustRoot: own.json)
tagproof trust export trusted_root.json   to carry it over an air gap …
tagproof trust import trusted_root.json   … and use it there
`;

type Options = CommonOptions & RegistryFlags & { mirror: string; root?: string };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    defineCommand('trust', 'Shows, refreshes and transfers the trust root for keyless signatures.', EXAMPLES),
  )
    .addArgument(new Argument('<what>', 'what to do').choices(['show', 'update', 'export', 'import']))
    .argument('[file]', 'show, import: a trusted_root.json; export, update: where to write it')
    .option('--mirror <url>', 'update: the TUF repository', PUBLIC_MIRROR)
    .option(
      '--root <file>',
      'update: its pinned root.json (tagproof is shipped with that of the public-good instance)',
    );
  return execute<Options>(command, args, async ([what, file], options, context) => {
    switch (what) {
      case 'update':
        return { report: await update(options, context, file) };
      case 'export':
        return { report: await exportRoot(requireFile(file, 'where to write the trust root')) };
      case 'import':
        return { report: importRoot(requireFile(file, 'the trusted_root.json to import')) };
      default: {
        const { root, from } = await loadTrustRoot(file ?? PUBLIC_GOOD);
        return { report: show(root, from) };
      }
    }
  });
}

function requireFile(file: string | undefined, what: string): string {
  if (file === undefined) throw new Problem('usage', `expected a file: ${what}`);
  return file;
}

function show(root: TrustRoot, from: string): Report {
  const now = new Date();
  const soon = expiries(root, now, WARN_DAYS);
  const rows: Cell[][] = root.members.map(({ kind, name, start, end, certificateEnd }) => {
    const hasEnded = [end, certificateEnd].some((date) => date !== undefined && Date.parse(date) < now.getTime());
    const until = end ?? certificateEnd;
    return [
      kind,
      { text: name, style: hasEnded ? 'dim' : 'good' },
      { text: `since ${start.slice(0, 10)}`, style: 'dim' },
      { text: until === undefined ? '' : `until ${until.slice(0, 10)}`, style: 'dim' },
    ];
  });
  return {
    command: 'trust show',
    sections: [{ title: from, head: [], rows }],
    findings: soon.map((message) => ({ rule: 'trust-expiry', level: 'warning', message })),
    problems: [],
    summary: [`sha256:${root.id}`],
    data: { from, id: root.id, members: root.members },
  };
}

/** The public-good root is stored for all runs. Another root goes to a file that the policy names. */
async function update(options: Options, context: Context, file: string | undefined): Promise<Report> {
  const { updateRoot } = await import('../../verify/trust/update.ts');
  const mirror = options.mirror.replace(/\/$/, '');
  const target = mirror === PUBLIC_MIRROR ? file : requireFile(file, 'where to write the trust root of this mirror');
  const config = await loadConfig(options.config);
  const before = target === undefined || existsSync(target) ? await loadTrustRoot(target ?? PUBLIC_GOOD) : undefined;
  const bytes = await withClient(options, config, context, (client) => updateRoot(client, mirror, options.root));
  const root = parseTrustRoot(bytes, mirror);
  const stored = storeRoot(bytes, target);
  return {
    ...show(root, stored),
    command: 'trust update',
    summary: [root.id === before?.root.id ? 'nothing has changed' : `stored: sha256:${root.id}`],
  };
}

async function exportRoot(file: string): Promise<Report> {
  const { root, bytes, from } = await loadTrustRoot(PUBLIC_GOOD);
  const { problems } = commitFiles([{ kind: 'create', file, after: bytes }]);
  for (const problem of problems) throw problem;
  return changeReport(
    'trust export',
    [`wrote the trust root (${from}) to ${file}, with ${plural(root.members.length, 'member')}: sha256:${root.id}`],
    root,
  );
}

function importRoot(file: string): Report {
  const bytes = readNamed(file);
  const root = parseTrustRoot(bytes, file); // an unusable root is never stored
  return changeReport('trust import', [`stored as ${storeRoot(bytes)}: sha256:${root.id}`], root);
}

function changeReport(name: string, summary: string[], root: TrustRoot): Report {
  return {
    command: name,
    sections: [],
    findings: [],
    problems: [],
    summary,
    data: { id: root.id, members: root.members },
  };
}
