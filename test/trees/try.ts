// Tries tagproof on real repositories: `node test/trees/try.ts DIR…`. Copies each, pins everything
// through a mirror on loopback that answers for every image, and checks: the diff holds digests only,
// YAML parses to the same values but for the digests, no image failed to resolve, unpin gives every
// byte back. Exit code 1 when one of these fails, 2 without a tree. Needs no internet. The tree is
// never committed.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadAll } from 'js-yaml';
import { digestOf } from '../../src/image/hash.ts';
import { OCI_INDEX } from '../../src/image/media-type.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';

const MAIN = resolve('src/cli/main.ts');
/** Problems of the files of a tree, which tagproof leaves alone. Every other problem is a failure. */
const OF_THE_TREE = new Set(['syntax', 'encoding', 'limit']);
const AUTHOR = ['-c', 'user.name=t', '-c', 'user.email=t@t'];

type PinReport = {
  pinned: object[];
  changed: string[];
  problems: { code: string; message: string; file?: string; image?: string }[];
  findings: object[];
};
type Skip = { reason: string; text: string; file: string; line: number };

const trees = process.argv.slice(2);
if (trees.length === 0) {
  console.error('usage: node test/trees/try.ts DIR…');
  process.exit(2);
}
const registry = new EmbeddedRegistry({
  intercept: (request, response) => {
    const digest = digestOf(request.url ?? '');
    response.writeHead(200, { 'content-type': OCI_INDEX, 'docker-content-digest': digest, 'content-length': 2 }).end();
    return true;
  },
});
const host = await registry.listen();
try {
  for (const given of trees) {
    const folder = mkdtempSync(join(tmpdir(), 'tagproof-tree-'));
    try {
      const failures = await tryTree(given, folder);
      for (const failure of failures) console.log(`  FAILED: ${failure}`);
      if (failures.length > 0) process.exitCode = 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
} finally {
  await registry.close();
}

/** @returns what is wrong, one line each */
async function tryTree(given: string, folder: string): Promise<string[]> {
  const tree = join(folder, basename(given));
  cpSync(given, tree, { recursive: true, verbatimSymlinks: true, filter: (path) => !/\/\.git(\/|$)/.test(path) });
  mkdirSync(join(folder, 'certs/_default'), { recursive: true });
  writeFileSync(join(folder, 'certs/_default/hosts.toml'), `server = "http://${host}"\n[host."http://${host}"]\n`);
  git(tree, 'init', '-q');
  git(tree, 'add', '-A', '-f');
  git(tree, ...AUTHOR, 'commit', '-q', '-m', 'as it was');
  // The pins of the tree are removed first, so that pin and unpin start from the same text.
  await tagproof(tree, 'unpin', '--all', '-q', '-o', 'json');
  git(tree, ...AUTHOR, 'commit', '-q', '-a', '--allow-empty', '-m', 'without pins');

  const started = performance.now();
  const pin = await tagproof(tree, 'pin', '-q', '-o', 'json', '--hosts-dir', join(folder, 'certs'));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { pinned, changed, problems, findings } = JSON.parse(pin) as PinReport;
  console.log(
    `${basename(given)}: pinned ${pinned.length} images in ${changed.length} files in ${seconds} s; ${findings.length} not pinnable, ${problems.length} problems`,
  );
  for (const { code, file = '', image = '', message } of problems.slice(0, 40))
    console.log(`  ${code} ${file} ${image} ${message.split('\n')[0]}`);
  const failures = [
    ...problems.filter(({ code }) => !OF_THE_TREE.has(code)).map(({ code, message }) => `${code}: ${message}`),
    ...checkDiff(tree),
    ...changed.filter((file) => !sameValues(tree, file)).map((file) => `${file} no longer has the same values`),
  ];
  await showScan(tree);
  await tagproof(tree, 'unpin', '-q', '-o', 'json');
  rmSync(join(tree, 'tagproof.lock'), { force: true });
  const left = git(tree, 'status', '--porcelain').trim().split('\n').filter(Boolean);
  for (const line of left) {
    const diff = git(tree, 'diff', '--no-color', '-U0', '--', line.slice(3)).split('\n').slice(4, 10);
    failures.push(`unpin did not give back ${line}\n${diff.join('\n')}`);
  }
  return failures;
}

/** Every changed line must be the old line with a digest, or a new line with nothing else. */
function checkDiff(tree: string): string[] {
  const diff = git(tree, 'diff', '--no-color', '-U0', '--no-ext-diff').split('\n');
  const added = diff.filter((line) => /^\+(?!\+\+ )/.test(line));
  const removed = diff.filter((line) => /^-(?!-- )/.test(line)).map((line) => line.slice(1));
  const edited = added.filter((line) => !/^\+\s*digest: sha256:[a-f0-9]{64}\r?$/.test(line));
  const stripped = edited.map((line) =>
    line.slice(1).replace(line.includes('@sha256:') ? /@sha256:[a-f0-9]{64}/g : /(sha256:)?[a-f0-9]{64}/, ''),
  );
  console.log(`  ${edited.length} lines changed, ${added.length - edited.length} inserted`);
  const at = stripped.findIndex((line, index) => line !== removed[index]);
  if (at >= 0) return [`the diff changes more than a digest: ${edited[at]}`];
  return stripped.length === removed.length ? [] : [`the diff removes ${removed.length - stripped.length} lines`];
}

/** True when the file parses to the same values as before but for digests, or did not parse before. */
function sameValues(tree: string, file: string): boolean {
  if (!/\.(ya?ml|json)$/.test(file)) return true;
  const before = valuesOf(git(tree, 'show', `HEAD:./${file}`));
  return before === undefined || isDeepStrictEqual(valuesOf(readFileSync(join(tree, file), 'utf8')), before);
}

function valuesOf(text: string): unknown {
  try {
    return JSON.parse(JSON.stringify(loadAll(text), withoutDigest));
  } catch {
    return undefined;
  }
}

function withoutDigest(key: string, value: unknown): unknown {
  // A tag that is a plain number becomes text with its digest behind it.
  if (typeof value === 'number' && /tag|version/i.test(key)) return String(value);
  if (typeof value !== 'string') return value;
  const text = value.replace(/@?(sha256:)?[a-f0-9]{64}/g, '');
  return text === '' && /digest|^sha/i.test(key) ? undefined : text;
}

async function showScan(tree: string): Promise<void> {
  const scan = JSON.parse(await tagproof(tree, 'scan', '-q', '-o', 'json')) as {
    counts: Record<string, number>;
    skipped: Skip[];
  };
  const reasons = [...Map.groupBy(scan.skipped, ({ reason }) => reason)].map(([reason, list]) => [reason, list.length]);
  console.log(`  now ${JSON.stringify(scan.counts)}; skipped ${JSON.stringify(Object.fromEntries(reasons))}`);
  for (const { reason, file, line, text } of scan.skipped)
    if (reason === process.env['SHOW']) console.log(`    ${file}:${line} ${text}`);
}

function git(cwd: string, ...args: string[]): string {
  const result = spawnSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** Runs in another process, because the registry answers from this one. @returns its output */
async function tagproof(cwd: string, ...args: string[]): Promise<string> {
  const file = join(cwd, '..', 'stdout');
  const out = openSync(file, 'w');
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', out, 'inherit'] });
  await new Promise((finish) => child.on('close', finish));
  closeSync(out);
  return readFileSync(file, 'utf8');
}
