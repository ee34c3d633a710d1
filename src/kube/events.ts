// Writes Kubernetes Events. The queue is bounded, repeated Events are suppressed for a while, and
// recording never blocks: whether an Event can be written changes no decision (T44).
import type { KubeClient } from './client.ts';

export type KubeEvent = {
  readonly type: 'Normal' | 'Warning';
  /** One word for machines: ImageDenied, ImageBypassed. */
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string;
  };
};

/** An identical Event is suppressed for this long, milliseconds. */
const REPEAT_MS = 5 * 60_000;
/** Longest queue. Further Events are dropped and counted. */
const MAX_WAITING = 200;
/** Pause between two writes, milliseconds, so that a storm of denials is no storm of requests. */
const PAUSE_MS = 100;
const MAX_REMEMBERED = 5000;
/** events.k8s.io/v1 limits a note to 1 kB, bytes. */
const MAX_NOTE = 1000;

export class EventRecorder {
  readonly #client: KubeClient;
  readonly #instance: string;
  readonly #dropped: () => void;
  readonly #controller: string;
  readonly #recorded = new Map<string, number>();
  readonly #waiting: KubeEvent[] = [];
  #working = false;

  /**
   * @param instance name of the reporting pod
   * @param dropped called for each Event that is not written
   * @param controller name of the reporting controller
   */
  constructor(client: KubeClient, instance: string, dropped: () => void, controller = 'tagproof.dev/admission') {
    this.#client = client;
    this.#instance = instance;
    this.#dropped = dropped;
    this.#controller = controller;
  }

  record(event: KubeEvent, now = Date.now()): void {
    const { kind, namespace, name } = event.regarding;
    const key = `${event.reason} ${kind} ${namespace}/${name} ${event.note}`;
    if ((this.#recorded.get(key) ?? 0) > now - REPEAT_MS) return;
    if (this.#waiting.length >= MAX_WAITING) return this.#dropped();
    this.#recorded.delete(key);
    this.#recorded.set(key, now);
    if (this.#recorded.size > MAX_REMEMBERED) this.#recorded.delete(this.#recorded.keys().next().value as string);
    this.#waiting.push(event);
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
      await this.#write(event).catch(() => this.#dropped());
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    }
    this.#working = false;
  }

  async #write({ type, reason, action, note, regarding }: KubeEvent): Promise<void> {
    const namespace = regarding.namespace === '' ? 'default' : regarding.namespace;
    await this.#client.create(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: 'tagproof-', namespace },
      eventTime: new Date().toISOString().replace('Z', '000Z'), // MicroTime
      reportingController: this.#controller,
      reportingInstance: this.#instance,
      type,
      reason,
      action,
      note: note.slice(0, MAX_NOTE),
      regarding,
    });
  }
}
