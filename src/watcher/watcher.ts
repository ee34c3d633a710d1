// Watches clusters and the images that they use, keeps the record, and tells what is worth telling. Decides nothing, and nobody waits for it.
import type { Reference } from '../flow.ts';
import { printReference } from '../image/reference.ts';
import { type DeployedContainer, deployedOf, pollKey } from '../inventory/deployed.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';
import { type AlertOptions, Alerts } from './alerts.ts';
import type { Budget, Spent } from './budget.ts';
import { Closures, type ReadClosure } from './closures.ts';
import { ClusterWatch, type Feed } from './cluster-watch.ts';
import { type Evaluator, EvidenceKeeper } from './evidence.ts';
import { LeaderElection } from './leader-election.ts';
import { WatcherMetrics } from './metrics.ts';
import { needsOf, polledReferences } from './needs.ts';
import { Overrides } from './overrides.ts';
import { repeat } from './repeat.ts';
import { type Freshness, type HeadRequest, type TagChange, Tags } from './tags.ts';

export type WatcherOptions = {
  readonly feeds: readonly Feed[];
  readonly ledger: Ledger;
  readonly ask: HeadRequest;
  readonly readClosure: ReadClosure;
  /** Today's policy; undefined: there are no rules. */
  readonly evaluator: () => Promise<Evaluator | undefined>;
  readonly budget: Budget;
  /** Images to follow though nobody runs them. */
  readonly also?: readonly Reference[];
  readonly alerts: AlertOptions;
  readonly log: (line: object) => void;
};

/** Changes that come together are recorded together, milliseconds. */
const TOGETHER_MS = 500;
/** What others write is read anew: holds, what must never run; and the policy. */
const REFRESH_MS = 10_000;
/** What stands is compared with the alarms so often at the most. */
const ALARMS_MS = 3000;
const AGAIN_MS = 5000;

