// Whether two renders of the same source differ by digests only, each the digest of what it names. Pure. What may differ besides: a
// checksum of content that holds a digest, and the name that kustomize makes of such content.
import { loadAll } from 'js-yaml';
import type { Reference } from '../flow.ts';
import { DIGEST } from '../image/digest.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';

/** Whether this run resolved the tag of a reference to this digest. */
export type IsDigestOf = (digest: string, reference: Reference) => boolean;

export type RenderDifference = { readonly object: string; readonly path: string; readonly text: string };
export type Comparison = {
  /** Digests that are new, or others than before. */
  readonly digests: number;
  /** What may not differ. */
  readonly differences: readonly RenderDifference[];
};

type Value = unknown;
type Mapping = Readonly<Record<string, Value>>;
type Walk = {
  readonly isDigestOf: IsDigestOf;
  /** Names of generated ConfigMaps and Secrets: before → after. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly differ: (path: string, before: Value, after: Value) => void;
  readonly count: () => void;
  readonly checksum: (path: string, before: Value, after: Value) => void;
};
/** Where a value is: its path, and the mappings around it, the nearest first. */
type Place = { readonly path: string; readonly around: readonly Mapping[] };

const PINNED = /([^\s"'`,;(){}[\]|<>=]*)@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})/g;
const GENERATED = /^(.+)-[0-9a-z]{10}$/;
/** Mappings around a digest in which its repository and tag may be. */
const MAX_AROUND = 3;
/** Names, tags and registries that are tried for one digest. */
const MAX_TEXTS = 40;

/**
 * @param ignored paths that differ between two renders of the same files, as `pathKey` has them
 * @throws Problem `syntax` for text that is no YAML
 */
export function compareRendered(
  before: string,
  after: string,
  isDigestOf: IsDigestOf,
  ignored: ReadonlySet<string> = new Set(),
): Comparison {
  const [old, now] = [documentsOf(before), documentsOf(after)];
  const differences: RenderDifference[] = [];
  const checksums: (() => void)[] = [];
  let digests = 0;
  if (old.length !== now.length) {
    const text = `${old.length} objects before, ${now.length} after`;
    return { digests, differences: [{ object: '', path: '', text }] };
  }
  const changed = old.flatMap((text, index): [Value, Value, number][] =>
    text === now[index] ? [] : [[parse(text), parse(now[index] as string), index]],
  );
  const renamed = renamesIn(changed);
  for (const [a, b, index] of changed) {
    const object = describe(a);
    const differ = (path: string, x: Value, y: Value) => {
      if (!isIgnored(ignored, index, path)) differences.push({ object, path, text: `${show(x)} became ${show(y)}` });
    };
    const checksum = (path: string, x: Value, y: Value) => checksums.push(() => differ(path, x, y));
    compare(a, b, { path: '', around: [] }, { isDigestOf, renamed, differ, count: () => digests++, checksum });
  }
  // Where no digest came, something else made the checksum another one.
  if (digests === 0) for (const differ of checksums) differ();
  return { digests, differences };
}

/** Paths of values that differ between two renders of the same files: random passwords, certificates, times. */
export function unstablePaths(first: string, second: string): ReadonlySet<string> {
  const [old, now] = [documentsOf(first), documentsOf(second)];
  const paths = new Set<string>();
  if (old.length !== now.length) return paths;
  for (const [index, text] of old.entries()) {
    if (text === now[index]) continue;
    const differ = (path: string) => paths.add(pathKey(index, path));
    const walk = { isDigestOf: () => false, renamed: new Map(), differ, count: () => {}, checksum: differ };
    compare(parse(text), parse(now[index] as string), { path: '', around: [] }, walk);
  }
  return paths;
}

const pathKey = (index: number, path: string) => `${index} ${path}`;

function isIgnored(ignored: ReadonlySet<string>, index: number, path: string): boolean {
  if (ignored.size === 0) return false;
  return ignored.has(pathKey(index, path));
}

function documentsOf(text: string): string[] {
  return text.split(/^---(?:[ \t].*)?$/m).filter((part) => /^[^#\s]/m.test(part));
}

function parse(text: string): Value {
  try {
    return loadAll(text, { json: true }); // of a repeated key the last value counts, as for Kubernetes; kustomize renders such objects
  } catch (error) {
    throw new Problem('syntax', `rendered text is no YAML: ${(error as Error).message.split('\n', 1)[0]}`);
  }
}

function compare(a: Value, b: Value, place: Place, walk: Walk): void {
  if (a === b) return;
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    for (const [i, item] of a.entries()) compare(item, b[i], { ...place, path: `${place.path}[${i}]` }, walk);
    return;
  }
  if (isMapping(a) && isMapping(b)) {
    const inside = (key: string): Place => ({
      path: `${place.path}.${key}`,
      around: [b, ...place.around].slice(0, MAX_AROUND),
    });
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
      if (Object.hasOwn(b, key)) compare(a[key], b[key], inside(key), walk);
      else walk.differ(inside(key).path, a[key], undefined);
    return;
  }
  if (!isAllowed(a, b, place, walk)) walk.differ(place.path, a, b);
}

function isAllowed(a: Value, b: Value, { path, around }: Place, walk: Walk): boolean {
  if (typeof b !== 'string') return false;
  if (/checksum[^.[]*$/i.test(path) && isHash(a) && isHash(b) && a.length === b.length) {
    walk.checksum(path, a, b);
    return true;
  }
  const isEmpty = a === undefined || a === null || a === '';
  if (isEmpty || (typeof a === 'string' && isDigestAlone(a))) {
    if (!isDigestAlone(b) || !namesAround(around, undefined, b, walk.isDigestOf)) return false;
    walk.count();
    return true;
  }
  // A tag that is a number gets quotes with its digest.
  if (typeof a !== 'string' && typeof a !== 'number') return false;
  const text = String(a);
  if (walk.renamed.get(text) === b) return true;
  const digests = digestsIn(text, b, around, walk.isDigestOf);
  if (digests !== undefined) {
    for (let i = 0; i < digests; i++) walk.count();
    return true;
  }
  return isSameInside(text, b, walk);
}

const isHash = (value: Value): value is string => typeof value === 'string' && /^[a-f0-9]{32,128}$/.test(value);
const isDigestAlone = (text: string) => DIGEST.test(text.includes(':') ? text : `sha256:${text}`);

/** A text that is YAML itself: values of a chart in an Application, a manifest in a ConfigMap. */
function isSameInside(a: string, b: string, walk: Walk): boolean {
  if (!a.includes('\n')) return false;
  let same = true;
  let count = 0;
  try {
    const inner: Walk = { ...walk, differ: () => (same = false), count: () => count++ };
    const [x, y] = [parse(a), parse(b)];
    if (!(x as Value[]).some((document) => typeof document === 'object' && document !== null)) return false;
    compare(x, y, { path: '', around: [] }, inner);
  } catch {
    return false;
  }
  if (same) for (let i = 0; i < count; i++) walk.count();
  return same;
}

/** @returns how many digests `b` has more than `a`, or in place of others; undefined where anything else differs */
function digestsIn(a: string, b: string, around: readonly Mapping[], isDigestOf: IsDigestOf): number | undefined {
  let [inA, inB, count] = [0, 0, 0];
  for (const match of b.matchAll(PINNED)) {
    const [whole, name = '', digest = ''] = match;
    const until = b.slice(inB, match.index + name.length);
    if (!a.startsWith(until, inA)) return undefined;
    inA += until.length;
    inB = match.index + whole.length;
    if (a.startsWith(`@${digest}`, inA)) {
      inA += digest.length + 1;
      continue;
    }
    // Some charts, and kustomize, write a digest in place of the tag.
    const tag = /^:[\w][\w.-]{0,127}/.exec(a.slice(inA))?.[0] ?? '';
    const old = /^@sha(?:256:[a-f0-9]{64}|512:[a-f0-9]{128})/.exec(a.slice(inA + tag.length))?.[0] ?? '';
    inA += tag.length + old.length;
    if (!isOf(`${name}${tag}`, digest, around, isDigestOf)) return undefined;
    count++;
  }
  return count > 0 && a.slice(inA) === b.slice(inB) ? count : undefined;
}

function isOf(name: string, digest: string, around: readonly Mapping[], isDigestOf: IsDigestOf): boolean {
  const reference = parseReference(name.replace(/^[a-z+]+:\/\//, ''));
  if (!(reference instanceof Problem) && isDigestOf(digest, reference)) return true;
  return /^[\w][\w.-]{0,127}$/.test(name) && namesAround(around, name, digest, isDigestOf);
}

/** Whether a repository and a tag that stand around a digest, in keys of their own, are what it belongs to. */
function namesAround(
  around: readonly Mapping[],
  tag: string | undefined,
  digest: string,
  isDigestOf: IsDigestOf,
): boolean {
  const wanted = digest.includes(':') ? digest : `sha256:${digest}`;
  const texts = around
    .flatMap((mapping) => Object.values(mapping))
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map(String)
    .slice(0, MAX_TEXTS);
  const names = texts.map((text) => text.replace(/^[a-z+]+:\/\//, ''));
  const registries = [
    '',
    ...names.filter((text) => /[.:]|^localhost/.test(text)).map((text) => `${text.replace(/\/$/, '')}/`),
  ];
  const tags = tag === undefined ? ['', ...texts.map((text) => `:${text.replace(/@.*/, '')}`)] : [`:${tag}`];
  return names.some((name) =>
    registries.some((registry) =>
      tags.some((suffix) => {
        const reference = parseReference(`${registry}${name}${suffix}`);
        return !(reference instanceof Problem) && isDigestOf(wanted, reference);
      }),
    ),
  );
}

/** kustomize names what it generates after its content. */
function renamesIn(changed: readonly (readonly [Value, Value, number])[]): Map<string, string> {
  const renamed = new Map<string, string>();
  for (const [[a], [b]] of changed as [Value[], Value[], number][]) {
    const [before, after] = [a, b].map((object) => identityOf(object));
    if (before === undefined || after === undefined || before.name === after.name) continue;
    if (!['ConfigMap', 'Secret'].includes(before.kind) || before.kind !== after.kind) continue;
    const [base, other] = [before, after].map(({ name }) => GENERATED.exec(name)?.[1]);
    if (base !== undefined && base === other) renamed.set(before.name, after.name);
  }
  return renamed;
}

function identityOf(object: Value): { kind: string; name: string } | undefined {
  const { kind, metadata } = (isMapping(object) ? object : {}) as { kind?: Value; metadata?: { name?: Value } };
  const name = metadata?.name;
  return typeof kind === 'string' && typeof name === 'string' ? { kind, name } : undefined;
}

function describe(documents: Value): string {
  const identity = identityOf((documents as Value[])[0]);
  return identity === undefined ? 'an object' : `${identity.kind}/${identity.name}`;
}

const isMapping = (value: Value): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const show = (value: Value): string => (value === undefined ? 'nothing' : (JSON.stringify(value) ?? '')).slice(0, 120);
