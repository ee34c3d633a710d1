// Where a digest is written at a place: after the reference, in a `digest:` value, on a new line,
// or after the tag. Pure.
import type { Reference, Slot } from '../flow.ts';
import { isDigest } from '../image/digest.ts';
import { countAliases, yamlAnchorBefore } from './anchor.ts';
import { isYamlNull, isYamlNumber } from './no-text.ts';
import { yamlLineAt } from './text.ts';
import type { MapNode, ScalarNode, YamlEntry } from './yaml-node.ts';

/**
 * Does this span of a file spell the reference, or one of its parts: the repository of an image in parts, the tag in an ARG?
 * Many writers of JSON escape each slash, which changes nothing behind it.
 */
export function spells(span: string, { text }: Reference): boolean {
  const part = span.replaceAll('\\/', '/').replace(/^oci:\/\//, '');
  for (let at = text.indexOf(part); part !== '' && at >= 0; at = text.indexOf(part, at + 1))
    if (/^[/:]?$/.test(text.charAt(at - 1)) && /^[:@]?$/.test(text.charAt(at + part.length))) return true;
  return false;
}

/** A whole reference at text[start, end): the digest follows it directly. */
export function wholeSlot(text: string, start: number, end: number, reference: Reference): Slot {
  if (/[\n\r]/.test(text.slice(start, end)))
    return { blocked: 'the reference is spread over several lines: put it on one' };
  if (reference.digest === undefined) return { pin: { at: end, before: '@', after: '' } };
  const at = end - reference.digest.length;
  if (text.slice(at - 1, end) !== `@${reference.digest}`) return { blocked: 'the digest is written with escapes' };
  return { digest: [at, end], unpin: [at - 1, end] };
}

/** The keys of an image in parts: `repository:`, `tag:`, `digest:` in one mapping. */
export type Parts = {
  readonly map: MapNode;
  readonly tag: YamlEntry | undefined;
  readonly digest: YamlEntry | undefined;
  /** `hex`: the chart adds `sha256:` itself. */
  readonly style: 'hex' | undefined;
  /**
   * True where the program that reads the file takes a `digest:` key that is not there yet
   * (kustomize).
   */
  readonly takesDigestKey: boolean;
};

/**
 * Each way can be undone exactly from the file alone: unpin empties a quoted digest, removes a
 * plain `digest:` line, and cuts off a digest after the tag.
 */
export function splitSlot(text: string, parts: Parts): Slot {
  const tag = scalarOf(parts.tag);
  const digest = scalarOf(parts.digest);
  const style = parts.style && { style: parts.style };
  // A second digest: key would come beside it.
  if (parts.tag?.value.kind === 'alias') return { blocked: 'the tag is an alias of another value: write the tag here' };
  if (parts.digest !== undefined && digest === undefined)
    return { blocked: 'the digest is no text of its own: write it here, or leave it out' };
  if (digest !== undefined && digest.value !== '') return { ...filledSlot(text, parts, digest, tag), ...style };
  if (tag === undefined || tag.value === '') {
    const blocked = 'there is no tag here (a chart fills in its appVersion, kustomize keeps the one of the resource)';
    // Where the chart says which tag it fills in, the digest has a place all the same.
    const pin = digest !== undefined && isQuoted(digest) ? { at: digest.start, before: '', after: '' } : undefined;
    return { blocked, ...(pin !== undefined && { pin }), ...style };
  }
  const number = numberOf(tag, parts.takesDigestKey);
  if (number !== undefined) return { blocked: number };
  const anchor = digest && yamlAnchorBefore(text, digest);
  if (anchor !== undefined)
    return { blocked: `the digest is the anchor &${anchor}, which other values may use: leave the anchor out` };
  if (digest !== undefined && isQuoted(digest)) return { pin: { at: digest.start, before: '', after: '' }, ...style };
  const inJson = parts.map.flow && parts.tag?.key.style === 'double';
  const asLine = parts.takesDigestKey && !tag.value.includes('@') && digest === undefined && !parts.map.flow;
  const line = asLine ? lineSlot(text, parts.tag as YamlEntry, tag) : undefined;
  if (line !== undefined) return line;
  const shared = parts.takesDigestKey ? yamlAnchorBefore(text, tag) : undefined;
  if (shared !== undefined && countAliases(text, shared) > 0)
    return {
      blocked: `the tag is the anchor &${shared}, and other values use it too: write the tag of each image out`,
    };
  return tagSlot(text, tag, inJson);
}

/**
 * The digest of a kustomization's entry that renames an image and leaves its tag to the resources: a `digest:` line below
 * `newName:`. kustomize then renders newName@digest, whatever tag the resources have.
 */
export function renameSlot(text: string, map: MapNode, newName: YamlEntry, digestKey: YamlEntry | undefined): Slot {
  const digest = scalarOf(digestKey);
  const name = scalarOf(newName);
  if (digest !== undefined && digest.value !== '')
    return filledSlot(
      text,
      { map, tag: newName, digest: digestKey, style: undefined, takesDigestKey: true },
      digest,
      name,
    );
  if (digest !== undefined && isQuoted(digest)) return { pin: { at: digest.start, before: '', after: '' } };
  const slot = map.flow || digest !== undefined || name === undefined ? undefined : lineSlot(text, newName, name);
  return (
    slot ?? {
      blocked: 'write this entry over several lines, or give newTag, so that a digest: line can follow newName',
    }
  );
}

/**
 * P4: to its readers a plain number is not a string: a chart renders 1.10 as 1.1, kustomize refuses any number. What runs
 * would change with the digest, or nothing would.
 * @param refused whether every number is refused, and not only one that is rendered as another text
 */
function numberOf(tag: ScalarNode, refused: boolean): string | undefined {
  if (tag.style !== 'plain' || !/^[-+.\d][\w.+-]*$/.test(tag.value)) return undefined;
  if (!isYamlNumber(tag.value)) return undefined;
  const rendered = renderedNumber(tag.value);
  if (!refused && rendered === tag.value) return undefined;
  const read = refused ? 'kustomize refuses it' : `a chart renders ${rendered}`;
  return `the tag ${tag.value} is a number to YAML, and ${read}: write it in quotes`;
}

/**
 * What a template of Helm prints for a plain number. Helm reads all numbers of values as float64; Go's fmt prints those with
 * an exponent below -4 or above 5 as `1.234567e+06`. Numbers with a leading zero are octal, as in YAML 1.1.
 */
function renderedNumber(text: string): string {
  const octal = /^([-+]?)0([0-7]+)$/.exec(text);
  const value =
    octal === null ? Number(text.replaceAll('_', '')) : Number(`${octal[1]}${Number.parseInt(octal[2] as string, 8)}`);
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 6) return String(value);
  return value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2');
}

