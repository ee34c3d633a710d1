// What the webhook knows of the cluster that it guards: policy objects and bypasses, watched; and what it tells it: statuses, Events.

import type { Reference } from '../flow.ts';
import { BYPASS, IMAGE_POLICY, NAMESPACED_POLICY, resourceOf } from '../install/crds.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder, type KubeEvent } from '../kube/events.ts';
import { pathOf } from '../kube/object.ts';
import { Informer } from '../kube/watch.ts';
import type { Part } from '../policy/merge.ts';
import { asProblem, Problem } from '../problem.ts';
import { type Bypass, bypassFor, capped, readBypass } from './bypass.ts';
import type { Metrics } from './metrics.ts';
import { Policies, type PolicyObjectState, policyStatus } from './policies.ts';

/** Changes that come together are taken over together, milliseconds. */
const TOGETHER_MS = 200;

export type ClusterOptions = {
  readonly kube: KubeClient;
  /** The pod's name, or the host's. */
  readonly instance: string;
  readonly metrics: Metrics;
  readonly log: (line: object) => void;
};

/** Owns the watches. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #events: EventRecorder;
  readonly #stop = new AbortController();
  readonly #policies = new Policies();
  readonly #informers = {
    wide: new Informer(() => this.#changed()),
    narrow: new Informer(() => this.#changed()),
    bypasses: new Informer(() => this.#readBypasses()),
  };
  #bypasses: Bypass[] = [];
  #seen: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onChange: () => void = () => {};

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#events = new EventRecorder(options.kube, options.instance, () => options.metrics.eventDropped());
  }

  /** @param onChange told when policies changed, and when all of them are known for the first time */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    const kinds = [
      [this.#informers.wide, IMAGE_POLICY],
      [this.#informers.narrow, NAMESPACED_POLICY],
      [this.#informers.bypasses, BYPASS],
    ] as const;
    for (const [informer, kind] of kinds) {
      void informer.run(this.#options.kube, pathOf(resourceOf(kind)), this.#stop.signal, (problem, pauseMs) =>
        this.#failed(
          `${kind.plural} cannot be watched, what was known stands; again in ${Math.round(pauseMs)} ms`,
          problem,
        ),
      );
    }
  }

  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  /** Everything has been read once: before, "there is no policy" would mean nothing. */
  get synced(): boolean {
    return Object.values(this.#informers).every(({ synced }) => synced);
  }

  /** The policies that are there, the good ones of each; their statuses are written beside. */
  async parts(): Promise<Part[]> {
    const { wide, narrow } = this.#informers;
    const { parts, states } = await this.#policies.take([...wide.objects(), ...narrow.objects()]);
    for (const standing of states) void this.#writeStatus(standing);
    return parts;
  }

  bypass(namespace: string, reference: Reference, now = Date.now()): Bypass | undefined {
    return bypassFor(this.#bypasses, namespace, reference, now);
  }

  tell(event: KubeEvent): void {
    this.#events.record(event);
  }

  #changed(): void {
    if (!this.synced) return;
    // Statuses change too, by our own hand: only what is asked for counts.
    const { wide, narrow } = this.#informers;
    const seen = [...wide.objects(), ...narrow.objects()]
      .map(({ metadata }) => `${metadata?.uid}@${metadata?.generation}`)
      .join();
    if (seen === this.#seen) return;
    this.#seen = seen;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onChange(), TOGETHER_MS);
  }

  #readBypasses(): void {
    this.#bypasses = this.#informers.bypasses.objects().flatMap((object) => {
      try {
        return capped(readBypass(object), object.metadata?.creationTimestamp);
      } catch {
        return []; // the webhook refuses such a one where it is written; it lets nothing in
      }
    });
    this.#changed();
  }

  async #writeStatus(standing: PolicyObjectState): Promise<void> {
    const { object, failure } = standing;
    const status = policyStatus(standing, new Date().toISOString());
    if (status === undefined) return;
    const { name = '', namespace } = object.metadata ?? {};
    if (failure !== undefined) this.#options.metrics.policyFailed();
    const kind = object.kind === NAMESPACED_POLICY.kind ? NAMESPACED_POLICY : IMAGE_POLICY;
    try {
      await this.#options.kube.patch(`${pathOf(resourceOf(kind), namespace, name)}/status`, 'merge', { status });
    } catch (error) {
      // Gone in between is no failure; the next change writes it again.
      if (!(error instanceof Problem && error.code === 'not-found'))
        this.#failed('a status could not be written', asProblem(error, 'unreachable'));
    }
  }

  #failed(message: string, problem: Problem): void {
    this.#options.metrics.kubeFailed();
    this.#options.log({ at: new Date().toISOString(), message, problem });
  }
}
