import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIGEST_A as A, DIGEST_B as B } from '../../test/pin-text.ts';
import type { Reference, Slot } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { renameSlot, splitSlot, wholeSlot } from './slot.ts';
import { loadReader, parseYaml } from './yaml.ts';
import type { MapNode } from './yaml-node.ts';

await loadReader({ reader: 'events' });

/**
 * The text after the slot's pin of A, after its replacement of a digest by A, and after its
 * removal.
 */
function applied(text: string, slot: Slot) {
  const splice = (start: number, end: number, part: string) => text.slice(0, start) + part + text.slice(end);
  const digest = slot.style === 'hex' ? A.slice(7) : A;
  return {
    ...(slot.pin && { pinned: splice(slot.pin.at, slot.pin.at, slot.pin.before + digest + slot.pin.after) }),
    ...(slot.digest && { replaced: splice(...(slot.digest as [number, number]), digest) }),
    ...(slot.unpin && { unpinned: splice(...(slot.unpin as [number, number]), '') }),
    ...(slot.blocked && { blocked: slot.blocked }),
  };
}

// --- a reference in one piece ---

const whole = (text: string, value: string) => {
  const start = text.indexOf(value);
  return applied(text, wholeSlot(text, start, start + value.length, parseReference(value) as Reference));
};

test('a whole reference: the digest follows it', () => {
  assert.deepEqual(whole('image: "nginx:1" # x', 'nginx:1'), { pinned: `image: "nginx:1@${A}" # x` });
  assert.deepEqual(whole('image: nginx', 'nginx'), { pinned: `image: nginx@${A}` });
});

test('a whole reference with a digest: the digest is replaced, and unpin takes the @ with it', () => {
  assert.deepEqual(whole(`image: nginx:1@${B}`, `nginx:1@${B}`), {
    replaced: `image: nginx:1@${A}`,
    unpinned: 'image: nginx:1',
  });
});

test('a reference over two lines is left alone: a digest after it would be in the wrong place', () => {
  const text = 'image: "quay.io/a/\\\n  b:1"\n';
  const slot = wholeSlot(text, 8, text.lastIndexOf('"'), parseReference('quay.io/a/b:1') as Reference);
  assert.deepEqual(slot, { blocked: 'the reference is spread over several lines: put it on one' });
});

test('a digest that is written with escapes is left alone: its characters are not where they seem', () => {
  const written = `nginx@${A}`.replace('sha256', '\\u0073ha256');
  const text = `image: "${written}"\n`;
  const slot = wholeSlot(text, 8, 8 + written.length, parseReference(`nginx@${A}`) as Reference);
  assert.deepEqual(slot, { blocked: 'the digest is written with escapes' });
  const at = `nginx\\u0040${A}`;
  const sameEnd = wholeSlot(`"${at}"`, 1, 1 + at.length, parseReference(`nginx@${A}`) as Reference);
  assert.deepEqual(sameEnd, { blocked: 'the digest is written with escapes' }, 'the @ itself is an escape');
});

// --- an image in parts ---

const TAG_MISSING = 'there is no tag here (a chart fills in its appVersion, kustomize keeps the one of the resource)';

/** @param kustomize whether the program that reads the file takes a new `digest:` key */
function parts(text: string, kustomize = false, digestKey = 'digest'): ReturnType<typeof applied> {
  const map = parseYaml(text, 0, text.length) as MapNode;
  const find = (...keys: string[]) => map.entries.find(({ key }) => keys.includes(key.value));
  return applied(
    text,
    splitSlot(text, {
      map,
      tag: find('tag', 'newTag'),
      digest: find(digestKey),
      style: digestKey === 'sha' ? 'hex' : undefined,
      takesDigestKey: kustomize,
    }),
  );
}

