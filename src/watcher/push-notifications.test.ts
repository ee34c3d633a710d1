// Push notifications of registries: which images they name. They come from outside, so anything may
// be in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { A } from '../../test/watcher-fixtures.ts';
import { tagKey } from '../image/reference.ts';
import { HINT_KINDS, type HintKind, hintsOf } from './push-notifications.ts';

test('notifications give images with tags, and nothing for what is not understood', () => {
  const event = (action: string, target: object) => ({ action, target, request: { host: 'registry.test:5000' } });
  const cases: [HintKind, body: unknown, registry: string | undefined, keys: string[]][] = [
    [
      'distribution',
      {
        events: [
          event('push', { repository: 'web', tag: 'v1', digest: A }),
          event('push', { repository: 'web', digest: A }),
          event('pull', { repository: 'web', tag: 'v1' }),
        ],
      },
      undefined,
      ['registry.test:5000/web:v1'],
    ],
    ['distribution', { events: [event('delete', { repository: 'web', tag: 'v1' })] }, 'r.io', ['r.io/web:v1']],
    [
      'harbor',
      {
        type: 'PUSH_ARTIFACT',
        event_data: {
          resources: [{ digest: A, tag: 'v2', resource_url: 'harbor.test/shop/web:v2' }],
          repository: { repo_full_name: 'shop/web' },
        },
      },
      undefined,
      ['harbor.test/shop/web:v2'],
    ],
    [
      'harbor',
      {
        specversion: '1.0',
        type: 'harbor.artifact.pushed',
        data: { resources: [{ tag: 'v2', resource_url: 'x/y:v2' }], repository: { repo_full_name: 'shop/web' } },
      },
      'harbor.example.com',
      ['harbor.example.com/shop/web:v2'],
    ],
    ['generic', { image: `nginx:1.27@${A}` }, undefined, ['docker.io/library/nginx:1.27']],
    ['generic', { images: ['ghcr.io/org/a:1', 'not an image', 7, 'ghcr.io/org/b'] }, undefined, ['ghcr.io/org/a:1']],
    ['generic', {}, undefined, []],
    ['distribution', { events: 'many' }, undefined, []],
    ['harbor', { event_data: null }, undefined, []],
  ];
  for (const [kind, body, registry, keys] of cases)
    assert.deepEqual(hintsOf(kind, body, registry).map(tagKey), keys, JSON.stringify(body));
  assert.throws(() => hintsOf('generic', 'text', undefined), /expected a JSON object/);
  const flood = { images: Array.from({ length: 5000 }, (_, i) => `r.io/x:${i}`) };
  assert.equal(hintsOf('generic', flood, undefined).length, 1000);
});

test('whatever the body holds, nothing but references with a tag and without a digest comes out', () => {
  const body = fc.oneof(
    fc.object({ maxDepth: 4 }),
    fc.record({
      events: fc.array(fc.record({ action: fc.constant('push'), target: fc.object(), request: fc.anything() })),
    }),
    fc.record({ event_data: fc.record({ resources: fc.array(fc.object()), repository: fc.anything() }) }),
    fc.record({ image: fc.anything(), images: fc.anything() }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...HINT_KINDS),
      body,
      fc.option(fc.domain(), { nil: undefined }),
      (kind, given, host) => {
        for (const reference of hintsOf(kind, given, host)) {
          assert.ok(reference.tag !== undefined);
          assert.equal(reference.digest, undefined);
        }
      },
    ),
  );
});