/** Owns the watches and the timers. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #stop = new AbortController();
  readonly #clusters: readonly ClusterWatch[];
  readonly #tags: Tags;
  readonly #closures: Closures;
  readonly #evidence: EvidenceKeeper;
  readonly #alerts: Alerts;
  readonly #listeners = new Set<() => void>();
  readonly figures = new WatcherMetrics();
  readonly #election: LeaderElection;
  readonly #overrides: Overrides;
  #known: readonly DeployedContainer[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopRefresh: () => void = () => {};
  #compared = 0;
  /** Of the last record, milliseconds. */
  #cost = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { ledger, ask, readClosure, evaluator, budget, feeds, alerts } = options;
    this.#clusters = feeds.map(
      (feed) =>
        new ClusterWatch(feed, {
          changed: () => this.#later(),
          say: (message, problem) => this.#say(message, { problem }),
        }),
    );
    this.#closures = new Closures(
      ledger,
      readClosure,
      (reference, problem) => this.#say('closure not read', { image: reference.text, problem }),
      () => this.#notify(),
    );
    this.#evidence = new EvidenceKeeper(
      ledger,
      evaluator,
      (change) => {
        if (change !== undefined) this.#alerts.signers(change);
        this.#notify();
      },
      (problem) => this.#say('not judged', { problem }),
    );
    this.#tags = new Tags({
      ledger,
      ask,
      budget,
      moved: (move) => this.#moved(move),
      failed: (reference, problem) => this.#say('not looked at', { image: reference.text, problem }),
      broken: (problem) => this.#ledgerFailed(problem),
      polled: () => {
        this.#want();
        this.#notify();
      },
    });
    this.#overrides = new Overrides(ledger);
    this.#election = new LeaderElection(
      ledger,
      feeds.map(({ name }) => name),
      (name, leads) => {
        // What others recorded is read anew.
        for (const cluster of this.#clusters) if (cluster.name === name) cluster.forget();
        this.#say(leads ? 'recording this cluster' : 'another watcher records this cluster', { cluster: name });
        this.#later();
      },
      (problem) => this.#ledgerFailed(problem),
    );
    this.#alerts = new Alerts(ledger, alerts, this.figures, (message, more) => this.#say(message, more));
  }

  async start(): Promise<void> {
    await this.#tags.start();
    await this.#evidence.start();
    await this.#overrides.read();
    for (const cluster of this.#clusters) cluster.start(this.#stop.signal);
    this.#alerts.start();
    await this.#election.start();
    this.#stopRefresh = repeat(
      () => this.#renew(),
      REFRESH_MS,
      (problem) => this.#ledgerFailed(problem),
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tags.stop();
    this.#alerts.stop();
    clearTimeout(this.#timer);
    this.#stopRefresh();
    await this.#writing;
    await this.#closures.settled();
    await this.#evidence.settled();
    await this.#election.stop();
  }

  #later(): void {
    this.#known = undefined;
    if (this.#timer !== undefined || this.#stop.signal.aborted) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#writing = this.#writing.then(async () => {
          const started = performance.now();
          await this.#record();
          this.#cost = performance.now() - started;
        });
        // A large cluster that never rests takes a fifth of a processor at the most.
      },
      Math.max(TOGETHER_MS, this.#cost * 4),
    );
  }

  /** What cannot be written now is not forgotten: it is compared again, with what the ledger has, when it is back. */
  async #record(): Promise<void> {
    const { ledger, also = [] } = this.#options;
    try {
      for (const cluster of this.#clusters) {
        if (!cluster.synced) continue;
        if (!this.#election.has(cluster.name)) continue;
        const events = await cluster.news(ledger);
        if (events.length > 0) await ledger.append(events);
        this.figures.recorded(events.length);
      }
      this.#tags.follow([...polledReferences(this.deployed()), ...also]);
      this.#want();
      this.#notify();
      await this.#compareAlarms();
    } catch (error) {
      for (const cluster of this.#clusters) cluster.forget();
      this.#ledgerFailed(asProblem(error, 'file'));
      setTimeout(() => this.#later(), AGAIN_MS).unref();
    }
  }

  async #compareAlarms(now = Date.now()): Promise<void> {
    if (now - this.#compared < ALARMS_MS) return; // with the next refresh
    this.#compared = now;
    const rows = Map.groupBy(this.deployed(), ({ cluster }) => cluster);
    // Whoever records a cluster tells of it.
    for (const { name, synced } of this.#clusters)
      if (synced && this.#election.has(name)) await this.#alerts.standing(name, rows.get(name) ?? [], this.hasPolicy);
  }

  /** What is deployed now; empty until a cluster has been read. */
  deployed(): readonly DeployedContainer[] {
    // Many ask between two changes.
    if (this.#known !== undefined) return this.#known;
    const clusters = new Map(this.#clusters.map((cluster) => [cluster.name, cluster]));
    this.#known = deployedOf(
      this.#clusters.flatMap((cluster) => cluster.rows()),
      {
        tagState: (key) => this.#tags.state(key),
        closure: (digest) => this.#closures.of(digest),
        evidence: (reference, row) => this.#evidence.of(reference, row),
        platform: (cluster, node) => clusters.get(cluster)?.platformOf(node),
        hold: (row) => this.#overrides.hold(row),
        blocked: (digest) => this.#overrides.never(digest),
      },
    );
    return this.#known;
  }

  get clusters(): { readonly name: string; readonly synced: boolean }[] {
    return this.#clusters.map(({ name, synced }) => ({ name, synced }));
  }

  /** True when every cluster has been read once: before, "nothing runs" means nothing. */
  get synced(): boolean {
    return this.#clusters.every(({ synced }) => synced);
  }

  get freshness(): Freshness {
    return this.#tags.freshness();
  }

  /** Whether there are rules to judge by. */
  get hasPolicy(): boolean {
    return this.#evidence.hasPolicy;
  }

  /** What registries get from us, and what is asked next. */
  polls(limit: number): { budget: Spent[]; next: ReturnType<Tags['due']> } {
    return { budget: this.#options.budget.show(), next: this.#tags.due(limit) };
  }

  async metrics(): Promise<string> {
    const { alarms } = this.#options.ledger;
    return this.figures.print({
      rows: this.deployed(),
      clusters: this.clusters,
      freshness: this.freshness,
      budget: this.#options.budget.show(),
      alarms: await alarms.list(true, 10_000).catch(() => []),
      waiting: await alarms.waiting().catch(() => []),
    });
  }

  /** A word that something was pushed: its tag is looked at now, if anybody uses it. @param key as tagKey makes it */
  hint(key: string): boolean {
    const followed = this.#tags.hint(key);
    this.figures.hinted(followed);
    return followed;
  }

  /** @returns how to stop listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #notify(): void {
    this.#known = undefined;
    for (const listener of this.#listeners) listener();
  }

  #moved(move: TagChange): void {
    const { reference, from, to, rested } = move;
    const what = reference.digest === undefined ? (to === null ? 'tag gone' : 'tag moved') : 'digest no longer served';
    this.#say(what, { image: printReference(reference), from, to, restedMs: rested });
    if (reference.digest === undefined && from !== null && to !== null) {
      this.figures.moved();
      for (const digest of [from, to]) this.#closures.want(reference, digest, true);
      void this.#alerts.moved(move, () => this.#closures.settledOn(to));
    }
    this.#later(); // what stands in the way of whoever uses it
  }

  /** Every few seconds: what others wrote, a policy that changed; and alarms, which also come and go by themselves. */
  async #renew(): Promise<void> {
    await this.#evidence.refresh();
    await this.#overrides.read();
    this.#later();
  }

  #want(): void {
    const digestOf = (tag: Reference) => this.#tags.state(pollKey(tag))?.digest;
    for (const { row, reference, closure } of needsOf(this.deployed(), digestOf)) {
      if (closure !== undefined) this.#closures.want(reference, reference.digest, closure === 'urgent');
      this.#evidence.want(reference, row);
    }
  }

  #ledgerFailed(problem: Problem): void {
    this.figures.ledgerFailed();
    this.#say('the ledger does not answer, tried again', { problem });
  }

  #say(message: string, more: object): void {
    this.#options.log({ at: new Date().toISOString(), message, ...more });
  }
}
