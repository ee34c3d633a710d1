// The closures of what runs and of what tags point to: read once in their lives, kept for ever in the ledger, some at hand in memory.
import type { Reference } from '../../flow.ts';
import { withDigest } from '../../image/reference.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { asProblem, type Problem } from '../../problem.ts';
import type { ImageClosure } from '../../survey/identity.ts';

export type ReadClosure = (reference: Reference) => Promise<ImageClosure>;

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
  readonly #waiting = new Map<string, Reference>();
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

  /** Makes it known, in a while. @param reference names where it can be read; its own digest does not matter */
  want(reference: Reference, digest: string, now = Date.now()): void {
    if (this.#kept.has(digest) || this.#waiting.size >= MAX_WAITING) return;
    if ((this.#failures.get(digest) ?? 0) > now - AGAIN_MS) return;
    this.#waiting.set(digest, withDigest(reference, digest));
    if (this.#working < WORKERS) void this.#work();
  }

  /** When nothing is waiting any more, for tests and for an end. */
  async settled(): Promise<void> {
    while (this.#working > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #work(): Promise<void> {
    this.#working++;
    for (let next = this.#waiting.entries().next(); !next.done; next = this.#waiting.entries().next()) {
      const [digest, reference] = next.value;
      this.#waiting.delete(digest);
      try {
        this.#keep(digest, (await this.#stored(digest)) ?? (await this.#fetch(reference)));
        this.#failures.delete(digest);
        this.#known();
      } catch (error) {
        this.#failures.set(digest, Date.now());
        this.#failed(reference, asProblem(error, 'unreachable', { image: reference.text }));
      }
    }
    this.#working--;
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
    await this.#ledger.append([{ kind: 'closure', root: closure.root, members }]);
    return closure;
  }
}
