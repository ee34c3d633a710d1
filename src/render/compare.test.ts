// Rendered objects may differ by digests only, each of what it names; everything else is a difference with its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reference } from '../flow.ts';
import { digestOf as hash } from '../image/hash.ts';
import { parseReference, printReference, withoutDigest } from '../image/reference.ts';
import { compareRendered, unstablePaths } from './compare.ts';

const keyOf = (reference: Reference) => printReference(withoutDigest(reference));
const NAMES = ['nginx:1', 'ghcr.io/org/app:v2', 'redis', 'quay.io/x/db:1.10'];
const pins = new Map(NAMES.map((name) => [keyOf(parseReference(name) as Reference), hash(name)]));
const isDigestOf = (digest: string, reference: Reference) => pins.get(keyOf(reference)) === digest;
const D = (name: string) => hash(name);
const OLD = `sha256:${'0'.repeat(64)}`;

const compare = (before: string, after: string) => compareRendered(before, after, isDigestOf);
const pod = (image: string, more = '') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n${more}spec:\n  containers:\n  - image: ${image}\n`;
const custom = (spec: string) => `kind: Custom\nmetadata: {name: c}\nspec:\n${spec.replace(/^/gm, '  ')}\n`;

const SAME: [name: string, before: string, after: string, digests: number][] = [
  ['nothing', pod('nginx:1'), pod('nginx:1'), 0],
  ['comments and order of keys', 'a: 1\nb: 2\n', '# x\nb: 2\na: 1\n', 0],
  ['a digest after the tag', pod('nginx:1'), pod(`nginx:1@${D('nginx:1')}`), 1],
  [
    'another spelling of the name',
    pod('docker.io/library/nginx:1'),
    pod(`docker.io/library/nginx:1@${D('nginx:1')}`),
    1,
  ],
  ['no tag', pod('redis'), pod(`redis@${D('redis')}`), 1],
  ['a digest in place of the tag', pod('nginx:1'), pod(`nginx@${D('nginx:1')}`), 1],
  ['another digest', pod(`nginx:1@${OLD}`), pod(`nginx:1@${D('nginx:1')}`), 1],
  ['a digest that stays', pod(`nginx:1@${OLD}`, 'a: 1\n'), `# x\n${pod(`nginx:1@${OLD}`, 'a: 1\n')}`, 0],
  [
    'two in one text',
    custom('args: [--a=nginx:1 --b=ghcr.io/org/app:v2]'),
    custom(`args: [--a=nginx:1@${D('nginx:1')} --b=ghcr.io/org/app:v2@${D('ghcr.io/org/app:v2')}]`),
    2,
  ],
  [
    'a key for the digest',
    custom('image: {registry: ghcr.io, repository: org/app, tag: v2}'),
    custom(`image: {registry: ghcr.io, repository: org/app, tag: v2, digest: "${D('ghcr.io/org/app:v2')}"}`),
    1,
  ],
  [
    'a key that was empty, bare hex',
    custom('image: {repository: ghcr.io/org/app, tag: v2, sha: ""}'),
    custom(`image: {repository: ghcr.io/org/app, tag: v2, sha: ${D('ghcr.io/org/app:v2').slice(7)}}`),
    1,
  ],
  [
    'a digest beside a tag of its own key, a number before',
    custom('image: {repository: quay.io/x/db, tag: "1.10"}'),
    custom(`image: {repository: quay.io/x/db, tag: "1.10@${D('quay.io/x/db:1.10')}"}`),
    1,
  ],
  [
    'an OCI address, its tag below',
    custom('url: oci://ghcr.io/org/app\nref: {tag: v2}'),
    custom(`url: oci://ghcr.io/org/app\nref: {tag: v2, digest: "${D('ghcr.io/org/app:v2')}"}`),
    1,
  ],
  [
    'YAML inside a text',
    custom('values: |\n  image:\n    repository: ghcr.io/org/app\n    tag: v2\n  x: nginx:1'),
    custom(
      `values: |\n  image:\n    repository: ghcr.io/org/app\n    tag: v2\n    digest: ${D('ghcr.io/org/app:v2')}\n  x: nginx:1@${D('nginx:1')}`,
    ),
    2,
  ],
  [
    'a checksum of what was edited',
    pod('nginx:1', `annotations: {checksum/config: ${'a'.repeat(64)}}\n`),
    pod(`nginx:1@${D('nginx:1')}`, `annotations: {checksum/config: ${'b'.repeat(64)}}\n`),
    1,
  ],
  [
    'the name that kustomize makes of content, and where it is used',
    `kind: ConfigMap\nmetadata: {name: c-0123456789}\ndata: {IMAGE: nginx:1}\n---\n${custom('from: c-0123456789')}`,
    `kind: ConfigMap\nmetadata: {name: c-abcdefghij}\ndata: {IMAGE: "nginx:1@${D('nginx:1')}"}\n---\n${custom('from: c-abcdefghij')}`,
    1,
  ],
];
for (const [name, before, after, digests] of SAME)
  test(`the same but for digests: ${name}`, () => {
    assert.deepEqual(compare(before, after), { digests, differences: [] });
  });

