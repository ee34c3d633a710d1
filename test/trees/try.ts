// Tries tagproof on a real repository: `node test/trees/try.ts DIR…`. Copies it, pins everything through a mirror on loopback
// that answers for every image, and checks that the diff holds image lines only, that YAML still parses to the same values
// but for the images, and that unpin gives every byte back. Needs no internet; the tree itself is never committed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { digestOf } from '../../src/image/hash.ts';
import { OCI_INDEX } from '../../src/image/media-type.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';

const MAIN = resolve('src/cli/main.ts');
const registry = new EmbeddedRegistry({
  intercept: (request, response) => {
    const digest = digestOf(request.url ?? '');
    response.writeHead(200, { 'content-type': OCI_INDEX, 'docker-content-digest': digest, 'content-length': 2 }).end();
    return true;
  },
});
const host = await registry.listen();

for (const given of process.argv.slice(2)) {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-tree-'));
  const tree = join(folder, basename(given));
  cpSync(given, tree, { recursive: true, verbatimSymlinks: true, filter: (path) => !/\/\.git(\/|$)/.test(path) });
  mkdirSync(join(folder, 'certs/_default'), { recursive: true });
  writeFileSync(join(folder, 'certs/_default/hosts.toml'), `server = "http://${host}"\n[host."http://${host}"]\n`);
  git(tree, 'init', '-q');
  git(tree, 'add', '-A', '-f');
  git(tree, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '-m', 'as it was');

  // Its own pins are taken out first, so that what pin writes can be compared with what unpin gives back.
  await tagproof(tree, 'unpin', '-q', '-o', 'json');
  git(tree, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '-a', '--allow-empty', '-m', 'without pins');

  const started = performance.now();
  const pin = await tagproof(tree, 'pin', '-q', '-o', 'json', '--hosts-dir', join(folder, 'certs'));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const report = JSON.parse(pin.stdout) as {
    pinned: object[];
    changed: string[];
    problems: { code: string; message: string; file?: string; image?: string }[];
    findings: object[];
  };
  const diff = git(tree, 'diff', '--no-color', '-U0', '--no-ext-diff').split('\n');
  const added = diff.filter((line) => /^\+(?!\+\+ )/.test(line));
  const removed = diff.filter((line) => /^-(?!-- )/.test(line));
  const strip = (line: string) => line.slice(1).replace(/@?(sha256:)?[a-f0-9]{64}/, '');
  const inserted = added.filter((line) => /^\+\s*digest: sha256:[a-f0-9]{64}\r?$/.test(line));
  const changed = added.filter((line) => !inserted.includes(line));
  assert.deepEqual(
    changed.map(strip),
    removed.map((line) => line.slice(1)),
    'the diff holds something else than digests',
  );
  console.log(
    `${basename(given)}: pinned ${report.pinned.length} images in ${report.changed.length} files in ${seconds} s; ${changed.length} lines changed, ${inserted.length} inserted, ${report.findings.length} not pinnable, ${report.problems.length} problems`,
  );
  for (const problem of report.problems.slice(0, 40))
    console.log(`  ${problem.code} ${problem.file ?? ''} ${problem.image ?? ''} ${problem.message.split('\n')[0]}`);

  const scan = await tagproof(tree, 'scan', '-q', '-o', 'json');
  const { counts, skipped } = JSON.parse(scan.stdout) as {
    counts: Record<string, number>;
    skipped: { reason: string; text: string; file: string; line: number }[];
  };
  console.log(
    `  now ${JSON.stringify(counts)}; skipped ${JSON.stringify(Object.fromEntries([...Map.groupBy(skipped, ({ reason }) => reason)].map(([reason, list]) => [reason, list.length])))}`,
  );
  if (process.env['SHOW'])
    for (const item of skipped.filter(({ reason }) => reason === process.env['SHOW']))
      console.log(`    ${item.file}:${item.line} ${item.text}`);

  await tagproof(tree, 'unpin', '-q', '-o', 'json');
  rmSync(join(tree, 'tagproof.lock'), { force: true });
  const left = git(tree, 'status', '--porcelain').trim().split('\n').filter(Boolean);
  for (const line of left)
    console.log(
      `  not given back: ${line}\n${git(tree, 'diff', '--no-color', '-U0', '--', line.slice(3)).split('\n').slice(4, 10).join('\n')}`,
    );
  rmSync(folder, { recursive: true, force: true });
}
await registry.close();

function git(cwd: string, ...args: string[]): string {
  const result = spawnSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** In another process, for the registry lives in this one; the work goes on beside it. */
async function tagproof(cwd: string, ...args: string[]): Promise<{ stdout: string }> {
  const { spawn } = await import('node:child_process');
  const out = join(cwd, '..', 'stdout');
  const { openSync } = await import('node:fs');
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', openSync(out, 'w'), 'inherit'] });
  await new Promise((finish) => child.on('close', finish));
  return { stdout: readFileSync(out, 'utf8') };
}
