// The images of an API object: every field that makes a node pull, by the same catalogue that finds
// them in files. Pure.
import { CONTAINER_LISTS, type FieldRule } from './fields.ts';
import { fieldRules, matchesField } from './rules.ts';

type KubeObject = Readonly<Record<string, unknown>>;

export type ImageField = {
  /** The value of the field. */
  readonly image: string;
  /** JSON Pointer. RFC 6901. */
  readonly pointer: string;
  /** The place without regard to the order of its list: `/spec/containers/name=web/image`. */
  readonly place: string;
};

/**
 * The API server bounds the size of an object (3 MiB). This bounds the depth of the recursion
 * (T42).
 */
const MAX_DEPTH = 64;

/** @param fields of tagproof.yaml, in addition to the catalogue */
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
      // The status says what was pulled, not what will be. Only at the top: a field of this name
      // elsewhere could hide an image.
      if ((key === 'status' || key === 'metadata') && path.length === 0) continue;
      const fieldPath = [...path, key];
      const fieldPlace = [...place, key];
      if (typeof item === 'string') {
        const inList = path.at(-1)?.startsWith('[') === true;
        if (key === 'image' && inList && CONTAINER_LISTS.has(list)) take(item, fieldPath, fieldPlace);
        else if (key === 'reference' && path.at(-1) === 'image' && list === 'volumes')
          take(item, fieldPath, fieldPlace);
        else if (rules.length > 0 && matchesField(fieldPath, rules)) take(item, fieldPath, fieldPlace);
      } else walk(item, fieldPath, fieldPlace, Array.isArray(item) ? key : key === 'image' ? list : '');
    }
  };
  walk(object, [], [], '');
  return [...found.values()];
}

/**
 * The images that an update adds or changes, each at its place: only these need a decision (T16,
 * T17).
 */
export function changedImages(now: readonly ImageField[], before: readonly ImageField[]): ImageField[] {
  const old = new Set(before.map(({ place, image }) => `${place}\n${image}`));
  return now.filter(({ place, image }) => !old.has(`${place}\n${image}`));
}
