// Suites against real programs: they run where the programs are installed, and are skipped with
// their names elsewhere. TAGPROOF_REQUIRE_REAL=1 (set by .ci/run) makes a missing program a
// failure.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from '../../src/kube/local.ts';

export { freePort };

/**
 * What ends with the suite; node:test's own `after` would run at the end of the hook that calls it.
 */
const cleanups: (() => unknown)[] = [];
/**
 * Servers that were started; they end with the process too, where the suite does not reach its end.
 */
const servers = new Set<ChildProcess>();
process.once('exit', () => {
  for (const server of servers) server.kill('SIGKILL');
});

/** Writes a tree of files, by their paths below the folder. */
export function writeTree(folder: string, files: Iterable<readonly [path: string, text: string]>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

export function atEnd(cleanup: () => unknown): void {
  cleanups.unshift(cleanup);
}

/**
 * Runs them all, the last one first: one that fails must not leave the servers of the others
 * running.
 */
async function cleanUp(): Promise<void> {
  const errors: unknown[] = [];
  for (const cleanup of cleanups.splice(0)) {
    try {
      await cleanup();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, `cleaning up after the suite: ${errors.join('; ')}`);
}

/** @param needs programs on the PATH; @param seconds for all of it */
export function suite(name: string, needs: readonly string[], body: () => void, seconds = 180): void {
  const missing = needs.filter((program) => !isInstalled(program));
  if (missing.length === 0) {
    return void describe(name, { timeout: seconds * 1000 }, () => {
      after(cleanUp);
      body();
    });
  }
  const reason = `not on this machine: ${missing.join(', ')}`;
  if (process.env['TAGPROOF_REQUIRE_REAL']) return void test(name, () => assert.fail(reason));
  test(name, { skip: reason }, () => {});
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A folder that is removed when the suite ends. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-real-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a server that ends with the suite, and waits until `ready` does not throw. */
export async function start(
  program: string,
  args: string[],
  ready: () => Promise<unknown>,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk) => (log = (log + chunk).slice(-4000)));
  servers.add(child);
  child.once('exit', () => servers.delete(child));
  atEnd(() => child.kill('SIGKILL'));
  for (let attempt = 0; ; attempt++) {
    try {
      await ready();
      return;
    } catch (error) {
      if (attempt > 100 || child.exitCode !== null) throw new Error(`${program} did not start: ${error}\n${log}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Runs a program to its end. It does not block, because servers may live in this process. */
export async function command(program: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 120_000,
    env,
  });
  return stdout;
}

/** Makes NAME.pem and NAME.key in the folder: a self-signed certificate for localhost. */
export async function certificate(folder: string, name: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  await command('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  return { cert, key };
}

/**
 * Starts Debian's docker-registry on a free port; registries of one folder share their data.
 * @returns its host
 */
export async function dockerRegistry(folder: string, settings: { auth?: string; tls?: string } = {}): Promise<string> {
  const port = await freePort();
  const config = join(folder, `registry-${port}.yml`);
  const storage = `{filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}`;
  const http = `{addr: "127.0.0.1:${port}"${settings.tls ?? ''}}`;
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: ${storage}\nhttp: ${http}\n${settings.auth ?? ''}`,
  );
  const ready = () => fetch(`http://127.0.0.1:${port}/v2/`).then((response) => response.body?.cancel());
  await start('docker-registry', ['serve', config], ready);
  return `localhost:${port}`;
}

/**
 * Builds and starts go-containerregistry's registry, which has the referrers API. Needs go.
 * @returns its host
 */
export async function referrersRegistry(folder: string): Promise<string> {
  const source = join(import.meta.dirname, 'referrers-registry');
  const program = join(folder, 'referrers-registry');
  await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd: source, timeout: 170_000 });
  const port = await freePort();
  const ready = () => fetch(`http://127.0.0.1:${port}/v2/`).then((response) => response.body?.cancel());
  await start(program, [`127.0.0.1:${port}`], ready);
  return `localhost:${port}`;
}
