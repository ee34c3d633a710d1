// The images of an object of the API: every field that makes a node pull, by the catalogue that finds them in files too.
import { CONTAINER_LISTS, type FieldRule } from './fields.ts';
import { fieldRules, matchesField } from './rules.ts';

type KubeObject = Readonly<Record<string, unknown>>;

export type ImageField = {
  /** What stands there. */
  readonly image: string;
  /** JSON Pointer. RFC 6901. */
  readonly pointer: string;
  /** The place whatever the order of its list: `/spec/containers/name=web/image`. */
  readonly place: string;
};

/** Objects are bounded by the API server (3 MiB); this bounds our own stack and patience (T42). */
const MAX_DEPTH = 64;

/** @param fields those of tagproof.yaml, beside the catalogue */
export function imagesOf(object: KubeObject, fields: readonly FieldRule[]): ImageField[] {
  const group = String(object['apiVersion'] ?? '')
    .split('/')
    .slice(0, -1)
    .join('/');
  const rules = fieldRules(fields, group === '' ? undefined : group, String(object['kind'] ?? ''));
  const found = new Map<string, ImageField>();
  const take = (image: unknown, path: readonly string[], place: readonly string[]) => {
    if (typeof image !== 'string' || image === '') return;
    const pointer = path
      .map(
        (step) =>
          `/${step
            .replace(/^\[(\d+)\]$/, '$1')
            .replaceAll('~', '~0')
            .replaceAll('/', '~1')}`,
      )
      .join('');
    found.set(pointer, { image, pointer, place: `/${place.join('/')}` });
  };
  const walk = (value: unknown, path: string[], place: string[], list: string): void => {
    if (path.length > MAX_DEPTH || value === null || typeof value !== 'object') return;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        const name = (item as KubeObject | null)?.['name'];
        const step = typeof name === 'string' ? `name=${name}` : `[${index}]`;
        walk(item, [...path, `[${index}]`], [...place, step], list);
      }
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      // What was, not what will be pulled; only where the API puts it, or a field of that name would hide one.
      if ((key === 'status' || key === 'metadata') && path.length === 0) continue;
      const [at, where] = [
        [...path, key],
        [...place, key],
      ];
      if (typeof item === 'string') {
        const inList = path.at(-1)?.startsWith('[') === true;
        if (key === 'image' && inList && CONTAINER_LISTS.has(list)) take(item, at, where);
        else if (key === 'reference' && path.at(-1) === 'image' && list === 'volumes') take(item, at, where);
        else if (rules.length > 0 && matchesField(at, rules)) take(item, at, where);
      } else walk(item, at, where, Array.isArray(item) ? key : key === 'image' ? list : '');
    }
  };
  walk(object, [], [], '');
  return [...found.values()];
}

/** The images of an update that were not there before, each at its own place: all that has to be asked about (T16, T17). */
export function changedImages(now: readonly ImageField[], before: readonly ImageField[]): ImageField[] {
  const old = new Set(before.map(({ place, image }) => `${place}\n${image}`));
  return now.filter(({ place, image }) => !old.has(`${place}\n${image}`));
}
