// The closures of what runs and of what tags point to: read once in their lives, kept for ever in the ledger, some at hand in memory.
import type { Reference } from '../flow.ts';
import { withDigest } from '../image/reference.ts';
import type { ImageClosure } from '../inventory/image-identity.ts';
import type { ImageFacts } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';

export type ReadClosure = (reference: Reference) => Promise<ImageClosure & { readonly images: readonly ImageFacts[] }>;

/** At hand; the others are in the ledger. */
const MAX_KEPT = 20_000;
/** Read at once. */
const WORKERS = 4;
const MAX_WAITING = 20_000;
/** One that could not be read is tried again after this, milliseconds. */
const AGAIN_MS = 30 * 60_000;

/** Owns the queue. */
export class Closures {
  readonly #ledger: Ledger;
  readonly #read: ReadClosure;
  readonly #failed: (reference: Reference, problem: Problem) => void;
  readonly #known: () => void;
  readonly #kept = new Map<string, ImageClosure>();
  /** What decides whether something has moved, before what is only good to know. */
  readonly #waiting = [new Map<string, Reference>(), new Map<string, Reference>()] as const;
  readonly #reading = new Set<string>();
  readonly #failures = new Map<string, number>();
  #working = 0;

  constructor(
    ledger: Ledger,
    read: ReadClosure,
    failed: (reference: Reference, problem: Problem) => void,
    known: () => void = () => {},
  ) {
    this.#known = known;
    this.#ledger = ledger;
    this.#read = read;
    this.#failed = failed;
  }

  /** What is known of a digest now; undefined: nothing yet. */
  of(digest: string): ImageClosure | undefined {
    return this.#kept.get(digest);
  }

  /**
   * Makes it known, in a while.
   * @param reference names where it can be read; its own digest does not matter
   * @param urgent somebody waits for it
   */
  want(reference: Reference, digest: string, urgent: boolean, now = Date.now()): void {
    const [first, later] = this.#waiting;
    if (
      this.#kept.has(digest) ||
      this.#reading.has(digest) ||
      first.has(digest) ||
      first.size + later.size >= MAX_WAITING
    )
      return;
    if ((this.#failures.get(digest) ?? 0) > now - AGAIN_MS) return;
    if (urgent) later.delete(digest);
    (urgent ? first : later).set(digest, withDigest(reference, digest));
    if (this.#working < WORKERS) void this.#work();
  }

  /** When this one is known, or could not be read. */
  async settledOn(digest: string): Promise<void> {
    const waits = () => this.#waiting.some((queue) => queue.has(digest)) || this.#reading.has(digest);
    while (waits()) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** When nothing is waiting any more, for tests and for an end. */
  async settled(): Promise<void> {
    while (this.#working > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #work(): Promise<void> {
    this.#working++;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [digest, reference] = next;
      this.#reading.add(digest);
      try {
        this.#keep(digest, (await this.#stored(digest)) ?? (await this.#fetch(reference)));
        this.#failures.delete(digest);
        this.#known();
      } catch (error) {
        this.#failures.set(digest, Date.now());
        this.#failed(reference, asProblem(error, 'unreachable', { image: reference.text }));
      }
      this.#reading.delete(digest);
    }
    this.#working--;
  }

  #next(): [string, Reference] | undefined {
    for (const queue of this.#waiting)
      for (const next of queue) {
        queue.delete(next[0]);
        return next;
      }
    return undefined;
  }

  #keep(digest: string, closure: ImageClosure): void {
    this.#kept.set(digest, closure);
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
  }

  async #stored(root: string): Promise<ImageClosure | undefined> {
    const rows = await this.#ledger.closure(root);
    if (rows === undefined) return undefined;
    return {
      root,
      members: new Map(
        rows.map(({ member, role, platform }) => [
          member,
          { role: role as 'index', ...(platform !== null && { platform }) },
        ]),
      ),
    };
  }

  async #fetch(reference: Reference): Promise<ImageClosure> {
    const closure = await this.#read(reference);
    const members = [...closure.members].map(([digest, member]) => ({ digest, ...member }));
    await this.#ledger.append([{ kind: 'closure', root: closure.root, members, images: closure.images }]);
    return { root: closure.root, members: closure.members };
  }
}
