// Pinned trees under the real kustomize: after every place that the graph offers has its digest, each rendered image carries the
// digest of what was rendered before, or a place says why it does not. Nothing is silent, and unpin restores every byte.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Found, Skipped } from '../../src/flow.ts';
import { isKustomizationFile, readKustomizationFile } from '../../src/graph/kustomization-file.ts';
import { deployTree } from '../../src/graph/tree.ts';
import { digestOf } from '../../src/image/hash.ts';
import { parseReference, printReference, withoutDigest } from '../../src/image/reference.ts';
import { Problem } from '../../src/problem.ts';
import { applyEdits, pinEdit, unpinEdit } from '../../src/source/edit.ts';
import { type FileResult, findIn } from '../../src/source/find.ts';
import { command, scratch, suite, writeTree } from './suite.ts';

const name = fc.constantFrom('redis', 'app', 'host.example:5000/team/app', 'Controller');
const tag = fc.constantFrom('1', 'v2.0', 'latest');
const image = fc.tuple(name, fc.option(tag, { nil: undefined })).map(([n, t]) => (t === undefined ? n : `${n}:${t}`));
const override = fc.record(
  {
    name,
    newName: fc.constantFrom('mirror.example/cache/redis', 'app', 'ghcr.io/org/app'),
    newTag: fc.constantFrom('3', 'v4'),
    tagSuffix: fc.constantFrom('-alpine', '-rootless'),
  },
  { requiredKeys: ['name'] },
);
const images = fc.array(override, { maxLength: 2 });
/** A patch of one container; `other` is the object that its own name says, where a target chooses another. */
const patch = fc.record({
  base: fc.nat(1),
  container: fc.nat(1),
  image,
  form: fc.constantFrom('path', 'inline', 'legacy', 'target'),
  other: fc.nat(1),
});
const patches = fc.array(patch, { maxLength: 2 });
const tree = fc.record({
  bases: fc.array(
    fc.record({ containers: fc.array(image, { minLength: 1, maxLength: 2 }), images, patches, flow: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 2,
    },
  ),
  overlays: fc.array(fc.record({ images, patches, flow: fc.boolean(), both: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
  }),
});
type Tree = typeof tree extends fc.Arbitrary<infer T> ? T : never;

/** Entries over several lines, or one whose entries are flow mappings, which take no further line. */
const entries = (list: readonly object[], flow: boolean) =>
  flow
    ? list.map((item) => `- ${JSON.stringify(item)}\n`).join('')
    : list
        .map((item) =>
          Object.entries(item)
            .map(([key, value], i) => `${i === 0 ? '-' : ' '} ${key}: ${JSON.stringify(value)}\n`)
            .join(''),
        )
        .join('');
const pod = (name: string, list: readonly string[]) =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n  containers:\n${list.join('')}`;
const container = (index: number, text: string) => `  - name: c${index}\n    image: ${text}\n`;

/** Patches of the bases that a kustomization takes: their files, and how it names them. */
function patchesOf(list: Tree['overlays'][number]['patches'], bases: readonly number[], folder: string) {
  const files: [path: string, text: string][] = [];
  const named: string[] = [];
  const legacy: string[] = [];
  for (const [i, { base, container: index, image: text, form, other }] of list.entries()) {
    if (!bases.includes(base)) continue;
    const content = pod(`web-${form === 'target' ? other : base}`, [container(index, text)]);
    const inline = `  patch: |\n${content.replaceAll(/^/gm, '    ').trimEnd()}\n`;
    if (form === 'inline') named.push(`-${inline.slice(1)}`);
    else if (form === 'target') named.push(`- target:\n    kind: Pod\n    name: web-${base}\n${inline}`);
    else {
      files.push([`${folder}/patch-${i}.yaml`, content]);
      if (form === 'legacy') legacy.push(`- patch-${i}.yaml\n`);
      else named.push(`- path: patch-${i}.yaml\n`);
    }
  }
  const keys = [
    ['patches', named],
    ['patchesStrategicMerge', legacy],
  ] as const;
  return { files, text: keys.map(([key, items]) => (items.length === 0 ? '' : `${key}:\n${items.join('')}`)).join('') };
}

const kustomization = (resources: readonly string[], list: readonly object[], flow: boolean) =>
  `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n${resources.map((path) => `- ${path}\n`).join('')}${list.length === 0 ? '' : `images:\n${entries(list, flow)}`}`;

function filesOf({ bases, overlays }: Tree): Map<string, string> {
  const files = new Map<string, string>();
  const add = (folder: string, resources: readonly string[], own: Tree['overlays'][number], on: readonly number[]) => {
    const { files: patched, text } = patchesOf(own.patches, on, folder);
    files.set(`${folder}/kustomization.yaml`, kustomization(resources, own.images, own.flow) + text);
    for (const [path, content] of patched) files.set(path, content);
  };
  for (const [b, own] of bases.entries()) {
    add(`base-${b}`, ['web.yaml'], { ...own, both: false }, [b]);
    files.set(
      `base-${b}/web.yaml`,
      pod(
        `web-${b}`,
        own.containers.map((text, i) => container(i, text)),
      ),
    );
  }
  for (const [o, own] of overlays.entries()) {
    const on = bases.flatMap((_, b) => (own.both || b === 0 ? [b] : []));
    add(
      `overlay-${o}`,
      on.map((b) => `../base-${b}`),
      own,
      on,
    );
  }
  return files;
}

async function placesOf(files: ReadonlyMap<string, string>): Promise<readonly FileResult[]> {
  const results = await Promise.all(
    [...files].map(([file, text]) => findIn(text, file, { fields: [], argsAndEnv: false })),
  );
  const kustomizations = [...files]
    .filter(([file]) => isKustomizationFile(file))
    .flatMap(([file, text]) => readKustomizationFile(text, file) ?? []);
  return deployTree(results, kustomizations);
}

/** A digest that belongs to one name and tag. */
const fakeDigest = (image: string) => {
  const reference = parseReference(image);
  return reference instanceof Problem ? undefined : digestOf(Buffer.from(printReference(withoutDigest(reference))));
};

function edited(files: ReadonlyMap<string, string>, results: readonly FileResult[], edit: typeof unpinEdit) {
  return new Map(
    results.map(({ file, found }) => [
      file,
      applyEdits(
        files.get(file) as string,
        found.map(edit).filter((item) => item !== undefined),
      ),
    ]),
  );
}

/** Images of a root, in kustomize's order. */
async function render(
  folder: string,
  files: ReadonlyMap<string, string>,
  root: string,
): Promise<{ readonly base: string; readonly image: string }[]> {
  writeTree(folder, files);
  const rendered = await command('kustomize', ['build', join(folder, root)]);
  return rendered.split(/^---$/m).flatMap((object) => {
    const base = `base-${/^ {2}name: web-(\d)$/m.exec(object)?.[1]}`;
    return [...object.matchAll(/^\s*-? ?image: (.*)$/gm)].map(([, text]) => ({ base, image: text as string }));
  });
}

const explains = (item: Found | Skipped) =>
  item.kind === 'skipped' ? item.reason === 'invalid' : item.slot.blocked !== undefined;

suite('kustomize: pinned trees are rendered', ['kustomize'], () => {
  test('P2, P5, P11: each image is rendered with its own digest, or a finding says why not; unpin restores every byte', async () => {
    const root = scratch();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(tree, async (generated) => {
        const folder = join(root, String(run++));
        const files = filesOf(generated);
        const results = await placesOf(files);
        const pinned = edited(files, results, (found) => {
          const digest = fakeDigest(withoutDigest(found.reference).text);
          return found.slot.blocked === undefined && digest !== undefined ? pinEdit(found, digest) : undefined;
        });
        /** Whether a place in one of the folders says why an image has no digest. */
        const isExplained = (...folders: string[]) =>
          results.some(
            ({ file, found, skipped }) => folders.includes(dirname(file)) && [...found, ...skipped].some(explains),
          );
        for (const [o] of generated.overlays.entries()) {
          const before = await render(folder, files, `overlay-${o}`);
          const after = await render(folder, pinned, `overlay-${o}`);
          assert.equal(after.length, before.length);
          for (const [i, { base, image: text }] of after.entries()) {
            const [, digest] = text.split('@');
            const was = before[i]?.image as string;
            if (digest !== undefined) assert.equal(digest, fakeDigest(was), `${was} is rendered as ${text}`);
            else assert.ok(isExplained(base, `overlay-${o}`), `${text} has no digest, and nothing says why`);
          }
        }
        assert.deepEqual(edited(pinned, await placesOf(pinned), unpinEdit), files);
      }),
      { numRuns: 60, endOnFailure: false },
    );
  });
});
