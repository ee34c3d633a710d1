// The release as npm packs it: installable elsewhere without a registry, runnable by both of its names.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-package-'));
after(() => rmSync(folder, { recursive: true }));

const run = (program: string, args: string[], cwd = folder) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] });

test('npm pack gives a package that installs offline and runs', () => {
  run(process.execPath, ['build.ts'], resolve('.'));
  run('npm', ['pack', resolve('dist'), '--silent', '--pack-destination', folder], resolve('.'));
  const [tarball] = globSync(join(folder, '*.tgz'));
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--silent', '--prefix', folder, tarball as string]);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const name of ['tagproof', 'kubectl-tagproof']) {
    assert.equal(run(process.execPath, [join(folder, 'node_modules/.bin', name), '--version']).trim(), version);
  }
  writeFileSync(join(folder, 'Dockerfile'), 'FROM alpine:3\n');
  // Work for more than a moment: the bundle's own worker threads join in.
  const pods = Array.from(
    { length: 1000 },
    (_, i) => `apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "a:${i}"}]}\n`,
  ).join('---\n');
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `${i}.yaml`), pods);
  const scan = () => {
    try {
      return run(process.execPath, [join(folder, 'node_modules/tagproof/main.js'), 'scan', '-o', 'json']);
    } catch (error) {
      return (error as { stdout: string }).stdout; // exit code 1: findings
    }
  };
  assert.equal(JSON.parse(scan()).counts.tag, 300_001);
  const main = join(folder, 'node_modules/tagproof/main.js');
  assert.match(run(process.execPath, [main, 'demo']), /pinned 11 images/);
  // The trust root is in the package, no file beside it.
  assert.match(run(process.execPath, [main, 'trust', 'show']), /https:\/\/rekor\.sigstore\.dev/);
  // What is loaded only when it is used: Node's own parts by name, the official Kubernetes client, the dashboard.
  assert.match(run(process.execPath, [main, 'ledger', 'verify']), /0 entries/);
  assert.throws(() => run(process.execPath, [main, 'status', '--kubeconfig', 'gone']), /gone: ENOENT/);
  assert.ok(existsSync(join(folder, 'node_modules/tagproof/web/app.js')));
});
