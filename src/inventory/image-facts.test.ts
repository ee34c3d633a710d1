// What is recorded about an image, and how two images differ.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ImageFacts } from '../ledger/event.ts';
import type { ImageConfig } from '../resolve/closure.ts';
import { comparable, compareFacts, compareSets, factsOf, plainFactsOf, summaryOf } from './image-facts.ts';

const config = (more: Partial<ImageConfig> = {}): ImageConfig => ({
  digest: 'sha256:m',
  configDigest: 'sha256:c',
  platform: 'linux/amd64',
  entrypoint: ['/web', '--serve'],
  cmd: ['--port', '80'],
  user: 'app',
  workingDir: '/srv',
  env: ['PATH=/bin', 'PASSWORD=s=e=cret', 'EMPTY=', 'BARE'],
  labels: { 'org.opencontainers.image.revision': '1111111111111111' },
  layers: [{ digest: 'sha256:l1', size: 10 }],
  ...more,
});
const facts = (more: Partial<ImageFacts> = {}): ImageFacts => ({ ...factsOf(config()), ...more });

test('property: no environment value is recorded, only its hash', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Z]{1,8}$/), fc.string({ minLength: 13 }), (name, value) => {
      const recorded = JSON.stringify(factsOf(config({ env: [`${name}=${value}`] })));
      assert.ok(!recorded.includes(JSON.stringify(value).slice(1, -1)));
    }),
  );
});

test('an environment value is recorded as 12 digits of its hash, so that a change shows', () => {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);
  const { env } = factsOf(config());
  assert.deepEqual(env, { PATH: hash('/bin'), PASSWORD: hash('s=e=cret'), EMPTY: hash(''), BARE: hash('BARE') });
  assert.equal(plainFactsOf(config()).env['PASSWORD'], 's=e=cret', 'a command may show it to the person who asks');
});

test('an image does not differ from itself', () => {
  assert.deepEqual(compareFacts(facts(), facts()), []);
  assert.equal(summaryOf([]), 'the same configuration and layers');
});

for (const [what, more, expected] of [
  ['entrypoint', { entrypoint: '/bin/sh' }, [{ what: 'entrypoint', from: '/web --serve', to: '/bin/sh' }]],
  ['cmd', { cmd: '' }, [{ what: 'cmd', from: '--port 80' }]],
  ['user', { user: '' }, [{ what: 'user', from: 'app' }]],
  ['workdir', { workingDir: '/' }, [{ what: 'workdir', from: '/srv', to: '/' }]],
  ['platform', { platform: 'linux/arm64' }, [{ what: 'platform compared', from: 'linux/amd64', to: 'linux/arm64' }]],
  ['created', { created: '2026-01-01' }, [{ what: 'created', to: '2026-01-01' }]],
  [
    'a new layer',
    {
      layers: [
        ['sha256:l1', 10],
        ['sha256:l2', 5],
      ],
    },
    [{ what: 'layer', to: 'sha256:l2 (5 bytes)' }],
  ],
  ['a removed layer', { layers: [] }, [{ what: 'layer', from: 'sha256:l1 (10 bytes)' }]],
  ['a new label', { labels: { ...facts().labels, x: '1' } }, [{ what: 'label', name: 'x', to: '1' }]],
] as const)
  test(`a difference of ${what}`, () => assert.deepEqual(compareFacts(facts(), facts(more as never)), expected));

test('differences of environment: changed, new, removed', () => {
  const [before, after] = [facts({ env: { A: '1', B: '2' } }), facts({ env: { A: '9', C: '3' } })];
  assert.deepEqual(compareFacts(before, after), [
    { what: 'env', name: 'A', from: '1', to: '9' },
    { what: 'env', name: 'B', from: '2' },
    { what: 'env', name: 'C', to: '3' },
  ]);
});

test('two images are compared for a platform that both have, linux/amd64 first', () => {
  const of = (...platforms: string[]) => platforms.map((platform) => facts({ platform }));
  const platformsOf = (from: ImageFacts[], to: ImageFacts[]) => comparable(from, to)?.map(({ platform }) => platform);
  assert.deepEqual(platformsOf(of('linux/arm64', 'linux/amd64'), of('linux/arm64', 'linux/amd64')), [
    'linux/amd64',
    'linux/amd64',
  ]);
  assert.deepEqual(platformsOf(of('linux/amd64', 'linux/arm64'), of('linux/arm64')), ['linux/arm64', 'linux/arm64']);
  assert.deepEqual(platformsOf(of('linux/amd64'), of('linux/arm64')), ['linux/amd64', 'linux/arm64']);
  assert.equal(platformsOf([], of('linux/arm64')), undefined);
});

test('differences of sets', () =>
  assert.deepEqual(compareSets('platform', ['a', 'b'], ['b', 'c']), [
    { what: 'platform', from: 'a' },
    { what: 'platform', to: 'c' },
  ]));

test('a summary names the source revision, another base, and counts the rest', () => {
  const name = (key: string) => `org.opencontainers.image.${key}`;
  const before = facts({ labels: { [name('revision')]: '1'.repeat(40), [name('base.digest')]: 'x' } });
  const after = facts({
    labels: { [name('revision')]: '2'.repeat(40), [name('base.digest')]: 'y' },
    created: '2026-01-01',
    user: 'root',
    env: {},
  });
  assert.equal(
    summaryOf(compareFacts(before, after)),
    'source 111111111111 → 222222222222, another base, user, 4 × env, 2 × label',
  );
});
