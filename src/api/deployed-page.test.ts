// Pages of what is deployed: order, ends, filters, words and counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deployedRow, identifiedAs } from '../../test/deployed.ts';
import { A } from '../../test/watcher-fixtures.ts';
import type { DeployedContainer } from '../inventory/deployed.ts';
import { pageOf } from './deployed-page.ts';

const rowOf = (i: number, more: Partial<DeployedContainer> = {}): DeployedContainer =>
  deployedRow(`web-${String(i).padStart(4, '0')}`, A, {
    namespace: i % 2 === 0 ? 'shop' : 'lab',
    declared: [`ghcr.io/org/web${i}:v1`],
    ...more,
  });
const page = (rows: readonly DeployedContainer[], query: Record<string, string> = {}) =>
  pageOf(
    {
      deployed: () => rows,
      synced: true,
      clusters: [],
      hasPolicy: false,
      freshness: { lateMs: 0, tags: 0, fresh: 0, objectiveMs: 0 },
    },
    new URLSearchParams(query),
    new Date('2026-11-24T00:00:00Z'),
  );
const ROWS = Array.from({ length: 250 }, (_, i) =>
  rowOf(i, i % 10 === 0 ? { running: [identifiedAs(A, { state: 'moved', now: A })] } : {}),
).reverse();

test('following `after` gives every row once, in order, whatever the page size and the order of the source', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 30 }), (count, limit) => {
      const rows = ROWS.slice(0, count);
      const names: string[] = [];
      let after: string | undefined;
      do {
        const found = page(rows, { limit: String(limit), ...(after !== undefined && { after }) });
        assert.ok(found.items.length <= limit);
        assert.ok(found.items.length > 0, 'there is no empty page');
        names.push(...found.items.map(({ namespace, name }) => `${namespace}/${name}`));
        after = found.after;
      } while (after !== undefined);
      assert.deepEqual(names, rows.map(({ namespace, name }) => `${namespace}/${name}`).sort());
    }),
  );
});

test('the page size is a hundred, and a thousand at most', () => {
  const many = Array.from({ length: 1200 }, (_, i) => rowOf(i));
  const sizes = [undefined, '1000', '5000', '0', '-3', 'x', '1'].map(
    (limit) => page(many, limit === undefined ? {} : { limit }).items.length,
  );
  assert.deepEqual(sizes, [100, 1000, 1000, 100, 1, 100, 1]);
});

test('a filter chooses; the counts are of everything that matches the rest of the query', () => {
  const found = page(ROWS, { filter: 'moved', namespace: 'shop' });
  assert.deepEqual([found.total, found.all, found.counts.moved, found.counts.unpinned], [25, 125, 25, 125]);
  assert.ok(found.items.every(({ namespace }) => namespace === 'shop'));
  assert.throws(() => page(ROWS, { filter: 'nonsense' }), /expected one of unpinned, moved/);
  assert.throws(() => page(ROWS, { filter: 'constructor' }), /expected one of/);
});

test('words must all occur, in any case, in workload, container, image or digest', () => {
  const total = (q: string) => page(ROWS, { q }).total;
  assert.equal(total('web-0007'), 1);
  assert.equal(total('WEB7:v1 lab'), 1);
  assert.equal(total('web7:v1 shop'), 0);
  assert.equal(total('shop/Deployment/web-0008'), 1);
  assert.equal(total(A.slice(0, 20)), 250);
  assert.equal(total('  '), 250);
});

test('a cluster of a name has its own rows', () => {
  const rows = [rowOf(0), rowOf(0, { cluster: 'lab' })];
  assert.deepEqual(
    page(rows, { cluster: 'lab' }).items.map(({ cluster }) => cluster),
    ['lab'],
  );
});
