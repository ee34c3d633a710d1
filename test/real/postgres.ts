// Debian's PostgreSQL for a test: started, killed, started again.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, globSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { atEnd, freePort } from './suite.ts';

// Debian installs the server's programs outside the PATH.
const [initdb] = globSync('/usr/lib/postgresql/*/bin/initdb');
if (initdb !== undefined) process.env['PATH'] = `${process.env['PATH']}:${dirname(initdb)}`;
/** PostgreSQL refuses to run as root. Root runs it as nobody. */
const NOBODY = 65_534;

/** A limit and no expectation: a loaded machine takes long to recover a killed server. */
const START_MS = 60_000;

export type Postgres = {
  readonly url: (database: string) => string;
  readonly query: (database: string, text: string) => Promise<void>;
  /** Waits until it accepts connections. */
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
  async function query(database: string, text: string): Promise<void> {
    const client = new pg.Client({ connectionString: url(database) });
    client.on('error', () => {}); // the server may be killed meanwhile: the query fails
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  }
  let child: ChildProcess | undefined;
  const start = async () => {
    const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data];
    const server = spawn('postgres', args, { ...as, stdio: ['ignore', 'ignore', 'pipe'], cwd: data });
    child = server;
    let log = '';
    server.stderr.setEncoding('utf8').on('data', (chunk) => (log = (log + chunk).slice(-4000)));
    for (const limit = Date.now() + START_MS; ; ) {
      try {
        return await query('postgres', 'select 1');
      } catch (error) {
        const ended = server.exitCode !== null || server.signalCode !== null;
        if (ended || Date.now() > limit) throw new Error(`postgres did not start: ${error}\n${log}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  const kill = async () => {
    const exit = new Promise((resolve) => child?.once('exit', resolve));
    // PostgreSQL's signal for an immediate shutdown: it writes nothing more, so that only its log
    // is left.
    child?.kill('SIGQUIT');
    await exit;
  };
  atEnd(() => child?.kill('SIGKILL'));
  await start();
  return { url, query, start, kill };
}
