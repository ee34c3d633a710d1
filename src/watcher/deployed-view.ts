// What is deployed, joined from the clusters and from everything that is known about their images.
// Computed once between two changes.
import type { Reference } from '../flow.ts';
import { type DeployedContainer, deployedOf, type TagState } from '../inventory/deployed.ts';
import type { Closures } from './closures.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { EvidenceKeeper } from './evidence.ts';
import type { Overrides } from './overrides.ts';

export type Sources = {
  readonly clusters: readonly ClusterWatch[];
  readonly tags: { readonly state: (key: string) => TagState | undefined };
  readonly closures: Pick<Closures, 'of'>;
  readonly evidence: Pick<EvidenceKeeper, 'of'>;
  readonly overrides: Pick<Overrides, 'hold' | 'blocked'>;
};

export class DeployedView {
  readonly #sources: Sources;
  readonly #listeners = new Set<() => void>();
  #rows: readonly DeployedContainer[] | undefined;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** Empty until a cluster has been read. */
  rows(): readonly DeployedContainer[] {
    this.#rows ??= this.#compute();
    return this.#rows;
  }

  /** Something changed that is not reported to listeners yet, because it is recorded first. */
  invalidate(): void {
    this.#rows = undefined;
  }

  /** Something changed: the rows are computed again, and listeners are notified. */
  notify(): void {
    this.#rows = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** @returns a function that ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #compute(): DeployedContainer[] {
    const { clusters, tags, closures, evidence, overrides } = this.#sources;
    const byName = new Map(clusters.map((cluster) => [cluster.name, cluster]));
    return deployedOf(
      clusters.flatMap((cluster) => cluster.rows()),
      {
        tagState: (key) => tags.state(key),
        closure: (digest) => closures.of(digest),
        evidence: (reference: Reference, row) => evidence.of(reference, row),
        platform: (cluster, node) => byName.get(cluster)?.platformOf(node),
        hold: (row) => overrides.hold(row),
        blocked: (digest) => overrides.blocked(digest),
      },
    );
  }
}
