// A ledger in a file, and what can happen to it: kill -9, a full disk, damage, another version.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { sqliteLedgers } from '../../test/ledger-contract/sqlite.ts';
import { openLedger } from './open.ts';

const { folder } = sqliteLedgers();

test('kill -9 at any moment: acknowledged entries are there, and the chain is intact', {
  timeout: 60_000,
}, async () => {
  const path = join(folder, 'killed.db');
  let acknowledged = 0;
  for (let round = 0; round < 8; round++) {
    const script = `
      import { openLedger } from ${JSON.stringify(join(import.meta.dirname, 'open.ts'))};
      const ledger = await openLedger(${JSON.stringify(path)});
      for (let i = 0; ; i++) {
        const entries = await ledger.append([{ kind: 'tag', registry: 'r', repository: 'x', tag: 't', digest: 'sha256:' + String(i % 10).repeat(64), source: 'poll' }]);
        process.stdout.write(entries.at(-1).seq + '\\n');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    await new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        if (text.length > 5) setTimeout(() => child.kill('SIGKILL'), Math.random() * 50);
      });
      child.once('close', () => resolve());
    });
    // The last line may be incomplete.
    acknowledged = Math.max(acknowledged, ...text.split('\n').slice(0, -1).map(Number));
    const ledger = await openLedger(path);
    const { count, broken } = await ledger.verify();
    await ledger.close();
    assert.equal(broken, undefined);
    assert.ok(count >= acknowledged, `${acknowledged} were acknowledged, ${count} are there`);
  }
});

test('a full disk: reported, and acknowledged entries are there when there is room again', {
  timeout: 60_000,
}, async () => {
  const path = join(folder, 'full.db');
  await (await openLedger(path)).close();
  const script = `
    import { openLedger } from ${JSON.stringify(join(import.meta.dirname, 'open.ts'))};
    const ledger = await openLedger(${JSON.stringify(path)});
    let count = 0;
    try {
      for (;;) {
        await ledger.append([{ kind: 'tag', registry: 'r', repository: 'x', tag: 't' + count, digest: 'sha256:' + '0'.repeat(64), source: 'poll' }]);
        count++;
      }
    } catch (error) {
      process.stdout.write(JSON.stringify({ count, message: error.message }));
    }`;
  // A limit on file sizes, in blocks of 512 bytes, looks like a full disk to the database.
  const shell = 'trap "" XFSZ; ulimit -f 1200; exec "$0" "$@"';
  const out = execFileSync('sh', ['-c', shell, process.execPath, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { count: acknowledged, message } = JSON.parse(out.toString()) as { count: number; message: string };
  assert.ok(acknowledged > 10, message);
  assert.match(message, /full|disk I\/O/);
  const ledger = await openLedger(path);
  assert.deepEqual(await ledger.verify().then(({ count: kept, broken }) => [kept >= acknowledged, broken]), [
    true,
    undefined,
  ]);
  await ledger.append([{ kind: 'tag', registry: 'r', repository: 'x', tag: 'after', digest: null, source: 'poll' }]);
  await ledger.close();
});

test('a file that is not a ledger, or is damaged, is reported and left as it is', async () => {
  const other = join(folder, 'other.db');
  writeFileSync(other, 'this is text and not a database, long enough to be read'.repeat(20));
  await assert.rejects(openLedger(other), /other\.db: not a ledger, or damaged: keep the file/);
  const damaged = join(folder, 'damaged.db');
  await (await openLedger(damaged)).close();
  truncateSync(damaged, 5000);
  await assert.rejects(openLedger(damaged).then((ledger) => ledger.verify()));
  await assert.rejects(openLedger(join(folder, 'no', 'such', 'folder.db')), /folder\.db/);
});

test('a ledger of the first version is migrated and keeps its data', async () => {
  const path = join(folder, 'first.db');
  cpSync(join(import.meta.dirname, '../../test/ledgers/version-1.db'), path);
  const ledger = await openLedger(path);
  assert.deepEqual(await ledger.verify().then(({ count: entries, broken }) => [entries, broken]), [200, undefined]);
  const moment = '2026-11-20T00:50:30.000Z';
  const then = await ledger.at(new Date(moment));
  assert.equal(then.length, 10);
  assert.ok(then.every(({ since, until }) => since <= moment && until !== null && until > moment));
  assert.equal((await ledger.open('prod')).length, 10);
  await ledger.close();
});

test('a ledger of a newer tagproof is left as it is', async () => {
  const path = join(folder, 'newer.db');
  await (await openLedger(path)).close();
  const database = new DatabaseSync(path);
  database.exec('insert into migration (version) values (99)');
  database.close();
  await assert.rejects(openLedger(path), /its version is 99, and this tagproof supports up to 3/);
});

test('a database that does not answer is unreachable, and no message shows its password', async () => {
  for (const url of [
    'postgres://user:secret@127.0.0.1:1/x',
    'postgresql://user:secret@127.0.0.1:1/x',
    'postgres://127.0.0.1:1/x?user=u&password=secret',
  ])
    await assert.rejects(openLedger(url), (error) => {
      assert.match(String(error), /^postgres(ql)?:\/\/127\.0\.0\.1:1\/x: the database does not answer: /);
      assert.doesNotMatch(JSON.stringify(error), /secret/);
      return (error as { code?: string }).code === 'unreachable';
    });
});
