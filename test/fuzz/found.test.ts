// What the fuzzer found, shrunken: each line stands for its kind, and goes through the whole promise of pin and unpin.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findIn } from '../../src/source/find.ts';
import { examine, type Outcome } from './examine.ts';

const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'tagproof-fuzz-'));
process.chdir(folder);
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

type FoundCase = {
  readonly name: string;
  readonly file?: string;
  readonly text: string;
  /** `line:column reference`, with `blocked` where no digest may be written; or `reason text` of what is skipped. */
  readonly places: readonly string[];
  readonly state: Outcome['state'];
};

const POD = 'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n';

const CASES: readonly FoundCase[] = [
  {
    name: 'P1: a block that begins with the image, in a block, in a block',
    text: 'a: |\n  b: |\n    image: x:1\n',
    places: ['3:12 x:1'],
    state: 'pinned',
  },
  {
    name: 'P1: the same without an end of the last line',
    text: 'a: |\n b: |\n  {c: {image: x:1}}',
    places: ['3:15 x:1'],
    state: 'pinned',
  },
  {
    name: 'P1: a blank line above it has no indentation',
    text: 'a: |\n  b: |\n\n    image: x:1\n',
    places: ['4:12 x:1'],
    state: 'pinned',
  },
  {
    name: 'P1: a block with an indentation indicator, read by the second reader',
    text: 'a: |1\n  x: "\u0001"\n  image: x:1\n',
    places: ['3:10 x:1'],
    state: 'pinned',
  },
  {
    name: 'P1: documents that end with CR alone are all read',
    text: 'a: 1\r---\r- image: x:1\r---\r- image: y:2\r',
    places: ['1:19 x:1', '1:36 y:2'],
    state: 'pinned',
  },
  {
    name: 'a document after `...` is read, and its directive belongs to it',
    text: 'image: x:1\n...\nimage: y:2\n...\n%YAML 1.1\n---\nimage: z:3\n',
    places: ['1:8 x:1', '3:8 y:2', '7:8 z:3'],
    state: 'pinned',
  },
  {
    name: 'a document that cannot be read does not keep the others from being pinned',
    text: 'image: x:1\n---\nimage: y:1\n bad: [\n---\nimage: z:1\n',
    places: ['1:8 x:1', '6:8 z:1'],
    state: 'pinned',
  },
  {
    name: 'P4: a number in JSON takes no digest behind it',
    file: 'a.json',
    text: '{"image": {"repository": "a.b/c", "tag": 7}}',
    places: ['1:27 a.b/c:7 blocked'],
    state: 'nothing',
  },
  {
    name: 'P4: a number where an image belongs is no image; in quotes, in a block, or with a tag it is',
    text: `${POD}  - image: 1234\n  - image: "1234"\n  - image: |-\n      1234\n  - image: !!str 1234\n`,
    places: ['invalid 1234', '6:13 1234', '8:7 1234', '9:18 1234'],
    state: 'pinned',
  },
  {
    name: 'null is no image, a boolean is none either',
    text: `${POD}  - image: null\n  - image: ~\n  - image: true\n  - image: 'null'\n`,
    places: ['invalid true', '8:13 null'],
    state: 'pinned',
  },
  {
    name: 'a name that is written as a block is where its text is',
    file: 'kustomization.yaml',
    text: 'images:\n  - name: >-\n     nginx\n    newTag: v1\n',
    places: ['3:6 nginx:v1'],
    state: 'pinned',
  },
  {
    name: 'a key in quotes: the digest: line begins in the column of its quote',
    file: 'kustomization.yaml',
    text: 'images:\n  - name: nginx\n    "newTag": v1\n',
    places: ['2:11 nginx:v1'],
    state: 'pinned',
  },
  {
    name: 'an anchor before the key: the digest follows the tag',
    file: 'kustomization.yaml',
    text: 'images:\n  - name: nginx\n    &a newTag: v1\n',
    places: ['2:11 nginx:v1'],
    state: 'pinned',
  },
  {
    name: 'P27: a digest: line ends as the line above where lines end with CR',
    file: 'kustomization.yaml',
    text: 'images:\r- name: nginx\r  newTag: v1',
    places: ['1:17 nginx:v1'],
    state: 'pinned',
  },
  {
    name: 'a digest that is an alias gets no second digest: key beside it',
    file: 'kustomization.yaml',
    text: 'x: &d ""\nimages:\n  - digest: *d\n    name: nginx\n    newTag: v1\n',
    places: ['4:11 nginx:v1 blocked'],
    state: 'nothing',
  },
  {
    name: 'a tag that is the word null in quotes is a tag',
    text: 'image:\n  repository: a.b/c\n  tag: "null"\n',
    places: ['2:15 a.b/c:null'],
    state: 'pinned',
  },
  {
    name: 'escapes: the place has a reason and no slot, and does not keep the file from being pinned',
    text: `${POD}  - image: "\\x6eginx:1"\n  - image: x:1\n`,
    places: ['5:13 nginx:1 blocked', '6:12 x:1'],
    state: 'pinned',
  },
  {
    name: 'escapes in the repository of an image in parts',
    text: 'image:\n  repository: "quay.i\\x6f/a/b"\n  tag: v1\n',
    places: ['2:16 quay.io/a/b:v1 blocked'],
    state: 'nothing',
  },
  {
    name: 'the slashes that writers of JSON escape',
    file: '.github/workflows/ci.yml',
    text: 'jobs:\n a: {"services":{b: {image: "a.b\\/c"}}}\n',
    places: ['2:30 a.b/c'],
    state: 'pinned',
  },
  {
    name: 'an empty digest in a document inside a document is filled',
    file: 'values.yaml',
    text: 'a: |\n  image:\n    repository: a/b\n    tag: v1\n    imageDigest: ""\n    sha: ""\n',
    places: ['3:17 a/b:v1'],
    state: 'pinned',
  },
  {
    name: 'a URL that hides behind an escape, a slash of JSON, or a line break',
    text: 'jobs: {a: {steps: [{uses: "doc\\x6ber://a:1"}, {uses: "docker:\\/\\/b:1"}, {uses: "dock\\\n   er://c:1"}]}}\n',
    file: '.github/workflows/ci.yml',
    places: ['1:40 a:1', '1:66 b:1', '2:9 c:1'],
    state: 'pinned',
  },
  {
    name: 'a key with a mark of its own and a comment behind it',
    text: '? image # why\n: a.b/c:1\n',
    places: ['2:3 a.b/c:1'],
    state: 'pinned',
  },
  {
    name: 'P31: an image whose anchor a label uses too gets no digest, one whose anchor only images use does',
    text: `${POD}  - image: &a x:1\n    env: [{name: V, value: *a}]\n  - image: &b y:1\n  - image: *b\n`,
    places: ['5:15 x:1 blocked', '7:15 y:1'],
    state: 'pinned',
  },
  {
    name: 'P31: an empty digest behind an anchor is not filled',
    text: 'image:\n  repository: a.b/c\n  tag: v1\n  digest: &d ""\nother: *d\n',
    places: ['2:15 a.b/c:v1 blocked'],
    state: 'nothing',
  },
  {
    name: 'white space that YAML does not know is part of the name',
    text: `${POD}  - image: x:1\u00a0\n`,
    places: ['invalid x:1\u00a0'],
    state: 'nothing',
  },
  {
    name: 'P31: the tag of two overrides behind one anchor, where no line can follow it',
    file: 'kustomization.yaml',
    text: 'images:\n- {name: a, newTag: &v "1"}\n- {name: b, newTag: *v}\n',
    places: ['2:10 a:1 blocked', '3:10 b:1 blocked'],
    state: 'nothing',
  },
  {
    name: 'a tag that begins a line inside braces',
    file: 'kustomization.yaml',
    text: 'images: [{name: a,\n  newTag: v1\n  }]\n',
    places: ['1:17 a:v1'],
    state: 'pinned',
  },
  {
    name: 'what ONBUILD copies from',
    file: 'Dockerfile',
    text: 'FROM a:1\nONBUILD COPY --from=b:1 x y\nONBUILD RUN --mount=type=bind,from=c:1 x\n',
    places: ['1:6 a:1', '2:21 b:1', '3:36 c:1'],
    state: 'pinned',
  },
  {
    name: 'the tag of a FROM in an ARG',
    file: 'Dockerfile',
    text: 'ARG V="3"\nFROM nginx:$V\n',
    places: ['1:8 nginx:3'],
    state: 'pinned',
  },
  {
    name: 'a Dockerfile that YAML could read as something else',
    file: 'Dockerfile',
    text: 'FROM x\r:\r',
    places: ['1:6 x'],
    state: 'pinned',
  },
  {
    name: 'a digest and a tag in the name of an override',
    file: 'kustomization.yaml',
    text: `images:\n- name: a\n  newName: ghcr.io/o/a:v1\n  digest: sha256:${'c'.repeat(64)}\n- name: b\n  newTag: v2\n`,
    places: [`3:12 ghcr.io/o/a:v1@sha256:${'c'.repeat(64)}`, '5:9 b:v2'],
    state: 'pinned',
  },
];

for (const { name, file = 'a.yaml', text, places, state } of CASES)
  test(name, async () => {
    const { found, skipped } = await findIn(text, file, { fields: [], argsAndEnv: false });
    const shown = [
      ...found.map(({ start, line, column, reference, slot }) => ({
        start,
        says: `${line}:${column} ${reference.text}${slot.blocked === undefined ? '' : ' blocked'}`,
      })),
      ...skipped.map(({ start, reason, text }) => ({ start, says: `${reason} ${text}` })),
    ].sort((a, b) => a.start - b.start);
    assert.deepEqual(
      shown.map(({ says }) => says),
      places,
    );
    const outcome = await examine({ file, bytes: Buffer.from(text), images: [] });
    assert.equal(outcome.state, state);
  });
