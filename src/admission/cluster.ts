// The webhook's link to its cluster: watches policy objects and bypasses, writes statuses and
// Events.

import type { Reference } from '../flow.ts';
import { BYPASS, IMAGE_POLICY, NAMESPACED_POLICY, resourceOf } from '../install/crds.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder, type KubeEvent } from '../kube/events.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { Informer } from '../kube/watch.ts';
import type { Part } from '../policy/merge.ts';
import { asProblem, Problem } from '../problem.ts';
import { type Bypass, bypassFor, capped, readBypass } from './bypass.ts';
import type { Metrics } from './metrics.ts';
import { Policies, type PolicyObjectState, policyStatus } from './policies.ts';

/** Changes within this time cause one reload, milliseconds. */
const DEBOUNCE_MS = 200;

export type ClusterOptions = {
  readonly kube: KubeClient;
  /** Name of the pod, or of the host. */
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
    clusterPolicies: new Informer(() => this.#changed()),
    namespacedPolicies: new Informer(() => this.#changed()),
    bypasses: new Informer(() => this.#readBypasses()),
  };
  #bypasses: Bypass[] = [];
  #generations: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onChange: () => void = () => {};

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#events = new EventRecorder(options.kube, options.instance, () => options.metrics.eventDropped());
  }

  /**
   * @param onChange called when policies have changed, and when all of them are known for the first
   * time
   */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    const kinds = [
      [this.#informers.clusterPolicies, IMAGE_POLICY],
      [this.#informers.namespacedPolicies, NAMESPACED_POLICY],
      [this.#informers.bypasses, BYPASS],
    ] as const;
    for (const [informer, kind] of kinds) {
      void informer.run(this.#options.kube, pathOf(resourceOf(kind)), this.#stop.signal, (problem, pauseMs) =>
        this.#failed(
          `cannot watch ${kind.plural}; the last known objects stay in force; retrying in ${Math.round(pauseMs)} ms`,
          problem,
        ),
      );
    }
  }

  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  /**
   * Everything has been listed once. Before that, an empty list does not mean that there is no
   * policy.
   */
  get synced(): boolean {
    return Object.values(this.#informers).every(({ synced }) => synced);
  }

  /**
   * The usable generation of every policy object. Also writes the objects' statuses, without
   * waiting for it.
   */
  async parts(): Promise<Part[]> {
    const { parts, states } = await this.#policies.take(this.#policyObjects());
    for (const state of states) void this.#writeStatus(state);
    return parts;
  }

  bypass(namespace: string, reference: Reference, now = Date.now()): Bypass | undefined {
    return bypassFor(this.#bypasses, namespace, reference, now);
  }

  record(event: KubeEvent): void {
    this.#events.record(event);
  }

  #policyObjects(): KubeObject[] {
    const { clusterPolicies, namespacedPolicies } = this.#informers;
    return [...clusterPolicies.objects(), ...namespacedPolicies.objects()];
  }

  #changed(): void {
    if (!this.synced) return;
    // We change statuses ourselves, so only generations count.
    const generations = this.#policyObjects()
      .map(({ metadata }) => `${metadata?.uid}@${metadata?.generation}`)
      .join();
    if (generations === this.#generations) return;
    this.#generations = generations;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onChange(), DEBOUNCE_MS);
  }

  #readBypasses(): void {
    this.#bypasses = this.#informers.bypasses.objects().flatMap((object) => {
      try {
        return capped(readBypass(object), object.metadata?.creationTimestamp);
      } catch {
        return []; // an invalid bypass admits nothing; the webhook also refuses it when it is created
      }
    });
    this.#changed();
  }

  async #writeStatus(state: PolicyObjectState): Promise<void> {
    const { object, failure } = state;
    const status = policyStatus(state, new Date().toISOString());
    if (status === undefined) return;
    const { name = '', namespace } = object.metadata ?? {};
    if (failure !== undefined) this.#options.metrics.policyFailed();
    const kind = object.kind === NAMESPACED_POLICY.kind ? NAMESPACED_POLICY : IMAGE_POLICY;
    try {
      await this.#options.kube.patch(`${pathOf(resourceOf(kind), namespace, name)}/status`, 'merge', { status });
    } catch (error) {
      // A deleted object is no failure. After other failures the next change writes the status
      // again.
      if (!(error instanceof Problem && error.code === 'not-found'))
        this.#failed('cannot write the status of a policy', asProblem(error, 'unreachable'));
    }
  }

  #failed(message: string, problem: Problem): void {
    this.#options.metrics.kubeFailed();
    this.#options.log({ at: new Date().toISOString(), message, problem });
  }
}