const OTHER: [name: string, before: string, after: string, path: string][] = [
  ['the digest of another image', pod('nginx:1'), pod(`nginx:1@${D('redis')}`), '[0].spec.containers[0].image'],
  [
    'P2: the digest of the name before an overlay',
    pod('mirror.example.com/nginx:1'),
    pod(`mirror.example.com/nginx:1@${D('nginx:1')}`),
    '[0].spec.containers[0].image',
  ],
  ['the digest of another tag', pod('nginx:2'), pod(`nginx:2@${D('nginx:1')}`), '[0].spec.containers[0].image'],
  [
    'another tag with the digest of the old one',
    pod('nginx:1'),
    pod(`nginx:2@${D('nginx:1')}`),
    '[0].spec.containers[0].image',
  ],
  ['another tag', pod('nginx:1'), pod('nginx:2'), '[0].spec.containers[0].image'],
  ['a digest that went', pod(`nginx:1@${D('nginx:1')}`), pod('nginx:1'), '[0].spec.containers[0].image'],
  ['P1: a digest in the middle', pod('nginx:1'), pod(`nginx:@${D('nginx:1')}1`), '[0].spec.containers[0].image'],
  ['half a digest', pod('nginx:1'), pod(`nginx:1@${D('nginx:1').slice(0, 40)}`), '[0].spec.containers[0].image'],
  ['P29: a label', custom('version: "1"'), custom(`version: "1@${D('nginx:1')}"`), '[0].spec.version'],
  ['P29: bare hex after @', pod('nginx:1'), pod(`nginx:1@${D('nginx:1').slice(7)}`), '[0].spec.containers[0].image'],
  ['a new key', custom('a: 1'), custom('a: 1\nb: 2'), '[0].spec.b'],
  ['a key that went', custom('a: 1\nb: 2'), custom('a: 1'), '[0].spec.b'],
  [
    'a digest key of something else',
    custom('image: {repository: ghcr.io/org/other, tag: v2}'),
    custom(`image: {repository: ghcr.io/org/other, tag: v2, digest: "${D('ghcr.io/org/app:v2')}"}`),
    '[0].spec.image.digest',
  ],
  [
    'a digest key of another tag',
    custom('image: {repository: ghcr.io/org/app, tag: v3}'),
    custom(`image: {repository: ghcr.io/org/app, tag: v3, digest: "${D('ghcr.io/org/app:v2')}"}`),
    '[0].spec.image.digest',
  ],
  ['another number', custom('a: 1'), custom('a: 2'), '[0].spec.a'],
  ['a number that is a text', custom('a: 1'), custom('a: "1"'), '[0].spec.a'],
  ['a shorter list', custom('a: [1, 2]'), custom('a: [1]'), '[0].spec.a'],
  ['a list that is a mapping', custom('a: []'), custom('a: {}'), '[0].spec.a'],
  ['a checksum that is none', custom('checksum: abc'), custom('checksum: abd'), '[0].spec.checksum'],
  [
    'a checksum, and no digest',
    custom(`checksum: ${'a'.repeat(64)}`),
    custom(`checksum: ${'b'.repeat(64)}`),
    '[0].spec.checksum',
  ],
  ['the first line of the second object', 'a: 1\n---\nb: 1\n', 'a: 1\n---\nb: 2\n', '[0].b'],
  [
    'a hash under another key',
    custom(`id: ${'a'.repeat(64)}\nimage: nginx:1`),
    custom(`id: ${'b'.repeat(64)}\nimage: nginx:1@${D('nginx:1')}`),
    '[0].spec.id',
  ],
  [
    'another word before a right image',
    custom('args: "a nginx:1"'),
    custom(`args: "b nginx:1@${D('nginx:1')}"`),
    '[0].spec.args',
  ],
  [
    'another word after a right image',
    custom('args: "nginx:1 a"'),
    custom(`args: "nginx:1@${D('nginx:1')} b"`),
    '[0].spec.args',
  ],
  [
    'a value beside the digest inside a text',
    custom('values: |\n  x: nginx:1\n  y: 1'),
    custom(`values: |\n  x: nginx:1@${D('nginx:1')}\n  y: 2`),
    '[0].spec.values',
  ],
  [
    'a name that only looks generated',
    'kind: Deployment\nmetadata: {name: c-0123456789}\n',
    'kind: Deployment\nmetadata: {name: c-abcdefghij}\n',
    '[0].metadata.name',
  ],
  [
    'the other name of a generated object',
    'kind: ConfigMap\nmetadata: {name: c-0123456789}\n',
    'kind: ConfigMap\nmetadata: {name: d-0123456789}\n',
    '[0].metadata.name',
  ],
];
for (const [name, before, after, path] of OTHER)
  test(`a difference: ${name}`, () => {
    assert.deepEqual(
      compare(before, after).differences.map((difference) => difference.path),
      [path],
    );
  });

