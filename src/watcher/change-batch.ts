// Runs a task a short while after changes, once for all that came together, and never twice at
// once.

/** Changes within this time are handled together, milliseconds. */
const TOGETHER_MS = 500;
/**
 * The task rests four times as long as it took: a large cluster that changes all the time takes a
 * fifth of a processor.
 */
const REST = 4;

/** Owns the timer. */
export class ChangeBatch {
  readonly #task: () => Promise<void>;
  readonly #togetherMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #tookMs = 0;
  #stopped = false;

  /** @param task must not reject */
  constructor(task: () => Promise<void>, togetherMs = TOGETHER_MS) {
    this.#task = task;
    this.#togetherMs = togetherMs;
  }

  /** Runs the task soon; further calls until then change nothing. */
  schedule(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#running = this.#running.then(async () => {
          const started = performance.now();
          await this.#task();
          this.#tookMs = performance.now() - started;
        });
      },
      Math.max(this.#togetherMs, this.#tookMs * REST),
    );
  }

  /** Drops what is scheduled, and resolves when the running task has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
