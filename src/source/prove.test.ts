// Edits that prove themselves (P1, S1-3): depth of block scalars, kinds of line ends and of quoting are generated, not listed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Found } from '../flow.ts';
import { applyEdits, pinEdit } from './edit.ts';
import { findIn } from './find.ts';
import { proveEdits } from './prove.ts';

const OPTIONS = { fields: [], argsAndEnv: false };
const D = `sha256:${'d'.repeat(64)}`;

/** Pins everything in memory, with the proof. @returns the edited text, and how many images it pins */
async function pin(text: string, file: string): Promise<{ after: string; pinned: number }> {
  const before = await findIn(text, file, OPTIONS);
  const changes = before.found
    .filter(({ slot }) => slot.blocked === undefined)
    .flatMap((found) => {
      const edit = pinEdit(found, D);
      return edit === undefined ? [] : [{ found, edit, digest: D }];
    });
  const edits = changes.map(({ edit }) => edit);
  const after = applyEdits(text, edits);
  await proveEdits({ text, after, before, changes, options: OPTIONS });
  return { after, pinned: changes.length };
}

const indented = (lines: readonly string[], by: number) =>
  lines.map((line) => (line === '' ? '' : `${' '.repeat(by)}${line}`));

test('P1: a digest lands behind its reference at any depth of block scalars', async () => {
  const text = [
    'apiVersion: v1',
    'kind: ConfigMap',
    'metadata: {name: injector}',
    'data:',
    '  config: |',
    '    template: |',
    '      spec:',
    '        containers:',
    '        - name: a',
    '          image: busybox:1.28',
    '',
  ].join('\n');
  const { after, pinned } = await pin(text, 'injector.yaml');
  assert.equal(pinned, 1);
  assert.equal(after, text.replace('busybox:1.28', `busybox:1.28@${D}`));
});

