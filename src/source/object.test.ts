import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldRule } from './fields.ts';
import { changedImages, imagesOf } from './object.ts';
import { fieldRules, matchesField } from './rules.ts';

const pod = (spec: object, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec,
  ...extra,
});
const images = (object: object, fields: readonly FieldRule[] = []) =>
  imagesOf(object as Record<string, unknown>, fields).map(({ image, pointer }) => `${pointer} ${image}`);

test('every list of containers, at any depth, and image volumes', () => {
  const spec = {
    containers: [{ name: 'a', image: 'a:1' }],
    initContainers: [{ name: 'b', image: 'b:1' }],
    ephemeralContainers: [{ name: 'c', image: 'c:1' }],
    volumes: [
      { name: 'v', image: { reference: 'v:1', pullPolicy: 'Always' } },
      { name: 'w', emptyDir: {} },
    ],
  };
  const expected = [
    'containers/0/image a:1',
    'initContainers/0/image b:1',
    'ephemeralContainers/0/image c:1',
    'volumes/0/image/reference v:1',
  ];
  assert.deepEqual(
    images(pod(spec)),
    expected.map((line) => `/spec/${line}`),
  );
  const cronJob = { apiVersion: 'batch/v1', kind: 'CronJob', spec: { jobTemplate: { spec: { template: { spec } } } } };
  assert.deepEqual(
    images(cronJob),
    expected.map((line) => `/spec/jobTemplate/spec/template/spec/${line}`),
  );
});

const nothing: [name: string, object: object][] = [
  ['the status, which says what was pulled', pod({}, { status: { containers: [{ image: 'a:1' }] } })],
  ['the metadata', pod({}, { metadata: { containers: [{ image: 'a:1' }] } })],
  ['an image that is no text', pod({ containers: [{ image: 1 }, { image: null }, { image: ['a:1'] }] })],
  ['an empty image', pod({ containers: [{ image: '' }] })],
  ['an image outside of a list of containers', pod({ image: 'a:1', other: [{ image: 'b:1' }] })],
  ['a reference outside of volumes', pod({ items: [{ image: { reference: 'a:1' } }] })],
  ['an object without anything', {}],
];
for (const [name, object] of nothing) test(`no image: ${name}`, () => assert.deepEqual(images(object), []));

test('a field of the name status or metadata below the top hides no image', () => {
  const object = pod({ status: { containers: [{ image: 'a:1' }] }, metadata: { containers: [{ image: 'b:1' }] } });
  assert.deepEqual(images(object), ['/spec/status/containers/0/image a:1', '/spec/metadata/containers/0/image b:1']);
});

test('the fields of the catalogue by API group, and those of the user by group and kind', () => {
  const prometheus = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'Prometheus',
    spec: { image: 'p:1', thanos: { image: 't:1' } },
  };
  assert.deepEqual(images(prometheus), ['/spec/image p:1', '/spec/thanos/image t:1']);
  const machine = { apiVersion: 'example.com/v1', kind: 'Machine', spec: { osImage: 'o:1', all: ['a:1', 'b:1'] } };
  assert.deepEqual(images(machine), []);
  const rule = { group: 'example.com', kinds: ['Machine'], paths: ['spec.osImage'] };
  assert.deepEqual(images(machine, [rule]), ['/spec/osImage o:1']);
  assert.deepEqual(images({ ...machine, kind: 'Other' }, [rule]), []);
  assert.deepEqual(images({ ...machine, apiVersion: 'other.com/v1' }, [rule]), []);
});

test('pointers escape ~ and / (RFC 6901)', () => {
  const object = pod({ 'a/b~c': { containers: [{ image: 'a:1' }] } });
  assert.deepEqual(images(object), ['/spec/a~1b~0c/containers/0/image a:1']);
});

test('deep nesting ends, and neither throws nor stalls (T42)', () => {
  let object: Record<string, unknown> = { containers: [{ image: 'a:1' }] };
  for (let depth = 0; depth < 50_000; depth++) object = { a: object };
  assert.deepEqual(imagesOf(object, []), []);
});

const fieldsOf = (containers: object[]) => imagesOf(pod({ containers }), []);
const a1 = { name: 'a', image: 'a:1' };
const b1 = { name: 'b', image: 'b:1' };

/** T16, T17: an update is decided by what it changes. */
const updates: [name: string, now: object[], before: object[], changed: string[]][] = [
  ['nothing', [a1, b1], [a1, b1], []],
  ['the order of containers', [b1, a1], [a1, b1], []],
  ['another image', [{ ...a1, image: 'a:2' }, b1], [a1, b1], ['a:2']],
  ['a new container', [a1, b1], [a1], ['b:1']],
  ['a container that goes', [a1], [a1, b1], []],
  ['an image that moves to another container', [{ ...a1, image: 'b:1' }], [a1, b1], ['b:1']],
  [
    'a container without a name, moved',
    [{ image: 'b:1' }, { image: 'a:1' }],
    [{ image: 'a:1' }, { image: 'b:1' }],
    ['b:1', 'a:1'],
  ],
];
for (const [name, now, before, changed] of updates)
  test(`an update changes ${name}`, () =>
    assert.deepEqual(
      changedImages(fieldsOf(now), fieldsOf(before)).map(({ image }) => image),
      changed,
    ));

test('property: an update that changes nothing has no changed image, in whatever order', () => {
  const container = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    image: fc.constantFrom('x:1', 'y:1', 'z:1'),
  });
  const list = fc.uniqueArray(container, { selector: ({ name }) => name });
  fc.assert(
    fc.property(list, fc.gen(), (containers, gen) => {
      const shuffled = gen(fc.shuffledSubarray, containers, { minLength: containers.length });
      assert.deepEqual(changedImages(fieldsOf(shuffled), fieldsOf(containers)), []);
    }),
  );
});

// --- field patterns ---

const patterns: [rule: string, path: string, matches: boolean][] = [
  ['spec.image', 'spec image', true],
  ['spec.image', 'spec other image', false],
  ['spec.image', 'image', false],
  ['spec.**.image', 'spec a b image', true],
  ['spec.**.image', 'spec image', true],
  ['spec.*.image', 'spec a image', true],
  ['spec.*.image', 'spec a b image', false],
  ['spec.*Image', 'spec osImage', true],
  ['spec.*Image', 'spec osimage', false],
  ['spec.images[].image', 'spec images [3] image', true],
  ['spec.images[].image', 'spec images image', false],
  ['spec.all[]', 'spec all [0]', true],
  ['spec.a.b', 'spec a/b', false],
  ['**.image', 'image', true],
];
for (const [rule, path, matches] of patterns)
  test(`the field pattern ${rule} ${matches ? 'matches' : 'does not match'} ${path}`, () =>
    assert.equal(matchesField(path.split(' '), fieldRules([{ paths: [rule] }], undefined, undefined)), matches));

test('a rule of the user without a group applies to every object, and the catalogue only to its group', () => {
  const rule = { paths: ['spec.x'] };
  assert.deepEqual(fieldRules([rule], 'any.io', 'Any'), ['spec/x']);
  assert.deepEqual(fieldRules([rule], undefined, undefined).at(-1), 'spec/x');
  assert.ok(fieldRules([], undefined, undefined).includes('defaultBaseImage'), 'files that are no objects');
  assert.deepEqual(fieldRules([], 'flink.apache.org', 'FlinkDeployment'), ['spec/image']);
  assert.deepEqual(fieldRules([], 'flink.apache.org.evil', 'FlinkDeployment'), []);
});
