// Tries tagproof on a repository of kustomizations and charts: `node test/trees/render.ts DIR…`. Copies it, pins everything through a
// mirror on loopback that answers for every image, renders each kustomization and chart before and after with the real kustomize and
// helm, and holds that the rendered objects differ by digests only, each the digest of what it names. The tree is never committed.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { digestOf } from '../../src/image/hash.ts';
import { OCI_INDEX } from '../../src/image/media-type.ts';
import { parseReference } from '../../src/image/reference.ts';
import { Problem } from '../../src/problem.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';

const MAIN = resolve('src/cli/main.ts');
const digestFor = (url: string) => digestOf(url.replace(/\?.*/, ''));
const IMAGE = /^\s*(?:- )?image: ["']?([^\s"']+)["']?$/;
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
  const count = { roots: 0, refused: 0, right: 0, artifact: 0, wrong: 0, unpinned: 0, other: 0 };
  for (const file of globSync('**/{kustomization.yaml,kustomization.yml,Kustomization,Chart.yaml}', { cwd: before })) {
    const render = basename(file) === 'Chart.yaml' ? helm : kustomize;
    const [old, now] = [render(before, dirname(file)), render(after, dirname(file))];
    if (old === undefined) {
      count.refused++;
      continue;
    }
    count.roots++;
    if (now === undefined) {
      count.other++;
      console.log(`  ${file}: does not render after pin`);
      continue;
    }
    compare(file, old, now, count);
  }
  failed ||= count.wrong + count.other > 0;
  console.log(`${basename(given)}: ${JSON.stringify(count)}`);
  if (existsSync(folder)) rmSync(folder, { recursive: true });
}
await registry.close();
process.exitCode = failed ? 1 : 0;

/** Line by line: equal, or an image with the digest of what was there before, or a digest on a line of its own. */
function compare(file: string, old: string, now: string, count: Record<string, number>): void {
  const add = (kind: string) => {
    count[kind] = (count[kind] ?? 0) + 1;
  };
  const [a, b] = [old.split('\n'), now.split('\n')];
  let next = 0;
  for (const line of a) {
    // An OCIRepository, a kustomization or a value takes its digest on a line of its own.
    while (b[next] !== line && /^\s*digest: ["']?sha256:[0-9a-f]{64}["']?$/.test(b[next] ?? '')) {
      add('artifact');
      next++;
    }
    const changed = b[next++] ?? '';
    const image = IMAGE.exec(line)?.[1];
    const pinned = IMAGE.exec(changed)?.[1];
    const kind = image === undefined || pinned === undefined ? otherKind(line, changed) : kindOf(image, pinned);
    if (kind === undefined) continue;
    add(kind);
    if (kind === 'wrong' || kind === 'other')
      console.log(`  ${file}: ${kind}:\n    ${line.trim()}\n    ${changed.trim()}`);
    else if (kind === 'unpinned' && process.env['VERBOSE']) console.log(`  ${file}: unpinned: ${line.trim()}`);
    if (kind === 'other') return;
  }
}

/** A number in quotes needs none once a digest stands behind it. */
function otherKind(line: string, changed: string): string | undefined {
  return stripped(changed) === stripped(line) ? undefined : 'other';
}

function kindOf(image: string, pinned: string): string {
  const reference = parseReference(image);
  if (reference instanceof Problem) return image === pinned ? 'unpinned' : 'wrong';
  if (reference.digest !== undefined) return image === pinned ? 'right' : 'wrong';
  if (image === pinned) return 'unpinned';
  const now = parseReference(pinned);
  if (now instanceof Problem) return 'wrong';
  const path = reference.registry === 'docker.io' ? reference.repository : reference.repository;
  const expected = digestFor(`/v2/${path}/manifests/${reference.tag ?? 'latest'}`);
  const named = now.registry === reference.registry && now.repository === reference.repository;
  return named && now.digest === expected ? 'right' : 'wrong';
}

function kustomize(root: string, folder: string): string | undefined {
  return rendered('kustomize', ['build', '--load-restrictor', 'LoadRestrictionsNone', join(root, folder)]);
}

function helm(root: string, folder: string): string | undefined {
  const output = rendered('helm', ['template', 'release', join(root, folder)]);
  // Checksums of configuration and generated secrets differ from run to run.
  return output?.replaceAll(/^.*(?:checksum\/|caBundle|tls\.|password|token|secret).*$/gim, '');
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

function stripped(line: string): string {
  return line.replaceAll(/@?(?:sha256:)?[0-9a-f]{64}|["']/g, '');
}
