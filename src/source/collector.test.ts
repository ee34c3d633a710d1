import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIGEST_A } from '../../test/pin-text.ts';
import { Collector, notLiteral } from './collector.ts';

/** A collector of one line `image: VALUE`, and the spot of the value. */
function lineOf(value: string, rest = '') {
  const text = `# first\nimage: ${value}${rest}\n`;
  const start = text.indexOf(value, 15);
  return { c: new Collector(text, 'a.yaml'), spot: { start, end: start + value.length, path: 'spec.steps[3].image' } };
}

test('a found reference carries its position, dialect, document, object and namespace', () => {
  const { c, spot } = lineOf('nginx:1');
  Object.assign(c, { dialect: 'kubernetes', document: 2, object: 'Pod/a', namespace: 'prod' });
  c.image(spot, 'nginx:1', true, { note: 'why' });
  const { reference, slot, ...place } = c.found[0] as (typeof c.found)[0];
  assert.deepEqual(place, {
    kind: 'found',
    file: 'a.yaml',
    start: 15,
    end: 22,
    line: 2,
    column: 8,
    document: 2,
    path: 'spec.steps[3].image',
    dialect: 'kubernetes',
    object: 'Pod/a',
    namespace: 'prod',
    note: 'why',
  });
  assert.equal(reference.text, 'nginx:1');
  assert.deepEqual(slot, { pin: { at: 22, before: '@', after: '' } });
});

test('without object, namespace and note the keys are absent', () => {
  const { c, spot } = lineOf('nginx:1');
  c.image(spot, 'nginx:1', true);
  for (const key of ['object', 'namespace', 'note']) assert.ok(!(key in (c.found[0] as object)), key);
});

/** What a field that certainly holds an image, and one that may hold one, make of a value. */
const values: [value: string, certain: string, possible: string][] = [
  ['nginx', 'found', 'uncertain'],
  ['nginx:1', 'found', 'found'],
  [`nginx@${DIGEST_A}`, 'found', 'found'],
  ['a/b', 'found', 'uncertain'],
  ['quay.io/a/b', 'found', 'found'],
  ['localhost:5000/b', 'found', 'found'],
  ['quay.io', 'found', 'uncertain'],
  ['static/logo.png', 'found', 'uncertain'],
  ['cdn.io/disk.qcow2', 'found', 'uncertain'],
  ['cdn.io/logo.png:1', 'found', 'uncertain'],
  [`cdn.io/logo.png@${DIGEST_A}`, 'found', 'found'],
  ['Nginx:1', 'invalid', 'uncertain'],
  ['https://x.io/a', 'invalid', 'uncertain'],
  ['nginx:latest:2', 'invalid', 'uncertain'],
  ['nginx 1', 'invalid', 'uncertain'],
  ['NGINX', 'invalid', 'uncertain'],
  ['*:*', 'invalid', 'uncertain'],
  ['IMAGE_URL', 'variable', 'uncertain'],
  ['IMAGE_URL:v1', 'variable', 'uncertain'],
  ['__REPLACE_IMAGE_VALUE__', 'variable', 'uncertain'],
  ['<your-image>', 'variable', 'uncertain'],
  ['@image@:1', 'variable', 'uncertain'],
  ['ghcr.io/org/IMAGE_URL', 'invalid', 'uncertain'],
  ['true', 'found', 'nothing'],
  ['null', 'found', 'nothing'],
  ['42', 'found', 'nothing'],
  ['{{ .Values.image }}', 'template', 'template'],
  ['{% image %}', 'template', 'template'],
  ['<%= image %>', 'template', 'template'],
  ['$' + '{IMAGE}:1', 'variable', 'variable'],
  ['$(IMAGE)', 'variable', 'variable'],
  ['$IMAGE', 'variable', 'variable'],
  ['%IMAGE%', 'variable', 'variable'],
];
for (const [value, certain, possible] of values)
  for (const [sure, expected] of [
    [true, certain],
    [false, possible],
  ] as const)
    test(`${value} where ${sure ? 'only an image' : 'something else too'} may be: ${expected}`, () => {
      const { c, spot } = lineOf(value);
      c.image(spot, value, sure);
      assert.equal(c.found.length > 0 ? 'found' : (c.skipped[0]?.reason ?? 'nothing'), expected);
    });

const policyValues: [value: string, reason: string][] = [
  ['*:*', 'pattern'],
  ['!*:latest', 'pattern'],
  ['registry.test/* | other.test/*', 'pattern'],
  ['?*:?*', 'pattern'],
  ['Nginx:1', 'invalid'],
];
for (const [value, reason] of policyValues)
  test(`P11: ${value} in a custom resource: ${reason}`, () => {
    const { c, spot } = lineOf(value);
    c.custom = true;
    c.image(spot, value, true);
    assert.equal(c.skipped[0]?.reason, reason);
  });

