// The ledger in Debian's PostgreSQL: the same contract as in a file, and several writers at once.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, globSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import pg from 'pg';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { ledgerContract } from '../ledger.ts';
import { knowledgeContract } from '../ledger-knowledge.ts';
import { atEnd, freePort, scratch, suite } from './suite.ts';

// Debian keeps the server's programs off the PATH.
const [initdb] = globSync('/usr/lib/postgresql/*/bin/initdb');
if (initdb !== undefined) process.env['PATH'] = `${process.env['PATH']}:${dirname(initdb)}`;
/** PostgreSQL refuses to run as root; then it runs as nobody. */
const NOBODY = 65_534;

suite('the ledger in PostgreSQL', ['initdb', 'postgres'], () => {
  const folder = scratch();
  const data = join(folder, 'data');
  let port = 0;
  let count = 0;
  const names = new WeakMap<Ledger, string>();
  const url = (name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`;

  async function query(database: string, text: string): Promise<void> {
    const client = new pg.Client({ connectionString: url(database) });
    await client.connect();
    await client.query(text);
    await client.end();
  }

  before(async () => {
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
    port = await freePort();
    const child = spawn('postgres', ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data, '-F'], {
      ...as,
      stdio: 'ignore',
      cwd: data,
    });
    atEnd(() => child.kill('SIGKILL'));
    for (let i = 0; ; i++) {
      try {
        await query('postgres', 'select 1');
        return;
      } catch (error) {
        if (i > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  });

  async function open(): Promise<Ledger> {
    const name = `ledger${count++}`;
    await query('postgres', `create database ${name}`);
    const ledger = await openLedger(url(name));
    names.set(ledger, name);
    return ledger;
  }

  knowledgeContract(open);
  ledgerContract(open, (ledger, statement) => query(names.get(ledger) as string, statement));

  test('several writers: one chain, no forks, nothing lost', async () => {
    const first = await open();
    const others = await Promise.all([1, 2, 3].map(() => openLedger(url(names.get(first) as string))));
    const writers = [first, ...others];
    await Promise.all(
      writers.flatMap((ledger, w) =>
        Array.from({ length: 25 }, (_, i) =>
          ledger.append([
            {
              kind: 'tag',
              registry: 'r',
              repository: 'x',
              tag: `t${w}-${i}`,
              digest: `sha256:${'a'.repeat(64)}`,
              source: 'poll',
            },
          ]),
        ),
      ),
    );
    assert.deepEqual(await first.verify().then(({ count: all, broken }) => [all, broken]), [100, undefined]);
    await Promise.all(writers.map((ledger) => ledger.close()));
  });

  test('a password is never told', async () => {
    await assert.rejects(openLedger('postgres://user:secret@127.0.0.1:1/x'), (error) => !/secret/.test(String(error)));
  });
});
