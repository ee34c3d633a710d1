// Delivers alarms to sinks. Messages wait in the ledger until a sink accepts them; nothing else
// waits for them.
import type { Alarm, Delivery } from '../ledger/alarms.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem } from '../problem.ts';
import { repeat } from './repeat.ts';
import { addressOf, bodyFor, headersFor, type Sink, sinksByName } from './sinks.ts';

/** Posts to an address of the configuration, without following redirects. @returns the status */
export type Post = (url: string, body: string, headers: Record<string, string>) => Promise<number>;

const TICK_MS = 2000;
/**
 * A delivery that another watcher took and did not finish is free again after this, milliseconds.
 */
const CLAIM_MS = 120_000;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;
/** About three days; after that the message is out of date. */
const MAX_TRIES = 24;

/** Owns the timer. */
export class Notifier {
  readonly #ledger: Ledger;
  readonly #sinks: ReadonlyMap<string, Sink>;
  readonly #post: Post;
  readonly #log: (message: string, fields: object) => void;
  #stop: () => void = () => {};

  /** @throws Problem where two sinks have one name */
  constructor(ledger: Ledger, sinks: readonly Sink[], post: Post, log: (message: string, fields: object) => void) {
    this.#ledger = ledger;
    this.#sinks = sinksByName(sinks);
    this.#post = post;
    this.#log = log;
  }

  /** New alarms that come together are one message to each sink that wants any of them. */
  messagesOf(alarms: readonly Alarm[]): { sink: string; body: string }[] {
    return [...this.#sinks.values()].flatMap((sink) => {
      const wanted = alarms.filter(({ code }) => sink.codes === undefined || sink.codes.some((name) => name === code));
      return wanted.length === 0 ? [] : [{ sink: sink.name, body: bodyFor(sink.kind, wanted) }];
    });
  }

  start(): void {
    if (this.#sinks.size === 0) return;
    this.#stop = repeat(
      () => this.tick(),
      TICK_MS,
      (problem) => this.#log('queued alarms cannot be read', { problem }),
    );
  }

  stop(): void {
    this.#stop();
  }

  async tick(now = Date.now()): Promise<void> {
    const due = await this.#ledger.alarms.claim(now, now + CLAIM_MS);
    await Promise.all(due.map((delivery) => this.#deliver(delivery, now)));
  }

  async #deliver({ id, sink: name, body, tries }: Delivery, now: number): Promise<void> {
    const { alarms } = this.#ledger;
    const sink = this.#sinks.get(name);
    // The sink was removed from the configuration.
    if (sink === undefined) return alarms.delivered(id);
    try {
      const status = await this.#post(addressOf(sink), body, headersFor(sink, body));
      if (status >= 200 && status < 300) return await alarms.delivered(id);
      throw new Error(`it answered with status ${status}`);
    } catch (error) {
      // The address of a sink is often its secret: the log names the sink and never the address.
      const failure = asProblem(error, 'unreachable').message.replaceAll(/https?:\/\/\S+/g, '…');
      const isLast = tries + 1 >= MAX_TRIES;
      this.#log(isLast ? 'an alarm was dropped' : 'an alarm was not delivered, retrying later', {
        sink: name,
        failure,
      });
      if (isLast) return alarms.delivered(id);
      await alarms.failed(id, failure, now + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries));
    }
  }
}
