// Watches clusters and the images that they use, keeps the record, and raises alarms. It decides
// nothing, and no deployment waits for it.
import type { Reference } from '../flow.ts';
import { printReference } from '../image/reference.ts';
import { type DeployedContainer, pollKey } from '../inventory/deployed.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';
import { type AlertOptions, Alerts } from './alerts.ts';
import type { Budget, Spent } from './budget.ts';
import { ChangeBatch } from './change-batch.ts';
import { Closures, type ReadClosure } from './closures.ts';
import { ClusterWatch } from './cluster-watch.ts';
import { DeployedView } from './deployed-view.ts';
import { type Evaluator, EvidenceKeeper } from './evidence.ts';
import type { Feed } from './feed.ts';
import { LeaderElection } from './leader-election.ts';
import { WatcherMetrics } from './metrics.ts';
import { needsOf, polledReferences } from './needs.ts';
import { Overrides } from './overrides.ts';
import { Recording } from './recording.ts';
import { repeat } from './repeat.ts';
import { type DuePoll, type Freshness, type HeadRequest, Tags } from './tags.ts';
import type { TagChange } from './watched-tag.ts';

export type WatcherOptions = {
  readonly feeds: readonly Feed[];
  readonly ledger: Ledger;
  readonly head: HeadRequest;
  readonly readClosure: ReadClosure;
  /** The policy in force; undefined: there are no rules. */
  readonly evaluator: () => Promise<Evaluator | undefined>;
  readonly budget: Budget;
  /** Images to watch although no pod runs them. */
  readonly also?: readonly Reference[];
  readonly alerts: AlertOptions;
  readonly log: (line: object) => void;
};

/** How often holds, the blocklist and the policy are read again: other processes write them. */
const REFRESH_MS = 10_000;
const RETRY_MS = 5000;