const cases: [name: string, given: ReturnType<typeof parts>, expected: ReturnType<typeof parts>][] = [
  ['an empty quoted digest is filled', parts('tag: v1\ndigest: ""\n'), { pinned: `tag: v1\ndigest: "${A}"\n` }],
  [
    'an empty sha is filled without prefix',
    parts("tag: v1\nsha: ''\n", false, 'sha'),
    { pinned: `tag: v1\nsha: '${A.slice(7)}'\n` },
  ],
  ['without digest key it follows the tag', parts('tag: v1 # x\n'), { pinned: `tag: v1@${A} # x\n` }],
  ['a digest key without value is no place', parts('tag: v1\ndigest:\n'), { pinned: `tag: v1@${A}\ndigest:\n` }],
  ['null is no place', parts('tag: v1\ndigest: null\n'), { pinned: `tag: v1@${A}\ndigest: null\n` }],
  ['a tag that is a word for null is no tag', parts('tag: ~\n'), { blocked: TAG_MISSING }],
  ['a quoted "null" is a tag', parts('tag: "null"\n'), { pinned: `tag: "null@${A}"\n` }],
  ['no tag', parts('name: a\n'), { blocked: TAG_MISSING }],
  ['an empty tag', parts('tag: ""\n'), { blocked: TAG_MISSING }],
  [
    'a tag with escapes',
    parts('tag: "v\\u0031"\n'),
    { blocked: 'the tag is written with escapes or over several lines' },
  ],
  [
    'a tag over two lines',
    parts('tag: "v\\\n  1"\n'),
    { blocked: 'the tag is written with escapes or over several lines' },
  ],
  ['a digest in the tag', parts(`tag: v1@${B}\n`), { replaced: `tag: v1@${A}\n`, unpinned: 'tag: v1\n' }],
  [
    'a quoted digest is emptied',
    parts(`tag: v1\ndigest: '${B}'\n`),
    { replaced: `tag: v1\ndigest: '${A}'\n`, unpinned: "tag: v1\ndigest: ''\n" },
  ],
  [
    'a plain digest goes with its line',
    parts(`tag: v1\ndigest: ${B}\nname: a\n`),
    { replaced: `tag: v1\ndigest: ${A}\nname: a\n`, unpinned: 'tag: v1\nname: a\n' },
  ],
  [
    'a plain digest on the last line without newline',
    parts(`tag: v1\ndigest: ${B}`),
    { replaced: `tag: v1\ndigest: ${A}`, unpinned: 'tag: v1' },
  ],
  [
    'the same with CRLF',
    parts(`tag: v1\r\ndigest: ${B}`),
    { replaced: `tag: v1\r\ndigest: ${A}`, unpinned: 'tag: v1' },
  ],
  [
    'a plain digest without a tag stays: the field would name nothing',
    parts(`name: a\ndigest: ${B}\n`),
    { replaced: `name: a\ndigest: ${A}\n` },
  ],
  ['a plain digest in flow style stays', parts(`{tag: v1, digest: ${B}}\n`), { replaced: `{tag: v1, digest: ${A}}\n` }],
  [
    'what is no digest is left alone',
    parts('tag: v1\ndigest: sha256:12\n'),
    { blocked: "'sha256:12' is not a digest" },
  ],
  [
    'upper-case hex is no digest',
    parts(`tag: v1\ndigest: ${A.toUpperCase()}\n`),
    { blocked: `'${A.toUpperCase()}' is not a digest` },
  ],
  ['a sha with prefix is no hex', parts(`tag: v1\nsha: "${A}"\n`, false, 'sha'), { blocked: `'${A}' is not a digest` }],
  [
    'kustomize: a new line below the tag',
    parts('name: a\nnewTag: v1 # c\nx: y\n', true),
    { pinned: `name: a\nnewTag: v1 # c\ndigest: ${A}\nx: y\n` },
  ],
  ['kustomize: with CRLF', parts('newTag: v1\r\nx: y\r\n', true), { pinned: `newTag: v1\r\ndigest: ${A}\r\nx: y\r\n` }],
  [
    'P27: kustomize, CRLF, on the last line without newline',
    parts('x: y\r\nnewTag: v1', true),
    { pinned: `x: y\r\nnewTag: v1\r\ndigest: ${A}` },
  ],
  ['kustomize: on the last line without newline', parts('newTag: v1', true), { pinned: `newTag: v1\ndigest: ${A}` }],
  ['kustomize: in flow style it follows the tag', parts('{newTag: v1}\n', true), { pinned: `{newTag: v1@${A}}\n` }],
  [
    'kustomize: in flow style over several lines too: a line below would need a comma',
    parts('{\n  newTag: v1\n}\n', true),
    { pinned: `{\n  newTag: v1@${A}\n}\n` },
  ],
  [
    'kustomize: a tag over two lines has no line below it',
    parts('newTag: "v\n  1"\n', true),
    { blocked: 'the tag is written with escapes or over several lines' },
  ],
  [
    'kustomize: a digest in the tag stays there',
    parts(`newTag: v1@${B}\n`, true),
    { replaced: `newTag: v1@${A}\n`, unpinned: 'newTag: v1\n' },
  ],
];
for (const [name, given, expected] of cases) test(`parts: ${name}`, () => assert.deepEqual(given, expected));

