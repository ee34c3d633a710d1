// The closures of running images and of what tags point to: each is read from its registry once,
// kept in the ledger, and held in memory while it is in use.
import type { Reference } from '../flow.ts';
import { withDigest } from '../image/reference.ts';
import type { ImageClosure } from '../inventory/image-identity.ts';
import type { ImageFacts } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';

export type ReadClosure = (reference: Reference) => Promise<ImageClosure & { readonly images: readonly ImageFacts[] }>;

/** Held in memory; all of them are in the ledger. */
const MAX_IN_MEMORY = 20_000;
const WORKERS = 4;
const MAX_WAITING = 20_000;
/** Pause before a closure that could not be read is tried again, milliseconds. */
const RETRY_MS = 30 * 60_000;

/** Owns the queue. */
export class Closures {
  readonly #ledger: Ledger;
  readonly #read: ReadClosure;
  readonly #failed: (reference: Reference, problem: Problem) => void;
  readonly #added: () => void;
  readonly #known = new Map<string, ImageClosure>();
  /** First what decides whether an image has moved, then what is only useful to know. */
  readonly #waiting = [new Map<string, Reference>(), new Map<string, Reference>()] as const;
  readonly #reading = new Set<string>();
  readonly #failures = new Map<string, number>();
  #working = 0;

  /** @param added called after each closure that became known */
  constructor(
    ledger: Ledger,
    read: ReadClosure,
    failed: (reference: Reference, problem: Problem) => void,
    added: () => void = () => {},
  ) {
    this.#added = added;
    this.#ledger = ledger;
    this.#read = read;
    this.#failed = failed;
  }

  /** Undefined: not known yet. */
  of(digest: string): ImageClosure | undefined {
    return this.#known.get(digest);
  }

  /**
   * Queues a closure, unless it is known, queued, or failed a short while ago.
   * @param reference where it can be read; its own digest does not matter
   * @param urgent without it, a drift and an index look the same
   */
  want(reference: Reference, digest: string, urgent: boolean, now = Date.now()): void {
    const [first, later] = this.#waiting;
    if (this.#known.has(digest) || this.#reading.has(digest) || first.has(digest)) return;
    if (first.size + later.size >= MAX_WAITING) return;
    if ((this.#failures.get(digest) ?? 0) > now - RETRY_MS) return;
    if (urgent) later.delete(digest);
    (urgent ? first : later).set(digest, withDigest(reference, digest));
    if (this.#working < WORKERS) void this.#work();
  }

  /** Resolves when this closure is known, or could not be read. */
  async settledOn(digest: string): Promise<void> {
    const isPending = () => this.#waiting.some((queue) => queue.has(digest)) || this.#reading.has(digest);
    while (isPending()) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Resolves when nothing is queued any more. */
  async settled(): Promise<void> {
    while (this.#working > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #work(): Promise<void> {
    this.#working++;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [digest, reference] = next;
      this.#reading.add(digest);
      try {
        this.#remember(digest, (await this.#stored(digest)) ?? (await this.#fetch(reference)));
        this.#failures.delete(digest);
        this.#added();
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

  #remember(digest: string, closure: ImageClosure): void {
    this.#known.set(digest, closure);
    if (this.#known.size > MAX_IN_MEMORY) this.#known.delete(this.#known.keys().next().value as string);
  }

  async #stored(root: string): Promise<ImageClosure | undefined> {
    const rows = await this.#ledger.closure(root);
    if (rows === undefined) return undefined;
    const members = rows.map(
      ({ member, role, platform }) =>
        [member, { role: role as 'index', ...(platform !== null && { platform }) }] as const,
    );
    return { root, members: new Map(members) };
  }

  async #fetch(reference: Reference): Promise<ImageClosure> {
    const { root, members, images } = await this.#read(reference);
    const listed = [...members].map(([digest, member]) => ({ digest, ...member }));
    await this.#ledger.append([{ kind: 'closure', root, members: listed, images }]);
    return { root, members };
  }
}
