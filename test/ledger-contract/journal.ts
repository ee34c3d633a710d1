// Contract: the journal is append-only and whole, and `verify` finds every change to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerEvent } from '../../src/ledger/event.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { A, at, B, closing, entriesOf, evidence, type Open, replayed, run, type Tamper, tag } from './events.ts';

/** What somebody does to a database, and what `verify` must say about it. */
const TAMPERINGS: readonly [name: string, statements: string[], seq: number, reason: RegExp][] = [
  [
    'a changed body',
    [`update event set body = replace(body, 'nginx', 'evil') where seq = 3`],
    3,
    /its hash does not match/,
  ],
  ['a changed time', [`update event set at = '2026-01-01T00:00:00.000Z' where seq = 5`], 5, /its hash does not match/],
  ['a changed hash', [`update event set hash = 'sha256:0' where seq = 2`], 2, /its hash does not match/],
  ['a missing entry', ['delete from event where seq = 2'], 3, /entry 2 is missing/],
  ['a missing beginning', ['delete from event where seq <= 3'], 4, /entry 1 is missing/],
  [
    'a missing beginning with a forged base',
    [
      'delete from base',
      'insert into base (id, seq, hash) select 1, seq, hash from event where seq = 3',
      'delete from event where seq <= 3',
    ],
    4,
    /entries before it are missing, and no compaction removed them/,
  ],
  ['a missing end', ['delete from event where seq = 8'], 8, /entries up to 8 were written, and are missing/],
  [
    'a missing end with an older head',
    ['delete from event where seq = 8', 'update head set seq = 7'],
    8,
    /are missing/,
  ],
  ['nothing left', ['delete from event'], 1, /entries up to 8 were written/],
  ['a head with another number', ['update head set seq = 12'], 9, /entries up to 12 were written/],
  ['a head with another hash', [`update head set hash = 'sha256:0'`], 9, /are missing/],
  [
    'two entries in another order',
    [
      'update event set seq = 100 where seq = 4',
      'update event set seq = 4 where seq = 5',
      'update event set seq = 5 where seq = 100',
    ],
    4,
    /its hash does not match/,
  ],
  [
    'an inserted copy',
    [
      `insert into event (seq, at, body, hash) select 9, at, body, hash from event where seq = 8`,
      'update head set seq = 9',
    ],
    9,
    /its hash does not match/,
  ],
];

export function journalContract(open: Open, tamper: Tamper): void {
  const filled = async () => {
    const ledger = await open();
    await ledger.append([tag(A), run(A, 3)], at(0));
    await ledger.append([tag(B)], at(10));
    await ledger.append([run(B, 1, { actor: 'kubectl' }), run(A, 2)], at(20));
    await ledger.append([run(A, 0), run(B, 3)], at(30));
    await ledger.append([tag(null)], at(40));
    return ledger;
  };
  const tamperWith = async (ledger: Ledger, statements: readonly string[]) => {
    for (const statement of statements) await tamper(ledger, statement);
  };

  test('an untouched journal is intact', async () => {
    const [ledger, empty] = [await filled(), await open()];
    await closing([ledger, empty], async () => {
      const { count, head, broken } = await ledger.verify();
      assert.deepEqual([count, head, broken], [8, (await entriesOf(ledger)).at(-1)?.hash, undefined]);
      assert.deepEqual((await empty.verify()).broken, undefined);
    });
  });

  for (const [name, statements, seq, reason] of TAMPERINGS)
    test(`verify finds ${name}`, async () => {
      const ledger = await filled();
      await tamperWith(ledger, statements);
      await closing([ledger], async () => {
        const { broken } = await ledger.verify();
        assert.equal(broken?.seq, seq);
        assert.match(broken?.reason ?? '', reason);
      });
    });

  test('the beginning after a compaction counts only at the entry that the compaction names', async () => {
    const ledger = await filled();
    await closing([ledger], async () => {
      await ledger.compact(at(15), at(100));
      const base = await ledger.base();
      assert.equal(base.seq, 3);
      assert.equal((await ledger.verify()).broken, undefined);
      await tamperWith(ledger, [
        `update base set seq = 4, hash = (select hash from event where seq = 4)`,
        'delete from event where seq = 4',
      ]);
      assert.match((await ledger.verify()).broken?.reason ?? '', /no compaction removed them/);
    });
  });

  test('an export and a restore give the same journal, and appending continues the chain', async () => {
    const from = await filled();
    const to = await replayed(open, from);
    await closing([from, to], async () => {
      assert.deepEqual(await to.verify(), await from.verify());
      const next = [await from.append([tag(A)], at(50)), await to.append([tag(A)], at(50))];
      assert.deepEqual(next[1], next[0]);
      assert.equal(next[0]?.[0]?.seq, 9);
    });
  });

  const OPEN_INTERVALS = [
    `tag_interval (registry, repository, tag, digest, since, source)
      values ('docker.io', 'library/nginx', '1.27', null, 'x', 'poll')`,
    `run_interval (cluster, namespace, kind, name, container, type, image, digest, pods, since)
      values ('prod', 'shop', 'Deployment', 'web', 'c', 'container', 'nginx:1.27', '${B}', 1, 'x')`,
    `evidence_interval (registry, repository, digest, outcome, signers, reason, policy, source, since)
      values ('docker.io', 'library/nginx', '${A}', 'deny', '[]', '', '', 'watcher', 'x')`,
  ];
  for (const row of OPEN_INTERVALS)
    test(`the database itself refuses a second open row in ${row.split(' ')[0]}`, async () => {
      const ledger = await filled();
      await ledger.append([evidence('allow')], at(50));
      await closing([ledger], async () => {
        await assert.rejects(tamper(ledger, `insert into ${row}`), /unique/i);
      });
    });

  test('a batch is appended whole or not at all', async () => {
    const ledger = await filled();
    await closing([ledger], async () => {
      const broken = { kind: 'run', digest: A } as unknown as LedgerEvent;
      await assert.rejects(ledger.append([tag(A), broken], at(60)));
      assert.equal((await ledger.verify()).count, 8);
      assert.equal((await ledger.tagHistory('docker.io', 'library/nginx', '1.27'))[0]?.digest, null);
    });
  });

  test('many writers at once: numbers without gaps, a chain without forks', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          ledger.append([tag(A, { tag: `t${i}` }), run(A, 1, { container: `c${i}` })]),
        ),
      );
      assert.deepEqual(await ledger.verify().then(({ count, broken }) => [count, broken]), [40, undefined]);
    });
  });
}
