// Debian's PostgreSQL for a test: started, stopped as hard as it can be, started again.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, globSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { atEnd, freePort } from './suite.ts';

// Debian keeps the server's programs off the PATH.
const [initdb] = globSync('/usr/lib/postgresql/*/bin/initdb');
if (initdb !== undefined) process.env['PATH'] = `${process.env['PATH']}:${dirname(initdb)}`;
/** PostgreSQL refuses to run as root; then it runs as nobody. */
const NOBODY = 65_534;

export type Postgres = {
  readonly url: (database: string) => string;
  readonly query: (database: string, text: string) => Promise<void>;
  readonly start: () => Promise<void>;
  /** As a power cut would. */
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
    await client.connect();
    await client.query(text);
    await client.end();
  }
  let child: ChildProcess | undefined;
  const start = async () => {
    const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data];
    child = spawn('postgres', args, { ...as, stdio: 'ignore', cwd: data });
    for (let i = 0; ; i++) {
      try {
        return await query('postgres', 'select 1');
      } catch (error) {
        if (i > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  const kill = async () => {
    const exit = new Promise((resolve) => child?.once('exit', resolve));
    // Its own word for "at once, without any tidying": what was acknowledged must be in its log.
    child?.kill('SIGQUIT');
    await exit;
  };
  atEnd(() => child?.kill('SIGKILL'));
  await start();
  return { url, query, start, kill };
}