test('P11: an ignore comment with a reason explains an invalid value, one without a reason does not', () => {
  for (const [comment, reason] of [
    ['# tagproof:ignore: tests that it is refused', 'ignored'],
    ['# tagproof:ignore', 'invalid'],
  ] as const) {
    const c = new Collector(`image: Nginx:1 ${comment}\n`, 'a.yaml');
    c.image({ start: 7, end: 14, path: 'image' }, 'Nginx:1', true);
    assert.equal(c.skipped[0]?.reason, reason);
  }
});

test('P11: what was uncertain becomes invalid where an alias puts it into a container', () => {
  const { c, spot } = lineOf('Nginx:1');
  c.image(spot, 'Nginx:1', false);
  c.image(spot, 'Nginx:1', true);
  assert.deepEqual(
    c.skipped.map(({ reason }) => reason),
    ['invalid'],
  );
});

test('an uncertain value says which field to name', () => {
  const { c, spot } = lineOf('ubuntu');
  c.image(spot, 'ubuntu', false);
  assert.match(c.skipped[0]?.detail ?? '', /spec\.steps\[\]\.image under find\.fields/);
});

test('long text is cut in the report', () => {
  const { c, spot } = lineOf('x'.repeat(3000));
  c.image(spot, 'x'.repeat(3000), true);
  assert.equal(c.skipped[0]?.text, `${'x'.repeat(200)}…`);
});

test('a spot counts once, however many aliases lead to it', () => {
  const { c, spot } = lineOf('nginx:1');
  c.image(spot, 'nginx:1', true);
  c.image(spot, 'nginx:1', true);
  c.skip(spot, 'nginx:1', 'stage', 'x');
  assert.deepEqual([c.found.length, c.skipped.length], [1, 0]);
});

test('what was uncertain becomes found where an alias puts it into a container', () => {
  const { c, spot } = lineOf('nginx');
  c.image(spot, 'nginx', false);
  assert.equal(c.skipped.length, 1);
  c.image(spot, 'nginx', true);
  assert.deepEqual([c.found.length, c.skipped.length], [1, 0]);
});

test('but what was skipped for another reason stays skipped', () => {
  const { c, spot } = lineOf('nginx');
  c.skip(spot, 'nginx', 'stage', 'a build stage');
  c.image(spot, 'nginx', true);
  assert.deepEqual([c.found.length, c.skipped.length], [0, 1]);
});

/**
 * A text around the image `nginx:1`, and the reason for which it is ignored; undefined: it is
 * found.
 */
const comments: [name: string, text: string, reason: string | undefined][] = [
  ['on the line', 'image: nginx:1 # tagproof:ignore built here\n', 'built here'],
  ['with a colon', 'image: nginx:1 # tagproof:ignore: built here\n', 'built here'],
  ['with a dash, CRLF', 'image: nginx:1 # tagproof:ignore - built here\r\n', 'built here'],
  ['in JSON with comments', '"image": "nginx:1" // tagproof:ignore built here\n', 'built here'],
  ['on the comment line above', '# tagproof:ignore built here\nimage: nginx:1\n', 'built here'],
  ['after other words', 'image: nginx:1 # see #4 # tagproof:ignore built here', 'built here'],
  ['two lines above', '# tagproof:ignore built here\n\nimage: nginx:1\n', undefined],
  ['after the value of another line', 'a: b # tagproof:ignore built here\nimage: nginx:1\n', undefined],
  ['on the next line', 'image: nginx:1\n# tagproof:ignore built here\n', undefined],
  ['as a longer word', 'image: nginx:1 # tagproof:ignored built here\n', undefined],
  ['without a comment sign', 'image: nginx:1\nb: tagproof:ignore built here\n', undefined],
];
for (const [name, text, reason] of comments)
  test(`an ignore comment ${name} ${reason ? 'counts' : 'does not count'}`, () => {
    const c = new Collector(text, 'a.yaml');
    const start = text.indexOf('nginx:1');
    c.image({ start, end: start + 7, path: 'image' }, 'nginx:1', true);
    assert.equal(c.skipped[0]?.detail, reason && `tagproof:ignore: ${reason}`);
    assert.equal(c.found.length, reason ? 0 : 1);
  });

test('an ignore comment without a reason has no effect, and the place says so', () => {
  const { c, spot } = lineOf('nginx:1', ' # tagproof:ignore');
  c.image(spot, 'nginx:1', true, { note: 'first' });
  assert.equal(c.found[0]?.note, 'first; tagproof:ignore has no effect without a reason after it');
});

test('dollar signs and percent signs alone are literal text', () => {
  for (const value of ['a$', '50%', 'a%b', '$1', 'a{b}']) assert.equal(notLiteral(value), undefined, value);
});
