// One page of what is deployed, with the counts of each question over all that match the rest. Pure.

import { type DeployedContainer, FILTERS, type Filter } from '../inventory/deployed.ts';
import { Problem } from '../problem.ts';
import type { Spent } from '../watcher/budget.ts';
import type { Freshness } from '../watcher/tags.ts';

export type Source = {
  readonly deployed: () => readonly DeployedContainer[];
  readonly clusters: readonly { readonly name: string; readonly synced: boolean }[];
  readonly synced: boolean;
  /** Whether there are rules to judge by. */
  readonly hasPolicy: boolean;
  readonly freshness: Freshness;
  readonly polls: (limit: number) => {
    readonly budget: readonly Spent[];
    readonly next: readonly {
      readonly key: string;
      readonly due: number;
      readonly checked: number | null;
      readonly failure: string | null;
    }[];
  };
  readonly metrics: () => Promise<string>;
  readonly onChange: (listener: () => void) => () => void;
};

const PAGE = 100;
const MAX_PAGE = 1000;

const textOf = ({ cluster, namespace, kind, name, container, declared, running }: DeployedContainer) =>
  [
    cluster,
    namespace,
    `${namespace}/${kind}/${name}`,
    container,
    ...declared,
    ...running.flatMap(({ digest }) => digest ?? []),
  ]
    .join('\n')
    .toLowerCase();
const keyOf = ({ cluster, namespace, kind, name, type, container }: DeployedContainer) =>
  [cluster, namespace, kind, name, type, container].join('/');

export function pageOf(
  source: Pick<Source, 'deployed' | 'synced' | 'clusters' | 'freshness' | 'hasPolicy'>,
  query: URLSearchParams,
  now: Date,
) {
  const limit = Math.min(MAX_PAGE, Math.max(1, Number(query.get('limit') ?? PAGE) || PAGE));
  const filter = query.get('filter');
  if (filter !== null && !Object.hasOwn(FILTERS, filter))
    throw new Problem('usage', `filter '${filter}': expected one of ${Object.keys(FILTERS).join(', ')}`);
  const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const [namespace, cluster] = [query.get('namespace'), query.get('cluster')];
  const after = query.get('after') ?? '';
  const matching = source
    .deployed()
    .filter(
      (row) =>
        (namespace === null || row.namespace === namespace) &&
        (cluster === null || row.cluster === cluster) &&
        (words.length === 0 || words.every((word) => textOf(row).includes(word))),
    );
  const counts = Object.fromEntries(Object.entries(FILTERS).map(([name, is]) => [name, matching.filter(is).length]));
  const chosen = (filter === null ? matching : matching.filter(FILTERS[filter as Filter]))
    .map((row) => ({ key: keyOf(row), row }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = chosen.filter(({ key }) => key > after).slice(0, limit);
  const more = page.length === limit && chosen.at(-1)?.key !== page.at(-1)?.key;
  return {
    at: now.toISOString(),
    synced: source.synced,
    clusters: source.clusters,
    hasPolicy: source.hasPolicy,
    freshness: source.freshness,
    total: chosen.length,
    all: matching.length,
    counts,
    items: page.map(({ row }) => row),
    ...(more && { after: page.at(-1)?.key }),
  };
}
