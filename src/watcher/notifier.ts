// Tells people of alarms: a webhook, Slack, Teams. Messages wait in the ledger until they were taken, and nothing else waits for them.
import { createHmac } from 'node:crypto';
import { readNamed } from '../file.ts';
import type { Alarm, Delivery } from '../ledger/alarms.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AlarmSettings } from '../policy/config.ts';
import { asProblem } from '../problem.ts';
import { repeat } from './repeat.ts';

/** Posts somewhere that the configuration names. @returns the status */
export type Post = (url: string, body: string, headers: Record<string, string>) => Promise<number>;
export type Sink = AlarmSettings['sinks'][number];

const TICK_MS = 2000;
/** One that somebody took and did not finish is another's after this, milliseconds. */
const CLAIM_MS = 120_000;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;
/** Some days; then nobody will read it any more. */
const MAX_TRIES = 24;
/** Lines of one message; the rest is counted. */
const MAX_LINES = 20;

/** Owns the timer. */
export class Notifier {
  readonly #ledger: Ledger;
  readonly #sinks: readonly Sink[];
  readonly #post: Post;
  readonly #say: (message: string, more: object) => void;
  #stop: () => void = () => {};

  constructor(ledger: Ledger, sinks: readonly Sink[], post: Post, say: (message: string, more: object) => void) {
    this.#ledger = ledger;
    this.#sinks = sinks;
    this.#post = post;
    this.#say = say;
  }

  /** Alarms that came together go as one message to each who wants to know of any of them. */
  messagesOf(alarms: readonly Alarm[]): { sink: string; body: string }[] {
    return this.#sinks.flatMap((sink) => {
      const wanted = alarms.filter(({ code }) => sink.codes === undefined || sink.codes.includes(code));
      return wanted.length === 0 ? [] : [{ sink: sink.name, body: bodyFor(sink.kind, wanted) }];
    });
  }

  start(): void {
    if (this.#sinks.length === 0) return;
    this.#stop = repeat(
      () => this.tick(),
      TICK_MS,
      (problem) => this.#say('alarms cannot be read', { problem }),
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
    const sink = this.#sinks.find((item) => item.name === name);
    // Nobody is called that any more.
    if (sink === undefined) return alarms.delivered(id);
    try {
      const status = await this.#post(urlOf(sink), body, headersFor(sink, body));
      if (status >= 200 && status < 300) return await alarms.delivered(id);
      throw new Error(`it answered with status ${status}`);
    } catch (error) {
      // The address of a webhook is its secret: only the sink's name is told.
      const failure = asProblem(error, 'unreachable').message.replaceAll(/https?:\/\/\S+/g, '…');
      const given = tries + 1 >= MAX_TRIES;
      this.#say(given ? 'an alarm was given up' : 'an alarm could not be told, tried again', { sink: name, failure });
      if (given) return alarms.delivered(id);
      await alarms.failed(id, failure, now + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries));
    }
  }
}

function urlOf({ name, url, urlFile }: Sink): string {
  const text = url ?? (urlFile === undefined ? '' : readNamed(urlFile).toString('utf8').trim());
  if (!URL.canParse(text)) throw new Error(`alarms: the sink '${name}' has no usable address`);
  return text;
}

function headersFor({ kind, secretFile }: Sink, body: string): Record<string, string> {
  const json = { 'content-type': 'application/json' };
  if (kind !== 'webhook' || secretFile === undefined) return json;
  const secret = readNamed(secretFile).toString('utf8').trim();
  return { ...json, 'x-tagproof-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

const SIGNS = { critical: '🔴', warning: '🟡' } as const;

function bodyFor(kind: Sink['kind'], alarms: readonly Alarm[]): string {
  if (kind === 'webhook') return JSON.stringify({ version: 1, alarms });
  const title = alarms.length === 1 ? 'tagproof: one alarm' : `tagproof: ${alarms.length} alarms`;
  const sorted = alarms.toSorted((a, b) => (a.severity < b.severity ? -1 : a.severity > b.severity ? 1 : 0));
  const lines = sorted.slice(0, MAX_LINES).map(({ severity, code, subject, message, about }) => {
    const cluster = about['cluster'] === undefined ? '' : ` (${about['cluster']})`;
    return { sign: SIGNS[severity], code, text: `${subject}${cluster}: ${message}` };
  });
  const more = alarms.length > MAX_LINES ? `… and ${alarms.length - MAX_LINES} more` : undefined;
  if (kind === 'slack') {
    const own = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    const text = lines.map(({ sign, code, text: words }) => `${sign} *${code}* ${own(words)}`);
    return JSON.stringify({ text: [`*${title}*`, ...text, ...(more === undefined ? [] : [more])].join('\n') });
  }
  // Adaptive Card, as Teams' workflows take it.
  const block = (text: string, rest: object = {}) => ({ type: 'TextBlock', text, wrap: true, ...rest });
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(title, { weight: 'bolder' }),
      ...lines.map(({ sign, code, text }) => block(`${sign} **${code}** ${text.replaceAll(/[*_[\]]/g, '\\$&')}`)),
      ...(more === undefined ? [] : [block(more)]),
    ],
  };
  return JSON.stringify({
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }],
  });
}
