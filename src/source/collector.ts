// Collects what a reader finds in one file: adds positions, applies ignore comments, drops repeats.
import type { Dialect, Found, ImageKeys, Reference, Skipped, SkipReason, Slot, SourceLocation } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { notText } from './no-text.ts';
import type { GlobalRegistry, Overlay, RemoteChart } from './overlay.ts';
import type { TagPlace } from './shared-tag.ts';
import { spells, wholeSlot } from './slot.ts';
import { positions, yamlLineAt } from './text.ts';
import type { ScalarNode } from './yaml-node.ts';

/** No image name is longer. Longer text is cut, so that a report stays readable. */
const MAX_SHOWN = 200;
const IGNORE = /(?:#|\/\/)\s*tagproof:ignore\b[ \t:-]*(.*)$/;

/** Wildcards and operators of policy engines (Kyverno: `*:*`, `!*:latest`, `a | b`), which no reference has. */
const PATTERN = /[*?|&<>!]/;
/** `IMAGE_URL`, `__IMAGE__`, `<IMAGE>`, `@image@`, `%IMAGE%:1`: marks around the name, or words in upper case joined by `_`. */
const PLACEHOLDER =
  /^(?:<[\w -]{1,64}>|@[\w-]{1,64}@|%[\w-]{1,64}%|__\w{1,64}__|[A-Z][A-Z0-9]{0,64}(?:_[A-Z0-9]{1,64}){1,16})(?::\S{0,128})?$/;

export type Spot = { start: number; end: number; path: string };

/** The part of a spot that spells the value: white space may stand around it, as in a block scalar. With escapes it is not spelled. */
export function spotOfValue(text: string, spot: Spot, value: string): Spot {
  const within = text.slice(spot.start, spot.end).indexOf(value);
  if (within < 0) return spot;
  const start = spot.start + within;
  return { ...spot, start, end: start + value.length };
}

type ImageOptions = { readonly note?: string; readonly completed?: boolean; readonly scalar?: ScalarNode };

export class Collector {
  readonly found: Found[] = [];
  readonly skipped: Skipped[] = [];
  readonly overlays: Overlay[] = [];
  readonly charts: RemoteChart[] = [];
  /** Tags of images in parts; several may be one scalar, by aliases. */
  readonly tagUses: TagPlace[] = [];
  /** How often another field led to what is at an offset, by an alias. */
  readonly repeats = new Map<number, number>();
  /** A registry that values set for all images of a chart. */
  globalRegistry: GlobalRegistry | undefined;
  readonly text: string;
  readonly file: string;
  dialect: Dialect = 'yaml';
  document = 0;
  /** Kubernetes object that the reader is in: `Deployment/web`. */
  object: string | undefined;
  /** The namespace of that object, where it names one. */
  namespace: string | undefined;
  /** Whether it is a custom resource: its controller may complete what it names. */
  custom = false;
  /** Whether it is a Talos machine configuration. */
  talos = false;
  /** Name of the container that is being read. */
  container: string | undefined;
  readonly #position: (offset: number) => { line: number; column: number };
  readonly #seen = new Set<number>();
  #mayIgnore: boolean | undefined;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    this.#position = positions(text);
  }

  /**
   * Takes a value that is a whole image reference.
   * @param sure false: the field may hold something else, so a value counts only if it can be
   * nothing but an image
   * @param completed a controller may add a tag to a name without one, so it is not `latest` (P30)
   * @param scalar the whole value of a YAML field: a number there is no text, and with a digest it would become one (P4)
   */
  image(place: Spot, value: string, sure: boolean, { note, completed = false, scalar }: ImageOptions = {}): void {
    const spot = spotOfValue(this.text, place, value);
    const expression = notLiteral(value);
    if (expression !== undefined) return this.skip(spot, value, expression.reason, expression.detail);
    const other = scalar && notText(this.text, scalar);
    if (other === 'null') return;
    if (sure && other !== undefined)
      return this.invalid(spot, value, `is ${other} to YAML, and an image is text: write it in quotes`);
    if (!sure && /^(true|false|null|~|\d*)$/i.test(value)) return; // a switch or a number, clearly no image
    const reference = parseReference(detached(value));
    if (reference instanceof Problem) {
      if (value === '') return;
      return sure
        ? this.invalid(spot, value, reference.message)
        : this.skip(spot, value, 'uncertain', reference.message);
    }
    if (!sure && !unmistakable(reference)) {
      const detail = `may be an image; if it is, name the field ${fieldPath(spot.path)} under find.fields in tagproof.yaml`;
      return this.skip(spot, value, 'uncertain', detail);
    }
    if (completed && reference.tag === undefined && reference.digest === undefined) {
      const detail = 'has no tag; the controller of this custom resource may add one, so it is not latest';
      return this.skip(spot, value, 'incomplete', detail);
    }
    if (sure && this.#seen.has(spot.start)) this.#dropUncertain(spot);
    this.reference(spot, reference, wholeSlot(this.text, spot.start, spot.end, reference), { note });
  }

  /** @param more a note for users, and the keys of an image in parts */
  reference(
    spot: Spot,
    reference: Reference,
    slot: Slot,
    { note, parts }: { readonly note?: string | undefined; readonly parts?: ImageKeys } = {},
  ): void {
    if (this.#repeat(spot)) return;
    const reason = this.#ignoreComment(spot);
    if (reason) {
      this.#seen.delete(spot.start);
      return this.skip(spot, reference.text, 'ignored', `tagproof:ignore: ${reason}`);
    }
    const unexplained = reason === '' ? 'tagproof:ignore has no effect without a reason after it' : undefined;
    const notes = [note, unexplained].filter((part) => part !== undefined).join('; ');
    this.found.push({
      kind: 'found',
      ...this.#location(spot),
      dialect: this.dialect,
      reference,
      slot: this.#slotAt(spot, reference, slot),
      ...(this.object !== undefined && { object: detached(this.object) }),
      ...(this.namespace !== undefined && { namespace: detached(this.namespace) }),
      ...(this.container !== undefined && { container: detached(this.container) }),
      ...(notes !== '' && { note: notes }),
      ...(parts !== undefined && { parts }),
    });
  }

  /**
   * A value where an image belongs that is no valid reference. A node refuses to run it, so `check`
   * reports it (P11), unless it is no image to run: a policy's pattern, or a placeholder.
   */
  invalid(spot: Spot, value: string, detail: string): void {
    if (this.custom && PATTERN.test(value))
      return this.skip(spot, value, 'pattern', 'matches images, as in the rule of a policy engine');
    if (PLACEHOLDER.test(value))
      return this.skip(spot, value, 'variable', 'looks like a placeholder that another program replaces');
    if (this.#seen.has(spot.start)) this.#dropUncertain(spot);
    const reason = this.#ignoreComment(spot);
    if (reason) return this.skip(spot, value, 'ignored', `tagproof:ignore: ${reason}`);
    this.skip(spot, value, 'invalid', detail);
  }

  /** Where a place does not spell its reference, no offset in it means what it seems to. */
  #slotAt({ start, end }: Spot, reference: Reference, slot: Slot): Slot {
    if (slot.blocked !== undefined || spells(this.text.slice(start, end), reference)) return slot;
    return { blocked: 'the reference is written with escapes: write it plainly' };
  }

  /** @param spot of a part with the place for a digest, which the deployment graph may use */
  skip(spot: Spot & { readonly slot?: Slot | undefined }, text: string, reason: SkipReason, detail: string): void {
    if (this.#repeat(spot)) return;
    const shown = detached(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
    const place = { kind: 'skipped' as const, ...this.#location(spot), dialect: this.dialect };
    this.skipped.push({ ...place, text: shown, reason, detail, ...(spot.slot !== undefined && { slot: spot.slot }) });
  }

  /**
   * A value can be uncertain where its anchor is, and certain where an alias puts it into a
   * container.
   */
  #dropUncertain(spot: Spot): void {
    const index = this.skipped.findIndex(({ start, reason }) => start === spot.start && reason === 'uncertain');
    if (index < 0) return;
    this.skipped.splice(index, 1);
    this.#seen.delete(spot.start);
  }

  /** True when this spot was reported before. Every alias leads to the scalar of its anchor. */
  #repeat(spot: Spot): boolean {
    const seen = this.#seen.has(spot.start);
    if (seen) this.repeats.set(spot.start, (this.repeats.get(spot.start) ?? 0) + 1);
    else this.#seen.add(spot.start);
    return seen;
  }

  #location(spot: Spot): SourceLocation {
    const path = detached(spot.path);
    return { file: this.file, ...spot, path, ...this.#position(spot.start), document: this.document };
  }

  /**
   * The reason of a `# tagproof:ignore` on the same line or on the comment line above; '' when it
   * gives none.
   */
  #ignoreComment({ start, end }: Spot): string | undefined {
    this.#mayIgnore ??= this.text.includes('tagproof:ignore');
    if (!this.#mayIgnore) return undefined;
    const line = yamlLineAt(this.text, start);
    const rest = IGNORE.exec(this.text.slice(Math.min(end, line.end), line.end));
    if (rest !== null) return (rest[1] as string).trim();
    if (line.start === 0) return undefined;
    const above = yamlLineAt(this.text, line.start - 1);
    const comment = this.text.slice(above.start, above.end).trim();
    const match = /^(?:#|\/\/)/.test(comment) ? IGNORE.exec(comment) : null;
    return match === null ? undefined : (match[1] as string).trim();
  }
}

/** The same text by itself: a part of a string keeps the whole of it in memory, and results outlive the files. */
function detached(part: string): string {
  if (part.length < 13) return part; // engines copy these
  const copy = Buffer.from(part).toString();
  return copy === part ? copy : part;
}

/** `spec.steps[3].image` as a field rule names it: `spec.steps[].image`. */
function fieldPath(path: string): string {
  return path.replace(/\[\d+\]/g, '[]');
}

/** Says why a value is no literal: another program completes it first. undefined for a literal. */
export function notLiteral(value: string): { reason: SkipReason; detail: string } | undefined {
  if (/\{\{|\{%|<%/.test(value)) return { reason: 'template', detail: 'exists only after the template is rendered' };
  if (/\$\{|\$\(|\$[A-Za-z_]|%\w+%/.test(value))
    return { reason: 'variable', detail: 'exists only after variables are filled in' };
  return undefined;
}

/**
 * Nothing but an image has this form: a tag or a digest, or a host with a dot, and no file
 * extension.
 */
function unmistakable(reference: Reference): boolean {
  if (reference.digest !== undefined) return true;
  if (/\.(png|jpe?g|gif|svg|ico|webp|iso|img|qcow2|vmdk|raw|vhd|ova)$/i.test(reference.repository)) return false;
  if (reference.tag !== undefined) return true;
  return /[.:]/.test(reference.name.split('/', 1)[0] as string) && reference.name.includes('/');
}
