// Holds and the blocklist, as the ledger has them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, withLedger } from '../../test/watcher-fixtures.ts';
import type { RollbackEvent } from '../ledger/event.ts';
import { Overrides } from './overrides.ts';

const rollback = (cluster: string | null, name: string): RollbackEvent => ({
  kind: 'rollback',
  cluster,
  namespace: 'shop',
  workload: { kind: 'Deployment', name },
  container: 'c',
  image: 'web:v1',
  digest: A,
  reason: 'v2 leaks',
  by: 'ann',
  way: 'cluster',
});
const container = (cluster: string, name = 'web') => ({
  cluster,
  namespace: 'shop',
  kind: 'Deployment',
  name,
  container: 'c',
});

test(
  'a hold is of its cluster, or of all where it names none; of its container only',
  withLedger(async (ledger) => {
    await ledger.append([rollback('prod', 'web'), rollback(null, 'api')]);
    const overrides = new Overrides(ledger);
    assert.equal(overrides.hold(container('prod')), undefined, 'nothing before it is read');
    await overrides.read();
    assert.equal(overrides.hold(container('prod'))?.reason, 'v2 leaks');
    assert.equal(overrides.hold(container('lab')), undefined);
    assert.equal(overrides.hold(container('lab', 'api'))?.digest, A);
    assert.equal(overrides.hold({ ...container('prod'), container: 'sidecar' }), undefined);
  }),
);

test(
  'the blocklist says why; what another process adds is there after the next read',
  withLedger(async (ledger) => {
    const overrides = new Overrides(ledger);
    await overrides.read();
    await ledger.append([{ kind: 'block', digests: [B], reason: 'it leaks', by: 'ann' }]);
    assert.equal(overrides.blocked(B), undefined);
    await overrides.read();
    assert.deepEqual([overrides.blocked(B), overrides.blocked(A)], ['it leaks', undefined]);
  }),
);

test(
  'while the ledger does not answer, what was read stays in force: a blocked image is never unblocked by an outage',
  withLedger(async (ledger) => {
    const overrides = new Overrides(ledger);
    await ledger.append([rollback('prod', 'web'), { kind: 'block', digests: [B], reason: 'it leaks', by: 'ann' }]);
    await overrides.read();
    ledger.statements.blocklist = async () => {
      throw new Error('the database is gone');
    };
    await assert.rejects(overrides.read());
    assert.equal(overrides.blocked(B), 'it leaks');
    assert.equal(overrides.hold(container('prod'))?.digest, A);
  }),
);