test('P1: depth, line ends, quoting and indentation are generated; each edit is right or refused', async () => {
  const shape = fc.record({
    depth: fc.integer({ min: 0, max: 2 }),
    end: fc.constantFrom('\n', '\r\n', '\r'),
    quote: fc.constantFrom('', '"', "'"),
    indent: fc.integer({ min: 1, max: 4 }),
    image: fc.constantFrom('busybox:1.28', 'reg.example:5000/a/b:v1', 'nginx'),
    header: fc.constantFrom('|', '|-', '|+', '>', '>-'),
    comment: fc.boolean(),
    final: fc.boolean(),
  });
  let proved = 0;
  await fc.assert(
    fc.asyncProperty(shape, async ({ depth, end, quote, indent, image, header, comment, final }) => {
      let lines = [
        'apiVersion: v1',
        'kind: Pod',
        'spec:',
        '  containers:',
        '  - name: a',
        `    image: ${quote}${image}${quote}${comment ? ' # why' : ''}`,
        '    command: [x]',
      ];
      for (let level = 0; level < depth; level++) lines = [`level${level}: ${header}`, ...indented(lines, indent)];
      const whole = depth === 0 ? lines : ['apiVersion: v1', 'kind: ConfigMap', 'data:', ...indented(lines, 2)];
      const text = whole.join(end) + (final ? end : '');
      const { after, pinned } = await pin(text, 'x.yaml');
      if (pinned === 0) assert.equal(after, text);
      else {
        proved++;
        assert.equal(after, text.replace(image, `${image}@${D}`));
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(proved > 150, `only ${proved} texts held an image`);
});

const text =
  'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: busybox:1.28\n  - name: b\n    image: redis:7\n';
const wrongEdits: [name: string, edit: (found: Found) => Found, says: RegExp][] = [
  [
    'a span that does not spell its reference',
    (found) => ({ ...found, start: found.start - 1 }),
    /expected 'busybox:1\.28'/,
  ],
  [
    'a digest in the middle of a name',
    (found) => ({ ...found, slot: { pin: { at: (found.slot.pin?.at ?? 0) - 3, before: '@', after: '' } } }),
    /expected '1\.28' before the digest/,
  ],
  [
    'a digest that makes another value',
    (found) => ({ ...found, slot: { pin: { at: found.slot.pin?.at ?? 0, before: '\n    x: ', after: '' } } }),
    /no digest|values other than digests/,
  ],
];
for (const [name, change, says] of wrongEdits)
  test(`${name} is refused`, async () => {
    const before = await findIn(text, 'x.yaml', OPTIONS);
    const found = change(before.found[0] as Found);
    const edit = pinEdit(found, D);
    assert.ok(edit);
    const changed = { ...before, found: [found, ...before.found.slice(1)] };
    const proof = {
      text,
      after: applyEdits(text, [edit]),
      before: changed,
      changes: [{ found, edit, digest: D }],
      options: OPTIONS,
    };
    await assert.rejects(proveEdits(proof), says);
  });

const E = `sha256:${'e'.repeat(64)}`;
const rich = `apiVersion: v1
kind: Pod
metadata: {name: p} # why
spec:
  containers:
  - name: a
    image: busybox:1.28
    args: [x]
  - name: b
    image: redis:7
  - name: c
    image: \${LATER}
`;
/** An edited text in which something else has changed, too. Each check has a sentence of its own, so each is seen to hold. */
const tampered: [name: string, change: (after: string) => string, says: RegExp][] = [
  ['a text that is no YAML any more', (after) => `${after}  [\n`, /could not be read again/],
  [
    'an image is gone',
    (after) => after.replace('    image: redis:7\n', ''),
    /2 images were found before the edit, 1 after/,
  ],
  ['an image more', (after) => `${after}  - image: nginx:1\n`, /2 images were found before the edit, 3 after/],
  ['another digest', (after) => after.replace(D, E), /it would carry sha256:e+ and not sha256:d+$/],
  [
    'a digest where none is wanted',
    (after) => after.replace('redis:7', `redis:7@${D}`),
    /it would carry sha256:d+ and not none/,
  ],
  ['another repository', (after) => after.replace('redis:7', 'redix:7'), /redis:7 would become redix:7/],
  ['another registry', (after) => after.replace('redis:7', 'ghcr.io/library/redis:7'), /redis:7 would become ghcr/],
  ['another tag', (after) => after.replace('redis:7', 'redis:8'), /redis:7 would become redis:8/],
  ['no tag', (after) => after.replace('redis:7', 'redis'), /redis:7 would become redis$/],
  [
    'another place',
    (after) => after.replace('containers:', 'initContainers:'),
    /would be found at spec\.initContainers\[0\]\.image/,
  ],
  [
    'another reason for what is skipped',
    (after) => after.replace('$' + '{LATER}', '"{{ later }}"'),
    /what was skipped/,
  ],
  ['another value', (after) => after.replace('{name: p}', '{name: q}'), /values other than digests would change/],
  ['another key', (after) => after.replace('{name: p}', '{title: p}'), /values other than digests would change/],
  [
    'a key more',
    (after) => after.replace('{name: p}', `{name: p, id: "${'f'.repeat(64)}"}`),
    /values other than digests/,
  ],
  ['a key less', (after) => after.replace('    args: [x]\n', ''), /values other than digests would change/],
  ['an item more', (after) => after.replace('[x]', '[x, y]'), /values other than digests would change/],
  ['another document', (after) => `${after}---\na: 1\n`, /values other than digests would change/],
  ['another comment', (after) => after.replace('# why', '# because'), /the edit could not be undone exactly/],
  [
    'another line end',
    (after) => after.replace('kind: Pod\n', 'kind: Pod\r\n'),
    /the edit could not be undone exactly/,
  ],
];
for (const [name, change, says] of tampered)
  test(`refused beside the wanted edit: ${name}`, async () => {
    const before = await findIn(rich, 'x.yaml', OPTIONS);
    const found = before.found[0] as Found;
    const edit = pinEdit(found, D);
    assert.ok(edit);
    const after = applyEdits(rich, [edit]);
    const proof = { text: rich, before, changes: [{ found, edit, digest: D }], options: OPTIONS };
    await proveEdits({ ...proof, after });
    assert.notEqual(change(after), after);
    await assert.rejects(proveEdits({ ...proof, after: change(after) }), says);
  });
