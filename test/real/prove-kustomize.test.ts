// The proof by rendering, with the real kustomize: right edits of generated trees are proved, single faults in them are refused.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { Reference } from '../../src/flow.ts';
import { seeAsDeployed } from '../../src/graph/graph.ts';
import { digestOf } from '../../src/image/hash.ts';
import { printReference, withoutDigest } from '../../src/image/reference.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { type EditedFile, proveRendered } from '../../src/render/prove.ts';
import { applyEdits, pinEdit } from '../../src/source/edit.ts';
import { findIn } from '../../src/source/find.ts';
import { makeRepository, podWith, runTagproof } from '../run-cli.ts';
import { atEnd, scratch, suite, writeTree } from './suite.ts';

const NAMES = ['redis', 'app', 'host.example:5000/team/app', 'mirror.example/cache/redis'];
const name = fc.constantFrom(...NAMES);
const tag = fc.constantFrom('1', 'v2.0');
const override = fc.record({ name, newName: name, newTag: tag }, { requiredKeys: ['name'] });
const tree = fc.record({
  bases: fc.array(fc.array(fc.tuple(name, tag), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  component: fc.array(override, { maxLength: 2 }),
  overlays: fc.array(fc.array(override, { maxLength: 2 }), { minLength: 1, maxLength: 2 }),
  usesComponent: fc.boolean(),
  generates: fc.boolean(),
});
type Generated = typeof tree extends fc.Arbitrary<infer T> ? T : never;

function filesOf({ bases, component, overlays, usesComponent, generates }: Generated): Map<string, string> {
  const files = new Map<string, string>();
  for (const [b, images] of bases.entries()) {
    files.set(`base-${b}/kustomization.yaml`, 'resources: [web.yaml]\n');
    files.set(
      `base-${b}/web.yaml`,
      podWith(...images.map(([n, t], i) => `${n}:${t}\n    name: c${i}`)).replace('name: p', `name: web-${b}`),
    );
  }
  files.set(
    'part/kustomization.yaml',
    JSON.stringify({ apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component', images: component }),
  );
  for (const [o, images] of overlays.entries())
    files.set(
      `overlay-${o}/kustomization.yaml`,
      JSON.stringify({
        resources: bases.map((_, b) => `../base-${b}`),
        ...(usesComponent && { components: ['../part'] }),
        ...(generates && { configMapGenerator: [{ name: 'c', literals: ['A=b'] }] }),
        images,
      }),
    );
  return files;
}

const keyOf = (reference: Reference) => printReference(withoutDigest(reference));
const digestFor = (reference: Reference) => digestOf(keyOf(reference));
const options = { fields: [], argsAndEnv: false };
const prove = (top: string, { edited, written }: Pinned) =>
  proveRendered({
    top,
    edited,
    isDigestOf: (isUsed) => (digest, reference) =>
      digest === digestFor(reference) || (isUsed && written.has(`${digest} ${keyOf(reference)}`)),
    signal: new AbortController().signal,
    progress: () => {},
  });

/** Edited files; and digests that stand beside the name that an overlay replaces. */
type Pinned = { readonly edited: readonly EditedFile[]; readonly written: ReadonlySet<string> };

/** What pin would write. */
async function pinned(folder: string, files: ReadonlyMap<string, string>): Promise<Pinned> {
  const results = await Promise.all([...files].map(([path, text]) => findIn(text, path, options)));
  const seen = await seeAsDeployed(results, { files: [...files.keys()], top: folder });
  const written = new Set<string>();
  const edited = seen.flatMap(({ file, found }): EditedFile[] => {
    const edits = found
      .filter(({ slot, overriddenBy }) => slot.blocked === undefined && overriddenBy === undefined)
      .flatMap((item) => {
        if (item.written !== undefined) written.add(`${digestFor(item.reference)} ${keyOf(item.written)}`);
        return pinEdit(item, digestFor(item.reference)) ?? [];
      });
    const text = files.get(file) as string;
    const after = applyEdits(text, edits);
    return edits.length === 0 ? [] : [{ path: file, before: Buffer.from(text), after: Buffer.from(after) }];
  });
  return { edited, written };
}

suite('pin --prove with kustomize', ['kustomize'], () => {
  const root = scratch();
  let run = 0;
  const registry = new EmbeddedRegistry();
  let host = '';
  before(async () => {
    host = await registry.listen();
    atEnd(() => registry.close());
    for (const [repository, tags] of [
      ['redis', ['7', '8']],
      ['mirror/redis', ['7']],
      ['app', ['v1']],
    ] as const)
      for (const one of tags)
        await pushSample(host, { repository, tag: one, platforms: ['linux/amd64'], content: repository + one });
  });

  test('edits of generated trees: all kustomizations are proved; the digest of another image is refused', async () => {
    let [edited, wrong] = [0, 0];
    await fc.assert(
      fc.asyncProperty(tree, fc.nat(), async (generated, pick) => {
        const folder = join(root, String(run++));
        const files = filesOf(generated);
        writeTree(folder, files);
        const right = await pinned(folder, files);
        const { edited: edits } = right;
        const proof = await prove(folder, right);
        assert.deepEqual([proof.refused.map(String), proof.notRendered], [[], []], JSON.stringify([...files]));
        assert.equal(proof.kustomizations.length, generated.bases.length + generated.overlays.length);
        edited += edits.length;
        if (edits.length === 0) return;
        // One digest of one edited file becomes another one.
        const at = pick % edits.length;
        const fault = edits.map((edit, i) =>
          i !== at
            ? edit
            : { ...edit, after: Buffer.from(edit.after.toString().replace(/sha256:\w{64}/, digestOf(`x${pick}`))) },
        );
        const refused = (await prove(folder, { ...right, edited: fault })).refused;
        // An entry for an image that nothing renders changes nothing.
        const isRendered = (fault[at] as EditedFile).path.startsWith('base-');
        if (isRendered || refused.length > 0) {
          wrong++;
          assert.match(String(refused[0]), /would differ by more than digests: Pod\/web-\d .*image/);
        }
      }),
      { numRuns: 25, endOnFailure: false },
    );
    assert.ok(edited > 25 && wrong > 10, `${edited} edited files, ${wrong} faults`);
  });

  const cli = async (files: Record<string, string>) => {
    const folder = makeRepository(
      Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replaceAll('HOST', host)])),
    );
    writeFileSync(join(folder, 'tagproof.yaml'), '{}\n');
    const tmp = makeRepository({});
    const result = await runTagproof(folder, ['pin', '--prove'], { env: { TMPDIR: tmp } });
    assert.deepEqual(readdirSync(tmp), []);
    return { ...result, text: (path: string) => readFileSync(join(folder, path), 'utf8') };
  };
  const base = { 'base/kustomization.yaml': 'resources: [pod.yaml]\n', 'base/pod.yaml': podWith('HOST/redis:7') };

  test('an overlay, patches, a ConfigMap with a hash in its name: proved and written', async () => {
    const { code, stdout, stderr, text } = await cli({
      ...base,
      'prod/kustomization.yaml':
        'resources: [../base]\nimages: [{name: HOST/redis, newTag: "8"}]\nconfigMapGenerator: [{name: c, files: [inner.yaml]}]\n',
      'prod/inner.yaml': podWith('HOST/app:v1'),
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^proved 2 kustomizations and 0 charts$/m);
    assert.match(text('prod/inner.yaml'), /app:v1@sha256:/);
  });

  test('P2: a base whose image an overlay renames: its digest is of the image that the overlay deploys', async () => {
    const { code, stdout, stderr, text } = await cli({
      ...base,
      'over/kustomization.yaml': 'resources: [../base]\nimages: [{name: HOST/redis, newName: HOST/mirror/redis}]\n',
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^proved 2 kustomizations and 0 charts$/m);
    assert.match(text('base/pod.yaml') + text('over/kustomization.yaml'), /sha256:/);
  });

  const HIDDEN: [name: string, files: Record<string, string>, message: RegExp][] = [
    [
      'P2: a transformer that renames the image',
      {
        'over/kustomization.yaml': 'resources: [../base]\ntransformers: [t.yaml]\n',
        'over/t.yaml':
          'apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: t}\nimageTag: {name: HOST/redis, newName: HOST/mirror/redis}\n',
      },
      /mirror\/redis:7" became .*mirror\/redis:7@sha256/,
    ],
    [
      'a replacement that takes the tag apart',
      {
        'over/kustomization.yaml':
          'resources: [../base]\nreplacements:\n- source: {kind: Pod, fieldPath: "spec.containers.0.image", options: {delimiter: "/", index: 1}}\n  targets: [{select: {kind: Pod}, fieldPaths: [metadata.name]}]\n',
      },
      /metadata\.name: "redis:7" became/,
    ],
  ];
  for (const [what, files, message] of HIDDEN)
    test(`refused: ${what}`, async () => {
      const { code, stdout, stderr, text } = await cli({ ...base, ...files });
      assert.equal(code, 2, stdout);
      assert.match(stderr, message);
      assert.match(stdout, /proved 1 kustomization and 0 charts; 1 refused/);
      assert.equal(text('base/pod.yaml'), podWith(`${host}/redis:7`));
    });
});
