// The body of a tag's history, in the form that a registry serves today.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B } from '../../test/watcher-fixtures.ts';
import { shownRun, shownTag } from './records.ts';
import { historyOf } from './tag-history.ts';

const interval = (digest: string | null, since: string, until: string | null) => ({
  registry: 'docker.io',
  repository: 'library/nginx',
  tag: '1',
  digest,
  since,
  until,
  source: 'poll',
});

test('newest first, with `until` only where it ended; a tag that was gone is null', () => {
  const [now, gone, before] = [
    interval(B, '2026-11-03', null),
    interval(null, '2026-11-02', '2026-11-03'),
    interval(A, '2026-11-01', '2026-11-02'),
  ] as const;
  assert.deepEqual(historyOf([now, gone, before]), {
    history: [
      { digest: B, updateTimestamp: '2026-11-03' },
      { digest: null, updateTimestamp: '2026-11-02', until: '2026-11-03' },
      { digest: A, updateTimestamp: '2026-11-01', until: '2026-11-02' },
    ],
  });
  assert.deepEqual(historyOf([]), { history: [] });
});

test('rows are shown without the columns that only the tables need', () => {
  assert.deepEqual(shownTag({ id: 7, ...interval(A, 'x', null) }), interval(A, 'x', null));
  const run = { id: 7, node: 3, digest: A } as unknown as Parameters<typeof shownRun>[0];
  assert.deepEqual(shownRun(run), { digest: A });
});
