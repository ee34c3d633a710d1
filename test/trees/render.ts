// Tries tagproof on a repository of kustomizations and charts: `node test/trees/render.ts DIR…`. Copies it, pins everything through a
// mirror on loopback that answers for every image, renders each kustomization and chart before and after with the real kustomize and
// helm, and holds that the rendered objects differ by digests only, each the digest of what it names. The tree is never committed.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Reference } from '../../src/flow.ts';
import { digestOf } from '../../src/image/hash.ts';
import { OCI_INDEX } from '../../src/image/media-type.ts';
import { parseReference } from '../../src/image/reference.ts';
import { Problem } from '../../src/problem.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { compareRendered, unstablePaths } from '../../src/render/compare.ts';

const MAIN = resolve('src/cli/main.ts');
const digestFor = (url: string) => digestOf(url.replace(/\?.*/, ''));
const isDigestOf = (digest: string, { repository, tag = 'latest' }: Reference) =>
  digest === digestFor(`/v2/${repository}/manifests/${tag}`);
const IMAGE = /^\s*(?:- )?image: ["']?([^\s"']+)["']?$/gm;
const registry = new EmbeddedRegistry({
  intercept: (request, response) => {
    const digest = digestFor(request.url ?? '');
    response.writeHead(200, { 'content-type': OCI_INDEX, 'docker-content-digest': digest, 'content-length': 2 }).end();
    return true;
  },
});
const host = await registry.listen();
let failed = false;

for (const given of process.argv.slice(2)) {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-render-'));
  const [before, after] = [join(folder, 'before'), join(folder, 'after')];
  const options = { recursive: true, verbatimSymlinks: true, filter: (path: string) => !/\/\.git(\/|$)/.test(path) };
  cpSync(given, before, options);
  await tagproof(before, 'unpin', '--all', '-q', '-o', 'json');
  cpSync(before, after, options);
  mkdirSync(join(folder, 'certs/_default'), { recursive: true });
  writeFileSync(join(folder, 'certs/_default/hosts.toml'), `server = "http://${host}"\n[host."http://${host}"]\n`);
  const pin = await tagproof(after, 'pin', '-q', '-o', 'json', '--hosts-dir', join(folder, 'certs'));
  if (pin.status === null || pin.status > 2 || pin.stdout === '') throw new Error(pin.stderr);
  const count = { roots: 0, refused: 0, right: 0, wrong: 0, unpinned: 0 };
  for (const file of globSync('**/{kustomization.yaml,kustomization.yml,Kustomization,Chart.yaml}', { cwd: before })) {
    const render = basename(file) === 'Chart.yaml' ? helm : kustomize;
    const [old, now] = [render(before, dirname(file)), render(after, dirname(file))];
    if (old === undefined) {
      count.refused++;
      continue;
    }
    count.roots++;
    if (now === undefined) {
      count.wrong++;
      console.log(`  ${file}: does not render after pin`);
      continue;
    }
    const again = render === helm ? render(before, dirname(file)) : undefined;
    compare(file, old, now, again === undefined ? new Set() : unstablePaths(old, again), count);
  }
  failed ||= count.wrong > 0;
  console.log(`${basename(given)}: ${JSON.stringify(count)}`);
  if (existsSync(folder)) rmSync(folder, { recursive: true });
}
await registry.close();
process.exitCode = failed ? 1 : 0;

/** By the comparison that `pin --prove` uses: digests only, each of what it names. */
function compare(
  file: string,
  old: string,
  now: string,
  unstable: ReadonlySet<string>,
  count: Record<string, number>,
): void {
  const { digests, differences } = compareRendered(old, now, isDigestOf, unstable);
  count['right'] = (count['right'] ?? 0) + digests;
  count['wrong'] = (count['wrong'] ?? 0) + differences.length;
  for (const { object, path, text } of differences) console.log(`  ${file}: ${object} ${path}: ${text}`);
  for (const [, image = ''] of now.matchAll(IMAGE)) {
    const reference = parseReference(image);
    if (reference instanceof Problem || reference.digest !== undefined) continue;
    count['unpinned'] = (count['unpinned'] ?? 0) + 1;
    if (process.env['VERBOSE']) console.log(`  ${file}: unpinned: ${image}`);
  }
}

function kustomize(root: string, folder: string): string | undefined {
  return rendered('kustomize', ['build', '--load-restrictor', 'LoadRestrictionsNone', join(root, folder)]);
}

function helm(root: string, folder: string): string | undefined {
  return rendered('helm', ['template', 'release', join(root, folder)]);
}

function rendered(program: string, args: string[]): string | undefined {
  const env = {
    ...process.env,
    https_proxy: 'http://127.0.0.1:9',
    http_proxy: 'http://127.0.0.1:9',
    GIT_ALLOW_PROTOCOL: 'file',
  };
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 20_000, env });
  return status === 0 ? stdout : undefined;
}

/** Not blocking: the mirror answers in this process. */
async function tagproof(
  cwd: string,
  ...args: string[]
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  const status = await new Promise<number | null>((done) => child.once('close', done));
  return { status, stdout, stderr };
}
