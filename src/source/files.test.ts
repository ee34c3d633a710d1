import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { listFiles } from './files.ts';
import { readFiles } from './read.ts';

const root = mkdtempSync(join(tmpdir(), 'tagproof-files-'));
after(() => rmSync(root, { recursive: true }));

function put(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const pod = (image: string) => `apiVersion: v1\nkind: Pod\nspec: {containers: [{image: ${image}}]}\n`;
const OPTIONS = { fields: [], argsAndEnv: false };

test('a folder: the files that may hold images, without ignored ones, each once', () => {
  put('repo/.gitignore', 'build/\n*.tmp.yaml\n!keep.tmp.yaml\n');
  put('repo/.git/config', '');
  put('repo/.git/x.yaml', '');
  put('repo/a.yaml', '');
  put('repo/readme.md', '');
  put('repo/build/b.yaml', '');
  put('repo/c.tmp.yaml', '');
  put('repo/keep.tmp.yaml', '');
  put('repo/sub/.tagproofignore', '/d.yaml\n');
  put('repo/sub/d.yaml', '');
  put('repo/sub/e.json', '');
  put('repo/sub/Dockerfile.dev', '');
  put('repo/node_modules/x/values.yaml', '');
  put('repo/vendor/f.yaml', '');
  symlinkSync('..', join(root, 'repo/sub/loop'));
  symlinkSync('../a.yaml', join(root, 'repo/sub/link.yaml'));
  const expected = ['a.yaml', 'keep.tmp.yaml', 'sub/Dockerfile.dev', 'sub/e.json'];
  assert.deepEqual(
    listFiles(['.'], {
      cwd: join(root, 'repo'),
      exclude: [{ folder: join(root, 'repo'), patterns: ['vendor/'], from: 'find.exclude' }],
    }),
    {
      files: expected,
      problems: [],
      links: [],
      passedOver: [
        { file: 'sub/d.yaml', kind: 'left-out', reason: 'left out by .tagproofignore' },
        { file: 'vendor', kind: 'left-out', reason: 'left out by find.exclude' },
      ],
    },
  );
  assert.deepEqual(listFiles(['sub'], { cwd: join(root, 'repo') }).files, ['sub/Dockerfile.dev', 'sub/e.json']);
  assert.deepEqual(listFiles(['*.yaml', 'readme.md'], { cwd: join(root, 'repo') }).files, [
    'a.yaml',
    'c.tmp.yaml',
    'keep.tmp.yaml',
  ]);
});

test('what is not there is one problem, the rest goes on', () => {
  const { files, problems } = listFiles(['nope', 'nope/*.yaml', 'a.yaml'], { cwd: join(root, 'repo') });
  assert.deepEqual(files, ['a.yaml']);
  assert.deepEqual(problems.map(String), [
    'nope: there is no such file or folder',
    'nope/*.yaml: there is no such file or folder',
  ]);
});

test('unreadable, binary, UTF-16 and huge files cost only themselves', async () => {
  put('bad/good.yaml', pod('ok:1'));
  put('bad/binary.yaml', Buffer.from([0x69, 0x6d, 0x61, 0x67, 0x65, 0x00]));
  put('bad/latin.yaml', Buffer.from([...Buffer.from('image: '), 0xe9]));
  put('bad/huge.yaml', '');
  truncateSync(join(root, 'bad/huge.yaml'), 1024 ** 4); // sparse; more than any buffer: it must be refused before it is read
  put('bad/secret.yaml', pod('s:1'));
  chmodSync(join(root, 'bad/secret.yaml'), 0);
  const { files } = listFiles(['bad'], { cwd: root });
  const results = await readFiles([...files, 'bad/gone.yaml'], root, OPTIONS);
  const problems = results.flatMap((result) =>
    result.problems.map((problem) => `${problem.where.file} ${problem.code}`),
  );
  const unreadable = process.getuid?.() === 0 ? [] : ['bad/secret.yaml file'];
  assert.deepEqual(problems, [
    'bad/binary.yaml encoding',
    'bad/huge.yaml limit',
    'bad/latin.yaml encoding',
    ...unreadable,
    'bad/gone.yaml file',
  ]);
  assert.ok(results.some((result) => result.found[0]?.reference.text === 'ok:1'));
});

test('a file whose only image has an escaped key is read; one without any word for an image is not even decoded', async () => {
  put('words/escaped.json', '{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"im\\u0061ge":"a:1"}]}}');
  put('words/latin.yaml', Buffer.from([...Buffer.from('name: '), 0xe9]));
  put('words/escape-in-binary.yaml', Buffer.from('\\u0061\0'));
  const { files } = listFiles(['words'], { cwd: root });
  assert.equal(files.length, 3);
  const results = await readFiles(files, root, OPTIONS);
  assert.deepEqual(
    results.map(({ file, found }) => [file, found.length]),
    [
      ['words/escape-in-binary.yaml', 0], // a problem: nobody knows what it says
      ['words/escaped.json', 1],
    ],
  );
});

test('when it takes long, workers join in: the same results in the same order', async () => {
  for (let i = 0; i < 500; i++)
    put(`many/${String(i).padStart(3, '0')}.yaml`, i === 250 ? 'image: [\n' : pod(`web:${i}`));
  const { files } = listFiles(['many'], { cwd: root });
  let done = 0;
  const results = await readFiles(files, root, OPTIONS, { progress: (count) => (done = count), helpAfterMs: 0 });
  assert.equal(results.length, 500);
  assert.deepEqual(
    results.map((result) => result.file),
    files,
  );
  assert.equal(results[250]?.problems[0]?.code, 'syntax');
  assert.match(String(results[250]?.problems[0]), /^many\/250\.yaml:\d+:\d+: not valid YAML/);
  assert.equal(results[499]?.found[0]?.reference.tag, '499');
  assert.equal(done, 500);
});
