// What a text means to readers that tagproof does not use: the values of YAML and JSON, the lines of anything else.
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';

/** Takes the digests out of a text again, wherever they stand: none of them was in the text before. */
export type Strip = (text: string) => string;

/** How the edit differs by more than digests for an independent reader; undefined: it does not. */
export function otherDifference(before: string, after: string, strip: Strip): string | undefined {
  if (strip(after) !== before) return 'bytes outside the digests changed';
  for (const [name, read] of [
    ['YAML', readYaml],
    ['JSON', readJson],
  ] as const) {
    // Larger texts take this reader too long.
    const old = before.length > 8_000 ? undefined : read(before);
    if (old === undefined) continue;
    const now = read(after);
    if (now === undefined) return `${name} that could be read before cannot be read after`;
    if (!isDeepStrictEqual(withoutDigests(now, strip), withoutDigests(old, strip)))
      return `${name}: other values change`;
  }
  return undefined;
}

/** The values of all documents; undefined for a text that this reader does not take. */
function readYaml(text: string): unknown {
  try {
    // This reader does not know that a carriage return alone ends a line.
    const documents = parseAllDocuments(text.replaceAll(/\r(?!\n)/g, '\n'), { logLevel: 'silent', uniqueKeys: false });
    if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
    return documents.map((document) => document.toJS({ maxAliasCount: 50, mapAsMap: true }));
  } catch {
    return undefined;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A digest may come after a text, fill an empty one, or be an entry of its own. */
function withoutDigests(value: unknown, strip: Strip, around: readonly unknown[] = []): unknown {
  // An anchor may contain itself.
  if (around.includes(value) && typeof value === 'object') return 'itself';
  const inside = [...around, value];
  if (typeof value === 'number') return String(value);
  if (value === null) return '';
  if (typeof value === 'string') return strip(value);
  if (Array.isArray(value)) return value.map((item) => withoutDigests(item, strip, inside));
  if (typeof value !== 'object') return value;
  const entries: [unknown, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return entries
    .map(([key, item]) => [withoutDigests(key, strip, inside), withoutDigests(item, strip, inside)])
    .filter(([key, item]) => item !== '' || !/digest|^sha/i.test(String(key)));
}