function filledSlot(text: string, parts: Parts, digest: ScalarNode, tag: ScalarNode | undefined): Slot {
  const range = [digest.start, digest.end] as const;
  if (!isDigest(parts.style === 'hex' ? `sha256:${digest.value}` : digest.value))
    return { blocked: `'${digest.value}' is not a digest` };
  if (isQuoted(digest)) return { digest: range, unpin: range };
  if (tag === undefined || tag.value === '' || parts.map.flow) return { digest: range };
  const line = yamlLineAt(text, digest.start);
  const alone = text.slice(line.start, (parts.digest as YamlEntry).key.start).trim() === '';
  if (!alone) return { digest: range };
  // The last line of a file without final newline is removed together with the line break before
  // it.
  const before = line.end === line.next && line.start > 0 ? yamlLineAt(text, line.start - 1).end : line.start;
  return { digest: range, unpin: [before, line.next] };
}

const JSON_WORD = /^(?:true|false|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)$/i;

/**
 * `tag: 1.2` becomes `tag: 1.2@sha256:…`: a template that renders `repository:tag` then renders a
 * pinned reference.
 */
function tagSlot(text: string, tag: ScalarNode, inJson: boolean): Slot {
  if (text.slice(tag.start, tag.end) !== tag.value)
    return { blocked: 'the tag is written with escapes or over several lines' };
  if (inJson && tag.style === 'plain' && JSON_WORD.test(tag.value))
    return { blocked: `the tag ${tag.value} is not text to JSON: write it in quotes` };
  const at = tag.value.indexOf('@');
  if (at < 0) return { pin: { at: tag.end, before: '@', after: '' } };
  return { digest: [tag.start + at + 1, tag.end], unpin: [tag.start + at, tag.end] };
}

/** A `digest:` line below the tag's line, at the same indentation and with the same line ending. */
function lineSlot(text: string, tag: YamlEntry, value: ScalarNode): Slot | undefined {
  const line = yamlLineAt(text, tag.key.start);
  if (value.end > line.end) return undefined;
  const quote = tag.key.style === 'plain' ? 0 : 1;
  const before = text.slice(line.start, tag.key.start - quote);
  // Anything else before the key, as an anchor, says nothing of the column of the keys below it.
  if (!/^ *(?:- +)*$/.test(before)) return undefined;
  const indent = before.replaceAll('-', ' ');
  const newline = text.slice(line.end, line.next) || lineBreakAbove(text, line.start);
  if (line.end === line.next) {
    return { pin: { at: line.end, before: `${newline}${indent}digest: `, after: '' } };
  }
  return { pin: { at: line.next, before: `${indent}digest: `, after: newline } };
}

/** How the line above ends (P27): the last line of a file may have no end of its own. */
function lineBreakAbove(text: string, lineStart: number): string {
  if (lineStart === 0) return '\n';
  const { end, next } = yamlLineAt(text, lineStart - 1);
  return text.slice(end, next);
}

/** The scalar of an entry. The words for null count as an empty text. */
function scalarOf(entry: YamlEntry | undefined): ScalarNode | undefined {
  if (entry?.value.kind !== 'scalar') return undefined;
  return isYamlNull(entry.value) ? { ...entry.value, value: '' } : entry.value;
}

function isQuoted(scalar: ScalarNode): boolean {
  return scalar.style === 'single' || scalar.style === 'double';
}
