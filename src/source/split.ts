// Images in parts: `repository:` + `tag:` (+ `registry:`, `digest:`), as in Helm values and files
// of the same style. Pure.
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { type Collector, notLiteral, spotOfValue } from './collector.ts';
import { SPLIT, type SplitNames } from './fields.ts';
import { isYamlNull } from './no-text.ts';
import { splitSlot } from './slot.ts';
import { deref, type MapNode, type YamlEntry } from './yaml-node.ts';

const TAG_KEYS = new Set(SPLIT.flatMap((names) => [names.tag, ...names.digest]));

/** Where a mapping is. */
export type MapContext = {
  /** The key whose value the mapping is. */
  readonly parent: string;
  /** Field path of the mapping. */
  readonly path: string;
  /** True in the values of a chart, where any repository + tag is an image. */
  readonly values: boolean;
};

/**
 * Reads an image in parts from one mapping.
 * @returns the entries that belong to the image, or undefined when there is no such image
 */
export function readSplit(c: Collector, map: MapNode, context: MapContext): YamlEntry[] | undefined {
  const { parent, path, values } = context;
  if (!map.entries.some((entry) => TAG_KEYS.has(entry.key.value))) return undefined;
  for (const names of SPLIT) {
    const find = (key: string) => map.entries.find((entry) => entry.key.value === key);
    const repository = find(names.repository);
    const target = deref(repository?.value);
    const tag = find(names.tag);
    const digest = names.digest.map(find).find((entry) => entry !== undefined);
    if (repository === undefined || target?.kind !== 'scalar' || target.value === '' || (!tag && !digest)) continue;
    if (names.underImage && !/image/i.test(parent)) continue;
    const registry = find(names.registry);
    if (!names.underImage && !isImageInParts(names, map, target.value, context)) continue;
    const field = path === '' ? names.repository : `${path}.${names.repository}`;
    const spot = spotOfValue(c.text, { start: target.start, end: target.end, path: field }, target.value);
    const parts = [target.value, text(registry), text(tag), text(digest)];
    const expression = parts
      .map((part) => (part === undefined ? undefined : notLiteral(part)))
      .find((reason) => reason !== undefined);
    const used = [repository, registry, tag, digest].filter((entry) => entry !== undefined);
    if (expression !== undefined) {
      const shown = parts.filter((part) => part !== undefined && part !== '').join(' ');
      c.skip(spot, shown, expression.reason, expression.detail);
      return used;
    }
    // The key's name says nothing: `sha:` holds a whole digest in some charts. The value does.
    const written = text(digest) ?? '';
    const hex = written === '' ? (digest?.key.value.startsWith('sha') ?? false) : /^[0-9a-f]{64}$/.test(written);
    const reference = compose({
      registry: text(registry),
      repository: target.value,
      tag: text(tag),
      digest: text(digest),
      hex,
    });
    if (reference instanceof Problem) {
      // A URL beside a tag is a Git repository or a chart's.
      if (values && !target.value.includes('://')) c.invalid(spot, target.value, reference.message);
      else c.skip(spot, target.value, 'uncertain', reference.message);
      return used;
    }
    const alias = tag?.value.kind === 'alias' && !digest?.value;
    const slot = alias
      ? { blocked: 'the tag is an alias of another value: write the tag here' }
      : splitSlot(c.text, { map, tag, digest, style: hex ? 'hex' : undefined, takesDigestKey: false });
    const note =
      slot.pin && digest === undefined
        ? 'no digest: key here, so the digest follows the tag, where repository:tag is rendered'
        : undefined;
    const keys = {
      repository: names.repository,
      ...(registry !== undefined && { registry: names.registry }),
      ...(tag !== undefined && { tag: names.tag }),
      ...(digest !== undefined && { digest: digest.key.value }),
    };
    c.reference(spot, reference, slot, { note, parts: keys });
    const scalar = deref(tag?.value);
    const placed = c.found.at(-1);
    if (scalar?.kind === 'scalar' && placed?.start === spot.start)
      c.tagUses.push({ found: placed, scalar, alias: tag?.value.kind === 'alias' });
    return used;
  }
  return undefined;
}

/**
 * Outside of a chart's values `repository` + `tag` may be a Git repository, so another key must
 * mention images.
 */
function isImageInParts(names: SplitNames, map: MapNode, repository: string, { parent, values }: MapContext): boolean {
  const reference = parseReference(repository);
  if (reference instanceof Problem) return notLiteral(repository) !== undefined && (values || /image/i.test(parent));
  if (names.repository === 'image' && (reference.tag !== undefined || reference.digest !== undefined)) return false;
  if (values || names.repository.startsWith('image') || /image/i.test(parent)) return true;
  if (/\./.test(repository.split('/', 1)[0] as string) && repository.includes('/')) return true;
  const keys = map.entries.map((entry) => entry.key.value);
  return [names.registry, ...names.digest, 'pullPolicy', 'imagePullPolicy', 'pullSecrets'].some((key) =>
    keys.includes(key),
  );
}

type Texts = {
  readonly registry: string | undefined;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** The digest has no `sha256:` in front. */
  readonly hex: boolean;
};

function compose({ registry, repository, tag, digest, hex }: Texts): Reference | Problem {
  const host = registry === undefined || registry === '' ? '' : `${registry.replace(/\/$/, '')}/`;
  const suffix = digest === undefined || digest === '' ? '' : `@${hex ? 'sha256:' : ''}${digest}`;
  const bare = tag?.includes('@') ? '' : suffix;
  return parseReference(`${host}${repository}${tag === undefined || tag === '' ? '' : `:${tag}`}${bare}`);
}

function text(entry: YamlEntry | undefined): string | undefined {
  const value = deref(entry?.value);
  return value?.kind !== 'scalar' || isYamlNull(value) ? undefined : value.value;
}