test('another number of objects is a difference; an object that was replaced has several', () => {
  const two = `${pod('nginx:1')}---\n${custom('a: 1')}`;
  assert.match(compare(two, pod('nginx:1')).differences[0]?.text ?? '', /2 objects before, 1 after/);
  const [first] = compare(two, two.replace('a: 1', 'a: 2')).differences;
  assert.deepEqual(first, { object: 'Custom/c', path: '[0].spec.a', text: '1 became 2' });
});

test('what differs between two renders of the same files is not compared, and only that', () => {
  const secret = (password: string, image: string) =>
    `${pod(image)}---\nkind: Secret\nmetadata: {name: s}\ndata: {password: ${password}, user: u}\n`;
  const unstable = unstablePaths(secret('a', 'nginx:1'), secret('b', 'nginx:1'));
  const after = secret('c', `nginx:1@${D('nginx:1')}`);
  const run = (text: string) => compareRendered(secret('a', 'nginx:1'), text, isDigestOf, unstable);
  assert.deepEqual(run(after), { digests: 1, differences: [] });
  assert.equal(run(after.replace('user: u', 'user: v')).differences.length, 1);
  assert.equal(run(secret('c', `nginx:1@${D('redis')}`)).differences.length, 1);
});

test('of a key that is rendered twice the last value counts', () => {
  const twice = (image: string) => `kind: Pod\nspec:\n  image: other:1\n  image: ${image}\n`;
  assert.doesNotThrow(() => compare(twice('a:1'), twice('a:1')));
});

test('rendered text that is no YAML is a problem', () => {
  assert.throws(() => compare('a: 1\n', 'a: [\n'), { code: 'syntax', message: /rendered text is no YAML/ });
});
