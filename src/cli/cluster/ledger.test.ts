// tagproof ledger: verify, export, import and compact, as a user runs them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { A, at, B, block, run, tag } from '../../../test/ledger-contract/events.ts';
import { answersOf } from '../../../test/ledger-contract/tables.ts';
import { openLedger } from '../../ledger/open.ts';

const MAIN = resolve('src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'tagproof-ledger-command-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

function tagproof(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' };
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: folder, env }, (error, out, err) =>
      done({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}

let exported = '';
before(async () => {
  const ledger = await openLedger(file('tagproof.db'));
  await ledger.append([tag(A), run(A, 2), block([B])], at(0));
  await ledger.append([tag(B), run(A, 0), run(B, 1)], at(60));
  await ledger.close();
  exported = (await tagproof('ledger', 'export')).out;
});

test('verify: an intact ledger, and one with a changed entry', async () => {
  const intact = await tagproof('ledger', 'verify');
  assert.equal(intact.code, 0);
  assert.match(intact.out, /6 entries, each as it was written; the last is sha256:[0-9a-f]{64}/);
  await tagproof('ledger', 'import', writeLines('all.jsonl', exported), '--ledger', 'changed.db');
  const database = new DatabaseSync(file('changed.db'));
  database.exec(`update event set body = replace(body, 'prod', 'test') where seq = 5`);
  database.close();
  const changed = await tagproof('ledger', 'verify', '--ledger', 'changed.db');
  assert.equal(changed.code, 1);
  assert.match(changed.out, /changed\.db: entry 5: it was changed after it was written/);
  assert.match(changed.out, /4 entries intact, then the chain is broken/);
});

test('export and import give the same answers; a second import is refused', async () => {
  const lines = writeLines('copy.jsonl', exported);
  assert.equal((await tagproof('ledger', 'import', lines, '--ledger', 'copy.db')).code, 0);
  const [from, to] = [await openLedger(file('tagproof.db')), await openLedger(file('copy.db'))];
  assert.deepEqual(await answersOf(to, [at(30), at(90)]), await answersOf(from, [at(30), at(90)]));
  assert.deepEqual(await to.verify(), await from.verify());
  await from.close();
  await to.close();
  const again = await tagproof('ledger', 'import', lines, '--ledger', 'copy.db');
  assert.equal(again.code, 2);
  assert.match(again.err, /the ledger is not empty/);
});

for (const [name, change, message] of [
  [
    'a changed line',
    (lines: string[]) => lines.with(2, lines[2]?.replace('evil', 'fine') ?? ''),
    /:3: the chain is broken here/,
  ],
  ['a missing line', (lines: string[]) => lines.toSpliced(2, 1), /:3: the chain is broken here/],
  ['a missing beginning', (lines: string[]) => lines.slice(1), /:1: the chain is broken here/],
  ['lines in another order', (lines: string[]) => [lines[1] ?? '', lines[0] ?? '', ...lines.slice(2)], /:1: the chain/],
  [
    'a line that is not an entry',
    (lines: string[]) => ['{"seq":1}', ...lines],
    /:1: expected a line that tagproof ledger export wrote/,
  ],
  ['a line that is not JSON', (lines: string[]) => ['hello', ...lines], /:1: expected a line/],
] as const)
  test(`import refuses ${name}, with its line`, async () => {
    const target = `${name.replaceAll(' ', '-')}.db`;
    const lines = writeLines(`${target}.jsonl`, change(exported.trim().split('\n')).join('\n'));
    const { code, err } = await tagproof('ledger', 'import', lines, '--ledger', target);
    assert.equal(code, 2);
    assert.match(err, message);
    const ledger = await openLedger(file(target));
    assert.deepEqual(await ledger.extent(), { count: 0, since: undefined });
    await ledger.close();
  });

test('compact removes what ended before, and an export of the rest is imported with its base', async () => {
  const lines = writeLines('whole.jsonl', exported);
  await tagproof('ledger', 'import', lines, '--ledger', 'compacted.db');
  const young = await tagproof('ledger', 'compact', '--older-than', '9999d', '--ledger', 'compacted.db');
  assert.match(young.out, /nothing is that old/);
  // The entries are of November 2026: the cut is between them.
  const ledger = await openLedger(file('compacted.db'));
  assert.equal(await ledger.compact(at(30)), 3);
  await ledger.close();
  const rest = (await tagproof('ledger', 'export', '--ledger', 'compacted.db')).out;
  assert.deepEqual(Object.keys(JSON.parse(rest.split('\n')[0] ?? '')), ['base']);
  const imported = await tagproof('ledger', 'import', writeLines('rest.jsonl', rest), '--ledger', 'rest.db');
  assert.equal(imported.code, 0, imported.err);
  assert.equal((await tagproof('ledger', 'verify', '--ledger', 'rest.db')).code, 0);
});

test('usage: what is missing is named', async () => {
  assert.match((await tagproof('ledger', 'compact')).err, /expected --older-than DURATION/);
  assert.match((await tagproof('ledger', 'import', '--ledger', 'x.db')).err, /expected the file to import/);
  assert.equal((await tagproof('ledger', 'forget')).code, 2);
});

test('where no record exists, the command says how much there is', async () => {
  const { code, out } = await tagproof('history', 'shop/Deployment/other');
  assert.equal(code, 0);
  assert.match(out, /no record of shop\/Deployment\/other in tagproof\.db \(6 entries since 2026-11-24T12:00:00Z\)/);
  assert.match(
    (await tagproof('where', `sha256:${'0'.repeat(64)}`)).out,
    /no record of a container that ran sha256:0+ in tagproof\.db/,
  );
  assert.match(
    (await tagproof('status', '--at', '2020-01-01T00:00:00Z')).out,
    /no record of a container that ran at 2020-01-01T00:00:00Z in/,
  );
});

function writeLines(name: string, text: string): string {
  writeFileSync(file(name), text);
  return name;
}