test('kustomize: the new line has the indentation of its tag, tabs included, also in a list', () => {
  const text = '- newTag: v1\n  name: b\n';
  const list = parseYaml(text, 0, text.length);
  const map = (list?.kind === 'seq' ? list.items[0] : undefined) as MapNode;
  const slot = splitSlot(text, { map, tag: map.entries[0], digest: undefined, style: undefined, takesDigestKey: true });
  assert.deepEqual(applied(text, slot), { pinned: `- newTag: v1\n  digest: ${A}\n  name: b\n` });
});

test('the style goes with a slot whose digest has no prefix, and with no other', () => {
  const style = (text: string, key: string) => {
    const map = parseYaml(text, 0, text.length) as MapNode;
    const [tag, digest] = map.entries;
    const hex = key === 'sha' ? ('hex' as const) : undefined;
    return splitSlot(text, { map, tag, digest, style: hex, takesDigestKey: false }).style;
  };
  assert.equal(style('tag: v1\nsha: ""\n', 'sha'), 'hex');
  assert.equal(style(`tag: v1\nsha: "${A.slice(7)}"\n`, 'sha'), 'hex');
  assert.equal(style('tag: v1\nsha:\n', 'sha'), undefined, 'a digest after the tag always has its prefix');
  assert.equal(style('tag: v1\ndigest: ""\n', 'digest'), undefined);
});

test('a digest that shares its line with the dash of a list stays: without it the list would break', () => {
  const text = `- digest: ${B}\n  newTag: v1\n`;
  const list = parseYaml(text, 0, text.length);
  const map = (list?.kind === 'seq' ? list.items[0] : undefined) as MapNode;
  const [digest, tag] = map.entries;
  const slot = splitSlot(text, { map, tag, digest, style: undefined, takesDigestKey: true });
  assert.deepEqual(applied(text, slot), { replaced: `- digest: ${A}\n  newTag: v1\n` });
});

const numbers: [tag: string, chart: string | undefined, kustomize: boolean][] = [
  ['1.10', 'a chart renders 1.1', true],
  ['1_0', 'a chart renders 10', true],
  ['010', 'a chart renders 8', true],
  ['1234567', 'a chart renders 1.234567e+06', true],
  ['1.25', undefined, true],
  ['7', undefined, true],
  ['123456', undefined, true],
  ['1.2.3', undefined, false],
  ['v1', undefined, false],
];
for (const [tag, chart, refused] of numbers)
  test(`P4: the plain tag ${tag} to a chart and to kustomize; quoted it is a text to both`, () => {
    const sentence = (read: string) => ({
      blocked: `the tag ${tag} is a number to YAML, and ${read}: write it in quotes`,
    });
    assert.deepEqual(parts(`tag: ${tag}\n`), chart === undefined ? { pinned: `tag: ${tag}@${A}\n` } : sentence(chart));
    assert.deepEqual(
      parts(`newTag: ${tag}\n`, true),
      refused ? sentence('kustomize refuses it') : { pinned: `newTag: ${tag}\ndigest: ${A}\n` },
    );
    assert.deepEqual(parts(`tag: "${tag}"\n`), { pinned: `tag: "${tag}@${A}"\n` });
  });

const IN_FLOW = 'write this entry over several lines, or give newTag, so that a digest: line can follow newName';
const renames: [name: string, text: string, expected: ReturnType<typeof applied>][] = [
  ['a line below it', 'newName: b\nx: y\n', { pinned: `newName: b\ndigest: ${A}\nx: y\n` }],
  ['an empty quoted digest', 'newName: b\ndigest: ""\n', { pinned: `newName: b\ndigest: "${A}"\n` }],
  ['a digest key without value', 'newName: b\ndigest:\n', { blocked: IN_FLOW }],
  ['in flow', '{newName: b}\n', { blocked: IN_FLOW }],
  ['in flow over several lines', '{\n  newName: b\n}\n', { blocked: IN_FLOW }],
  ['over two lines', 'newName: "b\n  c"\n', { blocked: IN_FLOW }],
  ['a digest', `newName: b\ndigest: ${B}\n`, { replaced: `newName: b\ndigest: ${A}\n`, unpinned: 'newName: b\n' }],
  ['what is no digest', 'newName: b\ndigest: x\n', { blocked: "'x' is not a digest" }],
];
for (const [name, text, expected] of renames)
  test(`kustomize, a new name only: ${name}`, () => {
    const map = parseYaml(text, 0, text.length) as MapNode;
    const key = (name: string) => map.entries.find((entry) => entry.key.value === name);
    assert.deepEqual(
      applied(text, renameSlot(text, map, key('newName') as MapNode['entries'][0], key('digest'))),
      expected,
    );
  });
