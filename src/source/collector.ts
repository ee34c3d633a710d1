// Gathers what the dialects find in one file: gives places their positions, honours ignore comments, drops repeats.
import type { Dialect, Found, ImageKeys, Reference, Skipped, SkipReason, Slot, SourceLocation } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { GlobalRegistry, Overlay } from './overlay.ts';
import type { TagPlace } from './shared-tag.ts';
import { wholeSlot } from './slot.ts';
import { lineAt, positions } from './text.ts';

/** Anything longer is no image name; keeps a report readable. */
const MAX_SHOWN = 200;
const IGNORE = /(?:#|\/\/)\s*tagproof:ignore\b[ \t:-]*(.*)$/;

export type Spot = { start: number; end: number; path: string };

export class Collector {
  readonly found: Found[] = [];
  readonly skipped: Skipped[] = [];
  readonly overlays: Overlay[] = [];
  /** Tags of images in parts; several may be one scalar, by aliases. */
  readonly tagUses: TagPlace[] = [];
  /** A registry that values set for all images of a chart. */
  globalRegistry: GlobalRegistry | undefined;
  readonly text: string;
  readonly file: string;
  dialect: Dialect = 'yaml';
  document = 0;
  /** Kubernetes object that is being read: `Deployment/web`. */
  object: string | undefined;
  /** Its namespace, where it names one. */
  namespace: string | undefined;
  readonly #position: (offset: number) => { line: number; column: number };
  readonly #seen = new Set<number>();
  #mayIgnore: boolean | undefined;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    this.#position = positions(text);
  }

  /**
   * A value that stands in one piece where an image belongs.
   * @param sure false: the field may hold something else, so only what cannot be anything but an image is taken
   */
  image(spot: Spot, value: string, sure: boolean, note?: string): void {
    const why = notLiteral(value);
    if (why !== undefined) return this.skip(spot, value, why.reason, why.detail);
    if (!sure && /^(true|false|null|~|\d*)$/i.test(value)) return; // a switch or a number, plainly no image
    const reference = parseReference(value);
    if (reference instanceof Problem) {
      if (value === '') return;
      return this.skip(spot, value, sure ? 'invalid' : 'uncertain', reference.message);
    }
    if (!sure && !unmistakable(reference)) {
      const detail = `may be an image; if it is, name the field ${fieldPath(spot.path)} under find.fields in tagproof.yaml`;
      return this.skip(spot, value, 'uncertain', detail);
    }
    if (sure && this.#seen.has(spot.start)) this.#forgetDoubt(spot);
    this.reference(spot, reference, wholeSlot(this.text, spot.start, spot.end, reference), note);
  }

  /** @param parts the keys of an image in parts */
  reference(spot: Spot, reference: Reference, slot: Slot, note?: string, parts?: ImageKeys): void {
    if (this.#repeat(spot)) return;
    const ignored = this.#ignoreComment(spot);
    if (ignored) {
      this.#seen.delete(spot.start);
      return this.skip(spot, reference.text, 'ignored', `tagproof:ignore: ${ignored}`);
    }
    const bare = ignored === '' ? 'tagproof:ignore needs a reason behind it; it is not honoured' : undefined;
    const notes = [note, bare].filter((part) => part !== undefined).join('; ');
    this.found.push({
      kind: 'found',
      ...this.#location(spot),
      dialect: this.dialect,
      reference,
      slot,
      ...(this.object !== undefined && { object: this.object }),
      ...(this.namespace !== undefined && { namespace: this.namespace }),
      ...(notes !== '' && { note: notes }),
      ...(parts !== undefined && { parts }),
    });
  }

  skip(spot: Spot, text: string, reason: SkipReason, detail: string, slot?: Slot): void {
    if (this.#repeat(spot)) return;
    const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
    const place = { kind: 'skipped' as const, ...this.#location(spot), dialect: this.dialect };
    this.skipped.push({ ...place, text: shown, reason, detail, ...(slot !== undefined && { slot }) });
  }

  /** What was uncertain where its anchor stands is sure where an alias puts it into a container. */
  #forgetDoubt(spot: Spot): void {
    const index = this.skipped.findIndex(({ start, reason }) => start === spot.start && reason === 'uncertain');
    if (index < 0) return;
    this.skipped.splice(index, 1);
    this.#seen.delete(spot.start);
  }

  /** True when this spot was reported before: an anchor's scalar is reached by every alias. */
  #repeat(spot: Spot): boolean {
    if (this.#seen.has(spot.start)) return true;
    this.#seen.add(spot.start);
    return false;
  }

  #location(spot: Spot): SourceLocation {
    return { file: this.file, ...spot, ...this.#position(spot.start), document: this.document };
  }

  /** The reason of a `# tagproof:ignore` on the line or on the comment line above; '' when it gives none. */
  #ignoreComment({ start, end }: Spot): string | undefined {
    this.#mayIgnore ??= this.text.includes('tagproof:ignore');
    if (!this.#mayIgnore) return undefined;
    const line = lineAt(this.text, start);
    const rest = IGNORE.exec(this.text.slice(Math.min(end, line.end), line.end));
    if (rest !== null) return (rest[1] as string).trim();
    if (line.start === 0) return undefined;
    const above = lineAt(this.text, line.start - 1);
    const comment = this.text.slice(above.start, above.end).trim();
    const match = comment.startsWith('#') ? IGNORE.exec(comment) : null;
    return match === null ? undefined : (match[1] as string).trim();
  }
}

/** `spec.steps[3].image` as a rule would name it: `spec.steps[].image`. */
function fieldPath(path: string): string {
  return path.replace(/\[\d+\]/g, '[]');
}

/** A value that some other program completes first. */
export function notLiteral(value: string): { reason: SkipReason; detail: string } | undefined {
  if (/\{\{|\{%|<%/.test(value)) return { reason: 'template', detail: 'exists only after the template is rendered' };
  if (/\$\{|\$\(|\$[A-Za-z_]|%\w+%/.test(value))
    return { reason: 'variable', detail: 'exists only after variables are filled in' };
  return undefined;
}

/** No other kind of text looks like this: a tag or a digest, or a host with a dot, and no file's ending. */
function unmistakable(reference: Reference): boolean {
  if (reference.digest !== undefined) return true;
  if (/\.(png|jpe?g|gif|svg|ico|webp|iso|img|qcow2|vmdk|raw|vhd|ova)$/i.test(reference.repository)) return false;
  if (reference.tag !== undefined) return true;
  return /[.:]/.test(reference.name.split('/', 1)[0] as string) && reference.name.includes('/');
}
