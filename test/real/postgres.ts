// Debian's PostgreSQL for a test: started, killed without warning, started again.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, globSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { atEnd, freePort } from './suite.ts';

// Debian installs the server's programs outside the PATH.
const [initdb] = globSync('/usr/lib/postgresql/*/bin/initdb');
if (initdb !== undefined) process.env['PATH'] = `${process.env['PATH']}:${dirname(initdb)}`;
/** PostgreSQL refuses to run as root. Root runs it as nobody. */
const NOBODY = 65_534;
/** A machine under load may replay the log for a while after a kill. */
const START_MS = 60_000;

export type Postgres = {
  readonly url: (database: string) => string;
  readonly query: (database: string, text: string) => Promise<void>;
  /** @returns when it accepts connections */
  readonly start: () => Promise<void>;
  /** Ends it without a shutdown, as a power cut would. */
  readonly kill: () => Promise<void>;
};

export async function startPostgres(folder: string): Promise<Postgres> {
  const data = join(folder, 'data');
  const root = process.getuid?.() === 0;
  const as = root ? { uid: NOBODY, gid: NOBODY } : {};
  chmodSync(folder, 0o755);
  mkdirSync(data);
  if (root) chownSync(data, NOBODY, NOBODY);
  execFileSync('initdb', ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync'], {
    ...as,
    stdio: 'ignore',
    cwd: data,
  });
  const port = await freePort();
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;

  async function queryOnce(database: string, text: string): Promise<void> {
    const client = new pg.Client({ connectionString: url(database) });
    // Without a listener a lost connection would end the whole test process.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(text);
    } finally {
      await client.end();
    }
  }

  const query = (database: string, text: string) => untilUp(() => queryOnce(database, text));

  let child: ChildProcess | undefined;
  function spawnServer(): void {
    const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data];
    child = spawn('postgres', args, { ...as, stdio: 'ignore', cwd: data });
  }
  const start = async () => {
    spawnServer();
    await untilUp(() => {
      // It ends at once where processes of the killed server still hold its memory.
      if (child?.exitCode !== null || child.signalCode !== null) spawnServer();
      return queryOnce('postgres', 'select 1');
    });
  };
  const kill = async () => {
    const exit = new Promise((resolve) => child?.once('exit', resolve));
    // PostgreSQL's own signal for "at once, without any tidying": what was acknowledged must be in
    // its log.
    child?.kill('SIGQUIT');
    await exit;
  };
  atEnd(() => child?.kill('SIGKILL'));
  await start();
  return { url, query, start, kill };
}

/** Tries again while the server is away: nothing listens, or it does and is not ready. */
async function untilUp(attempt: () => Promise<void>): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isOutage(error) || Date.now() > end) throw error;
      await sleep(100);
    }
  }
}

/** 57P01 to 57P03: shutting down, crashed, not yet accepting connections. */
function isOutage(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (
    /^(?:57P0[123]|ECONNREFUSED|ECONNRESET|EPIPE)$/.test(code ?? '') || /terminated unexpectedly/.test(message ?? '')
  );
}
