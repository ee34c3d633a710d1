// What of a tree kustomize and helm can render, each with the arguments that render it; and what cannot be rendered, with the reason.
// Nothing that would need a network is handed to a program.
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { load } from 'js-yaml';
import type { TreeCopy } from './copy.ts';
import type { ProgramName } from './program.ts';

/** One render of one kustomization, or of one chart with one set of values. */
export type RenderRoot = {
  /** The folder of the kustomization or chart, relative to the tree. */
  readonly folder: string;
  /** How it is named to users. */
  readonly name: string;
  readonly program: ProgramName;
  readonly args: readonly string[];
  /** Another kustomization of the tree takes this one. */
  readonly isUsed: boolean;
};
export type NotRendered = { readonly name: string; readonly program: ProgramName; readonly reason: string };
export type RenderRoots = { readonly roots: readonly RenderRoot[]; readonly not: readonly NotRendered[] };

type Json = Readonly<Record<string, unknown>>;

const KUSTOMIZATION = /^(?:kustomization\.ya?ml|Kustomization)$/;
const VALUES = /^(?:.*[.-])?values(?:[.-].*)?\.ya?ml$/;
/** Lists of files and folders. */
const ENTRIES = [
  'resources',
  'bases',
  'components',
  'generators',
  'transformers',
  'validators',
  'crds',
  'configurations',
];
/** Keys below which a file may be named, also by URL. Literals of a generator are content. */
const NAMING = [
  'patches',
  'patchesJson6902',
  'patchesStrategicMerge',
  'replacements',
  'openapi',
  'configMapGenerator',
  'secretGenerator',
];
const MAX_DEPTH = 32;

/** Every kustomization of the tree but components, which others render, and every chart with each of its values files. */
export function findRoots(copy: TreeCopy): RenderRoots {
  const roots: RenderRoot[] = [];
  const not: NotRendered[] = [];
  const used = new Set<string>();
  for (const file of copy.files.toSorted()) {
    const folder = dirname(file);
    if (KUSTOMIZATION.test(basename(file))) {
      if (readYaml(join(copy.folder, file))?.['kind'] === 'Component') continue;
      const reason = obstacle(join(copy.folder, folder), { top: copy.folder, used }, 0);
      const args = ['build', '--load-restrictor', 'LoadRestrictionsNone', join(copy.folder, folder)];
      if (reason === undefined) roots.push({ folder, name: folder, program: 'kustomize', args, isUsed: false });
      else not.push({ name: folder, program: 'kustomize', reason });
    } else if (/^Chart\.ya?ml$/.test(basename(file))) {
      const reason = chartObstacle(join(copy.folder, folder), copy.folder);
      if (reason !== undefined) {
        not.push({ name: folder, program: 'helm', reason });
        continue;
      }
      for (const values of [undefined, ...valuesOf(copy, folder)]) {
        const more = values === undefined ? [] : ['--values', join(copy.folder, values)];
        const args = ['template', 'release', join(copy.folder, folder), ...more];
        const name = values === undefined ? folder : `${folder} with ${relative(folder, values)}`;
        roots.push({ folder, name, program: 'helm', args, isUsed: false });
      }
    }
  }
  const isUsed = ({ program, folder }: RenderRoot) => program === 'kustomize' && used.has(join(copy.folder, folder));
  return { roots: roots.map((root) => ({ ...root, isUsed: isUsed(root) })), not };
}

/** Values beside a chart's own, and in its `ci/`. */
function valuesOf({ files }: TreeCopy, folder: string): string[] {
  const isOwn = (file: string) => dirname(file) === folder && /^values\.ya?ml$/.test(basename(file));
  return files.filter(
    (file) =>
      (dirname(file) === folder || dirname(file) === join(folder, 'ci')) && VALUES.test(basename(file)) && !isOwn(file),
  );
}

/** Why a kustomization is not handed to kustomize: it would fetch something, or call another program. */
function obstacle(folder: string, tree: { top: string; used: Set<string> }, depth: number): string | undefined {
  const { top, used } = tree;
  if (depth > MAX_DEPTH) return `more than ${MAX_DEPTH} kustomizations inside each other`;
  const file = readdirSync(folder).find((name) => KUSTOMIZATION.test(name));
  if (file === undefined) return undefined;
  const content = readYaml(join(folder, file));
  if (content === undefined) return `${relative(top, join(folder, file))} cannot be read`;
  for (const key of ['helmCharts', 'helmChartInflationGenerator'])
    if (content[key] !== undefined) return `${key}: kustomize would call helm to fetch a chart`;
  for (const key of ENTRIES)
    for (const entry of stringsIn(content[key])) {
      // Configuration that is written in place.
      if (entry.includes('\n')) continue;
      const path = inside(join(folder, entry), top);
      if (path === undefined) return `'${entry.slice(0, 120)}' is not in this tree`;
      if (!statSync(path).isDirectory()) continue;
      used.add(path);
      const inner = obstacle(path, tree, depth + 1);
      if (inner !== undefined) return inner;
    }
  const remote = NAMING.flatMap((key) => stringsIn(content[key])).find((text) =>
    /^(?:[^\s=]*=)?[a-z+]+:\/\/\S+$/.test(text),
  );
  return remote === undefined ? undefined : `'${remote.slice(0, 120)}' is not in this tree`;
}

/** The real path of what exists below the top of the tree. */
function inside(path: string, top: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const real = realpathSync(path);
  return real === top || real.startsWith(top + sep) ? real : undefined;
}

function chartObstacle(folder: string, top: string): string | undefined {
  const chart = readYaml(join(folder, 'Chart.yaml')) ?? readYaml(join(folder, 'Chart.yml'));
  if (chart === undefined) return 'its Chart.yaml cannot be read';
  if (chart['type'] === 'library') return 'a library chart renders nothing by itself';
  const old = readYaml(join(folder, 'requirements.yaml'));
  const missing = [chart, old].flatMap((file) =>
    items(file?.['dependencies']).flatMap((item) => (provide(item, folder, top) ? [] : [String(item['name'])])),
  );
  return missing.length === 0 ? undefined : `chart dependencies not vendored: ${missing.join(', ').slice(0, 120)}`;
}

/** A dependency in `charts/`, or in another folder of the tree, which is linked there: the copy is ours. */
function provide(item: Json, folder: string, top: string): boolean {
  const [name, repository] = [String(item['name'] ?? ''), String(item['repository'] ?? '')];
  const charts = join(folder, 'charts');
  const vendored = existsSync(charts) ? readdirSync(charts) : [];
  if (vendored.some((entry) => entry === name || (entry.startsWith(`${name}-`) && entry.endsWith('.tgz')))) return true;
  // A link upwards would make a chart contain itself.
  const path = repository.startsWith('file://') ? inside(join(folder, repository.slice(7)), top) : undefined;
  if (path === undefined || !/^[\w.-]+$/.test(name) || `${folder}${sep}`.startsWith(path + sep)) return false;
  mkdirSync(charts, { recursive: true });
  symlinkSync(path, join(charts, name));
  return true;
}

function readYaml(path: string): Json | undefined {
  try {
    const content = load(readFileSync(path, 'utf8'));
    return typeof content === 'object' && content !== null ? (content as Json) : undefined;
  } catch {
    return undefined;
  }
}

const items = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];

/** All texts below a value; of generators without their literals. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'literals' ? [] : stringsIn(inner)));
}