/** Owns the watches and the timers. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #stop = new AbortController();
  readonly #clusters: readonly ClusterWatch[];
  readonly #tags: Tags;
  readonly #closures: Closures;
  readonly #evidence: EvidenceKeeper;
  readonly #overrides: Overrides;
  readonly #view: DeployedView;
  readonly #alerts: Alerts;
  readonly #election: LeaderElection;
  readonly #recording: Recording;
  readonly #records = new ChangeBatch(() => this.#record());
  readonly figures = new WatcherMetrics();
  #stopRefresh: () => void = () => {};

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { ledger, head, readClosure, evaluator, budget, feeds, alerts } = options;
    this.#clusters = feeds.map(
      (feed) =>
        new ClusterWatch(feed, {
          changed: () => this.#changed(),
          log: (message, problem) => this.#log(message, { problem }),
        }),
    );
    this.#closures = new Closures(
      ledger,
      readClosure,
      (reference, problem) => this.#log('cannot read a closure', { image: reference.text, problem }),
      () => this.#view.notify(),
    );
    this.#evidence = new EvidenceKeeper(
      ledger,
      evaluator,
      (change) => {
        if (change !== undefined) this.#alerts.signers(change);
        this.#view.notify();
      },
      (problem) => this.#log('cannot evaluate', { problem }),
    );
    this.#tags = new Tags({
      ledger,
      head,
      budget,
      moved: (change) => this.#moved(change),
      failed: (reference, problem) => this.#log('poll failed', { image: reference.text, problem }),
      ledgerFailed: (problem) => this.#ledgerFailed(problem),
      polled: () => {
        this.#lookUp();
        this.#view.notify();
      },
    });
    this.#overrides = new Overrides(ledger);
    this.#view = new DeployedView({
      clusters: this.#clusters,
      tags: this.#tags,
      closures: this.#closures,
      evidence: this.#evidence,
      overrides: this.#overrides,
    });
    this.#election = new LeaderElection(
      ledger,
      feeds.map(({ name }) => name),
      (name, isLeader) => {
        // Another watcher may have recorded in between: the open runs are read again.
        for (const cluster of this.#clusters) if (cluster.name === name) cluster.forget();
        this.#log(isLeader ? 'recording this cluster' : 'another watcher records this cluster', { cluster: name });
        this.#changed();
      },
      (problem) => this.#ledgerFailed(problem),
    );
    this.#alerts = new Alerts(ledger, alerts, this.figures, (message, fields) => this.#log(message, fields));
    this.#recording = new Recording({
      ledger,
      clusters: this.#clusters,
      election: this.#election,
      alerts: this.#alerts,
      metrics: this.figures,
    });
  }

  async start(): Promise<void> {
    await this.#tags.start();
    await this.#evidence.start();
    await this.#overrides.read();
    for (const cluster of this.#clusters) cluster.start(this.#stop.signal);
    this.#alerts.start();
    await this.#election.start();
    this.#stopRefresh = repeat(
      () => this.#refresh(),
      REFRESH_MS,
      (problem) => this.#ledgerFailed(problem),
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tags.stop();
    this.#alerts.stop();
    this.#stopRefresh();
    await this.#records.stop();
    await this.#closures.settled();
    await this.#evidence.settled();
    await this.#election.stop();
  }

  /** What is deployed now; empty until a cluster has been read. */
  deployed(): readonly DeployedContainer[] {
    return this.#view.rows();
  }

  get clusters(): { readonly name: string; readonly synced: boolean }[] {
    return this.#clusters.map(({ name, synced }) => ({ name, synced }));
  }

  /** Whether every cluster has been read once: before that, "nothing runs" means nothing. */
  get synced(): boolean {
    return this.#clusters.every(({ synced }) => synced);
  }

  get freshness(): Freshness {
    return this.#tags.freshness();
  }

  get hasPolicy(): boolean {
    return this.#evidence.hasPolicy;
  }

  /** What registries get from us, and the next polls. */
  polls(limit: number): { budget: Spent[]; next: DuePoll[] } {
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

  /**
   * A push notification: the tag is polled now, if it is watched.
   * @param key as tagKey makes it
   */
  hint(key: string): boolean {
    const followed = this.#tags.hint(key);
    this.figures.hinted(followed);
    return followed;
  }

  /** @returns a function that ends it */
  onChange(listener: () => void): () => void {
    return this.#view.onChange(listener);
  }

  #changed(): void {
    this.#view.invalidate();
    if (!this.#stop.signal.aborted) this.#records.schedule();
  }

  async #record(): Promise<void> {
    const { also = [] } = this.#options;
    try {
      await this.#recording.runs();
      this.#tags.follow([...polledReferences(this.deployed()), ...also]);
      this.#lookUp();
      this.#view.notify();
      await this.#recording.alarms(this.deployed(), this.hasPolicy);
    } catch (error) {
      this.#ledgerFailed(asProblem(error, 'file'));
      setTimeout(() => this.#changed(), RETRY_MS).unref();
    }
  }

  #moved(change: TagChange): void {
    const { reference, from, to, rested } = change;
    const what = reference.digest === undefined ? (to === null ? 'tag gone' : 'tag moved') : 'digest no longer served';
    this.#log(what, { image: printReference(reference), from, to, restedMs: rested });
    if (reference.digest === undefined && from !== null && to !== null) {
      this.figures.moved();
      for (const digest of [from, to]) this.#closures.want(reference, digest, true);
      void this.#alerts.moved(change, () => this.#closures.settledOn(to));
    }
    this.#changed();
  }

  /**
   * Reads what others wrote, and compares alarms, which also begin and end without a change in the
   * cluster.
   */
  async #refresh(): Promise<void> {
    await this.#evidence.refresh();
    await this.#overrides.read();
    this.#changed();
  }

  /** Queues the closures and evaluations that the rows need. */
  #lookUp(): void {
    const digestOf = (tag: Reference) => this.#tags.state(pollKey(tag))?.digest;
    for (const { row, reference, closure } of needsOf(this.deployed(), digestOf)) {
      if (closure !== undefined) this.#closures.want(reference, reference.digest, closure === 'urgent');
      this.#evidence.want(reference, row);
    }
  }

  #ledgerFailed(problem: Problem): void {
    this.figures.ledgerFailed();
    this.#log('the ledger does not answer, retrying', { problem });
  }

  #log(message: string, fields: object): void {
    this.#options.log({ at: new Date().toISOString(), message, ...fields });
  }
}
