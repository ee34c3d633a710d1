// Single faults in the deployment graph: each makes an overlay or a chart say something else about what runs.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the rows quote source code
import type { Mutant } from './mutant.ts';

const G = 'src/graph';
const override = `${G}/image-override.test.ts`;
const deploy = `${G}/deploy.test.ts`;
const kinds = `${G}/deploy-kinds.test.ts`;
const chains = `${G}/kustomize-chains.test.ts`;
const file = `${G}/kustomization-file.test.ts`;
const use = `${G}/chart-use.test.ts`;
const chart = `${G}/chart.test.ts`;
const forms = `${G}/chart-forms.test.ts`;
const patches = `${G}/patches.test.ts`;
const describe = `${G}/describe.test.ts`;

type Row = [name: string, file: string, from: string, to: string, ...tests: string[]];

// biome-ignore format: a mutant is a line
const rows: Row[] = [
  // what one entry of `images:` does
  ['an override applies to images whose name only begins as its name', 'image-override.ts', 'image.length < name.length || !SUFFIX.test(image.slice(name.length))', 'image.length < name.length', override],
  ['a new tag keeps the digest of the old image', 'image-override.ts', "if (newTag !== '') return { name, tag: newTag, digest };", "if (newTag !== '') return { name, tag: newTag, digest: digest || image.digest };", override],
  ['a new digest stays beside the tag of the old image', 'image-override.ts', "return { name, tag: '', digest };", 'return { name, tag: image.tag, digest };', override],
  ['a suffix of a tag keeps the digest of the old image', 'image-override.ts', "tag: image.tag + tagSuffix, digest: ''", 'tag: image.tag + tagSuffix, digest: image.digest', override],
  ['a port is taken for a tag', 'image-override.ts', "const slash = Math.max(image.indexOf('/'), 0);", 'const slash = 0;', override],
  // what a kustomization says
  ['an override is read without its digest', 'kustomization-file.ts', "(['newName', 'newTag', 'digest', 'tagSuffix'] as const)", "(['newName', 'newTag', 'tagSuffix'] as const)", file],
  ['the files of patches are not taken', 'kustomization-file.ts', 'patches: [...patches, ...merges.filter(', 'patches: [...merges.filter(', file],
  ['the folders of bases are not taken', 'kustomization-file.ts', "[...paths('resources'), ...paths('bases')]", "paths('resources')", file],
  ['a remote resource is taken for a folder of this tree', 'kustomization-file.ts', '.filter(isLocal)', '', file],
  ['an object of Flux overrides a folder beside the root', 'kustomization-file.ts', "const path = posix.join('.', declared.path);", 'const path = posix.join(posix.dirname(file), declared.path);', deploy, kinds],
  // which kustomizations apply to a file
  ['an outer overlay applies before an inner one', 'kustomize-chains.ts', 'chain: [...chain, item]', 'chain: [item, ...chain]', deploy, kinds],
  ['a component applies to its own resources only', 'kustomize-chains.ts', 'inside = [...accumulate(component, inside, depth + 1)];', 'inside.push(...accumulate(component, [], depth + 1));', chains],
  ['overlays that include each other are followed for ever', 'kustomize-chains.ts', 'depth > MAX_DEPTH || ', '', chains],
  ['overlays that double each other exhaust the memory', 'kustomize-chains.ts', 'depth > MAX_DEPTH || count > MAX_CHAINS', 'depth > MAX_DEPTH', chains],
  ['a bound that was reached is not said', 'kustomize-chains.ts', 'incomplete ??= item.file;', '', chains],
  ['what overlays beyond the bound make of an image is guessed', 'tree.ts', 'if (chains.incomplete !== undefined) return', 'if (chains.of.size < 0) return', deploy, kinds],
  ['a base that is taken by another overlay is deployed alone, too', 'kustomize-chains.ts', 'if (used.has(root)) continue;', '', deploy, kinds],
  ['an object of Flux of another repository takes images away', 'kustomize-chains.ts', 'if (chains.every((chain) => chain.at(-1)?.flux?.ours === false)) chains.push([]);', '', deploy, kinds],
  ['an object of Flux of another repository takes a root away', 'kustomize-chains.ts', 'flux?.ours !== false', 'true', chains],
  // what is deployed, and which place decides
  ['an override is dropped', 'deploy.ts', '      parts = applyOverride(parts, override);\n', '', deploy, kinds],
  ['only the innermost overlay counts', 'deploy.ts', 'for (const kustomization of chain)\n', 'for (const kustomization of chain.slice(0, 1))\n', deploy, kinds],
  ['init containers are not overridden', 'deploy.ts', '(?:containers|initContainers)', '(?:containers)', deploy, kinds],
  ['an image that a JSON patch sets is not overridden', 'deploy.ts', '|\\[\\d+\\]\\.value$/', '/', deploy, kinds],
  ['places in different documents of a file are one', 'deploy.ts', '`${file}\\n${document}\\n${path}`', '`${file}\\n${path}`', deploy, kinds],
  ['one overlay that renames takes the digest away from all others', 'deploy.ts', 'const asWritten = deployed.some(', 'const asWritten = deployed.every(', deploy, kinds],
  ['an image under two names gets the digest of one of them', 'deploy.ts', 'names.size === 1) return', 'names.size > 0) return', deploy, kinds],
  ['what an overlay makes of an image is written though it is no reference', 'deploy.ts', "if (reference instanceof Problem) return { kind: 'invalid', image, by: renamedBy, reason: reference.message };", 'if (reference instanceof Problem) continue;', deploy, kinds],
  ['a pin is forgotten where an overlay renames the image', 'tree.ts', 'digest === undefined ? as : withDigest(as, digest)', 'as', deploy, kinds],
  ['a digest in a base reaches the other name that an overlay gives it', 'tree.ts', '!carriesDigest(entries.get(entryKey(by)))', 'by.reference.text === \'\'', deploy],
  ['an entry that decides over two tags carries the digest of the first', 'tree.ts', 'slot: names.length === 1 ?', 'slot: names.length > 0 ?', deploy, kinds],
  ['the graph names a place whose tag is replaced', 'describe.ts', "if (outcome.kind !== 'deployed') return;", "if (outcome.kind === 'deployed') return;", describe],
  // what a chart does with a digest and a tag
  ['a use of a digest that is not understood counts as a whole digest', 'chart-use.ts', "before.endsWith('@') ? 'full' : 'unknown'", "'full'", use],
  ['templates that differ: the first decides the form of a digest', 'chart-use.ts', 'kinds.size === 1 ?', 'kinds.size > 0 ?', use],
  ['a tag that a label prints too takes a digest', 'chart-use.ts', "if (!isAfterRepository(before, path.slice(0, -1))) return { kind: 'elsewhere', line };", '', use],
  ['a tag after a fixed name takes the digest of another image', 'chart-use.ts', 'if (action === undefined) return false;', 'if (action === undefined) return true;', use],
  ['a tag after another image takes the digest of this one', 'chart-use.ts', "!action.includes('.Values.') || action", "true || action", use],
  ['a comment counts as a use', 'chart-use.ts', 'if (/^\\{\\{-?\\s*\\/\\*/.test(action)) continue; // a comment', '', use],
  ['the end of another value counts as this one', 'chart-use.ts', '(?!\\\\$?\\\\w*(?:\\\\.\\\\w+)*\\\\.Values\\\\.)', '', use],
  ['a tag that the templates do not fill in is guessed', 'chart-use.ts', "!action.includes('.Chart.AppVersion')) return undefined;", "!action.includes('.Chart.AppVersion')) return appVersion;", use],
  ['templates that fill in different tags: the first decides', 'chart-use.ts', 'tags.size === 1 ?', 'tags.size > 0 ?', use],
  ['an appVersion that the templates change is taken as it is', 'chart-use.ts', '|trim|replace|AppVersion\\s*\\|/', '/', use],
  ['a digest is written that no template reads', 'chart.ts', 'digestUse(chart.templates, [...base, key])', "('full' as DigestUse)", chart],
  ['values of a dependency that is elsewhere are read by this chart', 'chart.ts', 'return inner.chart === undefined ? inner.name :', 'return inner.chart === undefined ? { chart, base } :', chart],
  ['a registry for all images is ignored', 'chart.ts', 'if (global === undefined || found.parts === undefined) return found;', 'if (global !== undefined || found.parts === undefined) return found;', chart],
  ['a registry for all images counts though no template reads it', 'chart.ts', 'const reads =\n', 'const reads = true ||\n', chart],
  ['a registry beside the image counts though no template reads it', 'chart.ts', 'if (isRead(owner.chart.templates, [...owner.base, parts.registry])) return found;', 'return found;', chart],
  ['values of a chart elsewhere with a registry for all images are pinned', 'graph.ts', 'global === undefined ? placed : unknownRegistry(placed, global)', 'placed', chart],
  ['a lock names a chart’s pin without its tag', 'chart.ts', "typeof owner === 'string' ? found : pinnedUntagged(found, owner)", 'found', chart],
  ['an alias of a dependency is not known', 'load-charts.ts', "getText(item, 'alias') ?? name", 'name', chart],
  ['a dependency beside the chart is not read', 'load-charts.ts', "path ?? `charts/${name}`", '`charts/${name}`', chart],
  // charts that are not in the tree
  ['what a chart elsewhere does with a digest is guessed', 'chart-forms.ts', 'if (form?.digest === undefined) return { ...found, slot: { blocked: unknown } };', '', forms],
  ['what a chart elsewhere does with a tag is guessed', 'chart-forms.ts', "form?.tag === 'image' ? found", "form?.tag !== 'other' ? found", chart],
  ['the setting of one chart counts for all', 'chart-forms.ts', 'item.chart !== undefined && item.chart === chart', 'item.chart !== undefined', forms],
  ['a setting does not overrule what is known of a chart', 'chart-forms.ts', 'if (setting !== undefined) return setting;', "if (setting !== undefined && chart !== 'cilium') return setting;", forms],
  ['an image in another document belongs to the chart', 'chart-forms.ts', 'document === found.document && ', '', forms],
  ['hex digits are written as a whole digest', 'chart-forms.ts', "form.digest === 'hex' ? { ...rest, style: 'hex' } : rest", 'rest', chart],
  ['a registry for all images counts for one that is printed without it', 'chart.ts', "if (alone === 'always') return found;", '', chart],
  ['an image that is printed with and without the registry for all gets a digest', 'chart.ts', "if (alone === 'sometimes')", "if (alone === 'sometimes' && global.key === '')", chart],
  // what patches replace
  ['a patch with a target replaces the object that it names', 'kustomization-file.ts', "if (get(patch, 'target') !== undefined) return [];", '', patches],
  ['a patch of another container replaces an image', 'patches.ts', '[object, namespace, list, container]', '[object, namespace, list]', patches],
  ['a patch of another object replaces an image', 'patches.ts', '[object, namespace, list, container]', '[namespace, list, container]', patches],
  ['patches of one kustomization replace each other', 'patches.ts', ' || patched.own.has(item.file)', '', patches],
  ['a container of a patch with a target is one of the object that it names', 'patches.ts', 'if (inPatches.has(item.file) && !merged.has(item)) return undefined;', '', patches],
  ['a digest of an entry reaches only the images that need it there', 'tree.ts', "item.kind === 'renamed' ? [item] : []", '[]', deploy, patches],
];

export const GRAPH_MUTANTS: readonly Mutant[] = rows.map(([name, path, from, to, ...tests]) => ({
  name,
  file: `${G}/${path}`,
  from,
  to,
  tests,
}));
