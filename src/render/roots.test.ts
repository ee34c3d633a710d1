// What is rendered, and what is not handed to a program, with the reason. The copy leaves nothing behind.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { copyTree, replaceInCopy, type TreeCopy } from './copy.ts';
import { findRoots } from './roots.ts';

const base = mkdtempSync(join(tmpdir(), 'tagproof-roots-'));
const copies: TreeCopy[] = [];
after(() => {
  for (const copy of copies) copy.remove();
  rmSync(base, { recursive: true, force: true });
});
let count = 0;

function treeOf(files: Readonly<Record<string, string>>): string {
  const folder = join(base, String(count++));
  mkdirSync(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function copyOf(files: Readonly<Record<string, string>>): TreeCopy {
  const copy = copyTree(treeOf(files));
  copies.push(copy);
  return copy;
}

const rootsOf = (files: Readonly<Record<string, string>>) => {
  const { roots, not } = findRoots(copyOf(files));
  return {
    roots: roots.map(({ program, name }) => `${program} ${name}`),
    not: not.map(({ name, reason }) => `${name}: ${reason}`),
  };
};

test('kustomizations by every name, not components; charts with each of their values', () => {
  const chart = 'apiVersion: v2\nname: c\nversion: 1.0.0\n';
  assert.deepEqual(
    rootsOf({
      'kustomization.yaml': 'resources: [a, b.yaml]\n',
      'b.yaml': '',
      'a/kustomization.yml': 'components: [../part]\n',
      'part/kustomization.yaml': 'kind: Component\n',
      'x/Kustomization': 'namespace: x\n',
      'chart/Chart.yaml': chart,
      'chart/values.yaml': '',
      'chart/values-prod.yaml': '',
      'chart/ci/test-values.yaml': '',
      'chart/templates/values.yaml': '',
      'chart/charts/sub/Chart.yaml': chart,
      'node_modules/m/kustomization.yaml': '',
    }),
    {
      roots: [
        'kustomize a',
        'helm chart',
        'helm chart with ci/test-values.yaml',
        'helm chart with values-prod.yaml',
        'helm chart/charts/sub',
        'kustomize .',
        'kustomize x',
      ],
      not: [],
    },
  );
});

test('a kustomization that another one takes is known as used', () => {
  const { roots } = findRoots(
    copyOf({
      'base/kustomization.yaml': 'namespace: x\n',
      'middle/kustomization.yaml': 'resources: [../base/]\n',
      'top/kustomization.yaml': 'resources: [../middle]\n',
    }),
  );
  assert.deepEqual(
    roots.map(({ name, isUsed }) => [name, isUsed]),
    [
      ['base', true],
      ['middle', true],
      ['top', false],
    ],
  );
});

const REMOTE: [name: string, content: string, reason: string][] = [
  [
    'a remote base',
    'resources: ["https://github.com/org/repo//base?ref=v1"]',
    "'https://github.com/org/repo//base?ref=v1' is not in this tree",
  ],
  [
    'a remote base without scheme',
    'resources: [github.com/org/repo/base]',
    "'github.com/org/repo/base' is not in this tree",
  ],
  ['a remote base by ssh', 'bases: ["git@host:org/repo"]', "'git@host:org/repo' is not in this tree"],
  ['a remote file', 'resources: ["https://host/x.yaml"]', "'https://host/x.yaml' is not in this tree"],
  ['a remote component', 'components: ["https://host/x"]', "'https://host/x' is not in this tree"],
  ['a remote patch', 'patches: [{path: "https://host/p.yaml"}]', "'https://host/p.yaml' is not in this tree"],
  [
    'a remote file of a generator',
    'configMapGenerator: [{name: a, files: ["k=https://host/f"]}]',
    "'k=https://host/f' is not in this tree",
  ],
  ['a remote schema', 'openapi: {path: "https://host/s.json"}', "'https://host/s.json' is not in this tree"],
  ['a folder above the tree', 'resources: [../..]', "'../..' is not in this tree"],
  ['a base whose base is remote', 'resources: [deep]', "'https://host/y' is not in this tree"],
  ['a chart', 'helmCharts: [{name: a}]', 'helmCharts: kustomize would call helm to fetch a chart'],
  ['no YAML', '[', 'kustomization.yaml cannot be read'],
];
for (const [name, content, reason] of REMOTE)
  test(`not rendered: ${name}`, () => {
    const { roots, not } = rootsOf({
      'kustomization.yaml': content,
      'deep/kustomization.yaml': 'resources: ["https://host/y"]\n',
    });
    assert.deepEqual(
      not.filter((line) => line.startsWith('.:')),
      [`.: ${reason}`],
    );
    assert.ok(!roots.includes('kustomize .'));
  });

test('addresses that are content keep nothing from being rendered', () => {
  const content =
    'configMapGenerator: [{name: a, literals: ["URL=https://host/x"]}]\npatches: [{patch: "- op: add\\n  value: https://host/x\\n"}]\n';
  assert.deepEqual(rootsOf({ 'kustomization.yaml': content }), { roots: ['kustomize .'], not: [] });
});

test('a chart: dependencies in charts/ or elsewhere in the tree; else it is not rendered', () => {
  const chart = (name: string, dependencies = '') => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${dependencies}`;
  const local = 'dependencies: [{name: lib, version: 1.0.0, repository: "file://../lib"}]\n';
  const remote =
    'dependencies: [{name: redis, version: 1.0.0, repository: "https://charts.host"}, {name: db, repository: "oci://host"}]\n';
  const files = {
    'app/Chart.yaml': chart('app', local),
    'lib/Chart.yaml': `${chart('lib')}type: library\n`,
    'far/Chart.yaml': chart('far', remote),
    'near/Chart.yaml': chart('near', remote),
    'near/charts/redis-1.0.0.tgz': '',
    'near/charts/db/Chart.yaml': chart('db'),
    'self/Chart.yaml': chart('self', 'dependencies: [{name: up, repository: "file://.."}]\n'),
  };
  const copy = copyOf(files);
  const { roots, not } = findRoots(copy);
  assert.deepEqual(
    roots.map(({ name }) => name),
    ['app', 'near', 'near/charts/db'],
  );
  assert.deepEqual(
    not.map(({ name, reason }) => `${name}: ${reason}`),
    [
      'far: chart dependencies not vendored: redis, db',
      'lib: a library chart renders nothing by itself',
      'self: chart dependencies not vendored: up',
    ],
  );
  assert.ok(existsSync(join(copy.folder, 'app/charts/lib/Chart.yaml')), 'linked in the copy');
});

test('the copy: files and links inside the tree; .git and links that leave it stay behind; bounds leave nothing', (t) => {
  const top = treeOf({ 'a/x.yaml': 'x', '.git/config': 'secret' });
  symlinkSync('a/x.yaml', join(top, 'inside'));
  symlinkSync(join(top, 'a'), join(top, 'absolute'));
  symlinkSync('/etc/passwd', join(top, 'outside'));
  symlinkSync('../..', join(top, 'a/up'));
  const copy = copyTree(top);
  copies.push(copy);
  assert.deepEqual(readdirSync(copy.folder).sort(), ['a', 'absolute', 'inside']);
  assert.deepEqual(readdirSync(join(copy.folder, 'a')), ['x.yaml']);
  writeFileSync(join(copy.folder, 'absolute/y'), '');
  assert.ok(!existsSync(join(top, 'a/y')), 'an absolute link leads into the copy');
  replaceInCopy(copy, 'a/x.yaml', Buffer.from('x'), Buffer.from('y'));
  assert.equal(readFileSync(join(copy.folder, 'inside'), 'utf8'), 'y');
  assert.equal(readFileSync(join(top, 'a/x.yaml'), 'utf8'), 'x');
  assert.throws(() => replaceInCopy(copy, 'a/x.yaml', Buffer.from('x'), Buffer.from('z')), { code: 'changed' });
  copy.remove();
  assert.ok(!existsSync(dirname(copy.folder)));
  const [before, own] = [process.env['TMPDIR'], join(base, 'tmp')];
  mkdirSync(own);
  process.env['TMPDIR'] = own;
  t.after(() => (before === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = before)));
  assert.throws(() => copyTree(top, { files: 0, bytes: 100 }), { code: 'limit' });
  assert.throws(() => copyTree(top, { files: 100, bytes: 0 }), { code: 'limit' });
  assert.deepEqual(readdirSync(own), []);
});
