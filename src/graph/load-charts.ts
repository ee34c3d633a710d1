// Reads the charts of a tree: name, dependencies and templates. Only what is asked about is read.
import { posix, resolve } from 'node:path';
import { Problem } from '../problem.ts';
import { readBounded } from '../source/read.ts';
import { decode } from '../source/text.ts';
import { loadReader, parseYaml, ReaderNeeded } from '../source/yaml.ts';
import { deref, get, getText, type Node } from '../source/yaml-node.ts';
import type { Chart } from './chart.ts';

/** Templates of one chart together, bytes: far above any chart; what is beyond is not read, and the chart's uses are unknown. */
const MAX_TEMPLATES = 16 * 1024 * 1024;
/** A file below a chart's `templates/`; the group is the chart's folder. */
const TEMPLATE = /^(?:(.*?)\/)?templates\/./;
/** Charts inside charts. */
const MAX_DEPTH = 8;

/** The charts of a tree by their folder. */
export type Charts = {
  /** The chart whose values a file holds: one in the chart's folder, or in its `ci/`. */
  readonly of: (file: string) => Promise<Chart | undefined>;
};

/** @param files as listed, relative to `cwd` */
export function chartsOf(files: readonly string[], cwd: string): Charts {
  const templatesOf = Map.groupBy(
    files.filter((file) => TEMPLATE.test(file)),
    (file) => TEMPLATE.exec(file)?.[1] ?? '.',
  );
  const definitions = new Map(
    files.filter((file) => /(?:^|\/)Chart\.ya?ml$/.test(file)).map((file) => [posix.dirname(file), file]),
  );
  const known = new Map<string, Promise<Chart | undefined>>();

  const load = (folder: string, depth: number): Promise<Chart | undefined> => {
    const before = known.get(folder);
    if (before !== undefined) return before;
    const chart = read(folder, depth);
    known.set(folder, chart);
    return chart;
  };

  const read = async (folder: string, depth: number): Promise<Chart | undefined> => {
    const definition = definitions.get(folder);
    if (definition === undefined || depth > MAX_DEPTH) return undefined;
    const root = await parse(textOf(definition, cwd) ?? '');
    const templates: string[] = [];
    let size = 0;
    for (const file of templatesOf.get(folder) ?? []) {
      const text = textOf(file, cwd) ?? '';
      size += text.length;
      if (size > MAX_TEMPLATES) return undefined;
      templates.push(text);
    }
    const dependencies = new Map<string, { name: string; chart: Chart | undefined }>();
    const list = deref(get(root, 'dependencies'));
    for (const item of list?.kind === 'seq' ? list.items : []) {
      const name = getText(item, 'name');
      if (name === undefined) continue;
      const chart = await load(dependencyFolder(item, folder, name), depth + 1);
      dependencies.set(getText(item, 'alias') ?? name, { name, chart });
    }
    const [name, appVersion] = [getText(root, 'name') ?? folder, getText(root, 'appVersion')];
    return { folder, name, appVersion, templates, dependencies };
  };

  return {
    of: async (file) => {
      const folder = posix.dirname(file);
      return (await load(folder, 0)) ?? (posix.basename(folder) === 'ci' ? load(posix.dirname(folder), 0) : undefined);
    },
  };
}

/** `repository: file://../x`, or unpacked below `charts/`. */
function dependencyFolder(item: Node, folder: string, name: string): string {
  const path = /^file:\/\/(.+)$/.exec(getText(item, 'repository') ?? '')?.[1];
  return posix.join(folder, path ?? `charts/${name}`);
}

function textOf(file: string, cwd: string): string | undefined {
  try {
    return decode(readBounded(resolve(cwd, file), file).bytes, file);
  } catch (error) {
    if (error instanceof Problem || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

async function parse(text: string): Promise<Node | undefined> {
  try {
    return parseYaml(text, 0, text.length);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    if (!(error instanceof ReaderNeeded)) throw error;
    await loadReader(error);
    return parse(text);
  }
}
