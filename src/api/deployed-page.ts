// One page of what is deployed, with the count of each filter over everything that matches the rest
// of the query. Pure.

import { type DeployedContainer, FILTERS, type Filter } from '../inventory/deployed.ts';
import { Problem } from '../problem.ts';
import type { Spent } from '../watcher/budget.ts';
import type { DuePoll, Freshness } from '../watcher/tags.ts';
import type { ApiAnswer } from './answers.ts';

/** What the API needs of the watcher. */
export type Source = {
  readonly deployed: () => readonly DeployedContainer[];
  readonly clusters: readonly { readonly name: string; readonly synced: boolean }[];
  readonly synced: boolean;
  readonly hasPolicy: boolean;
  readonly freshness: Freshness;
  readonly polls: (limit: number) => { readonly budget: readonly Spent[]; readonly next: readonly DuePoll[] };
  readonly metrics: () => Promise<string>;
  readonly onChange: (listener: () => void) => () => void;
};

const PAGE = 100;
const MAX_PAGE = 1000;

export function pageOf(
  source: Pick<Source, 'deployed' | 'synced' | 'clusters' | 'freshness' | 'hasPolicy'>,
  query: URLSearchParams,
  now: Date,
): ApiAnswer<'/api/v1/deployed'> {
  const limit = Math.min(MAX_PAGE, Math.max(1, Number(query.get('limit') ?? PAGE) || PAGE));
  const filter = filterIn(query);
  const matching = source.deployed().filter(matcherOf(query));
  const chosen = (filter === null ? matching : matching.filter(FILTERS[filter]))
    .map((row) => ({ key: keyOf(row), row }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const after = query.get('after') ?? '';
  const page = chosen.filter(({ key }) => key > after).slice(0, limit);
  const last = page.at(-1)?.key;
  const hasMore = page.length === limit && chosen.at(-1)?.key !== last;
  return {
    at: now.toISOString(),
    synced: source.synced,
    clusters: source.clusters,
    hasPolicy: source.hasPolicy,
    freshness: source.freshness,
    total: chosen.length,
    all: matching.length,
    counts: countsOf(matching),
    items: page.map(({ row }) => row),
    ...(hasMore && { after: last }),
  };
}

function filterIn(query: URLSearchParams): Filter | null {
  const filter = query.get('filter');
  if (filter !== null && !Object.hasOwn(FILTERS, filter))
    throw new Problem('usage', `filter '${filter}': expected one of ${Object.keys(FILTERS).join(', ')}`);
  return filter as Filter | null;
}

/** Everything in the query but the filter. */
function matcherOf(query: URLSearchParams): (row: DeployedContainer) => boolean {
  const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const [namespace, cluster] = [query.get('namespace'), query.get('cluster')];
  return (row) =>
    (namespace === null || row.namespace === namespace) &&
    (cluster === null || row.cluster === cluster) &&
    (words.length === 0 || words.every((word) => textOf(row).includes(word)));
}

function countsOf(rows: readonly DeployedContainer[]): Record<Filter, number> {
  const counts = Object.entries(FILTERS).map(([name, matches]) => [name, rows.filter(matches).length]);
  return Object.fromEntries(counts) as Record<Filter, number>;
}

/** The text that words are searched in. */
function textOf({ cluster, namespace, kind, name, container, declared, running }: DeployedContainer): string {
  const workload = `${namespace}/${kind}/${name}`;
  const digests = running.flatMap(({ digest }) => digest ?? []);
  return [cluster, namespace, workload, container, ...declared, ...digests].join('\n').toLowerCase();
}

const keyOf = ({ cluster, namespace, kind, name, type, container }: DeployedContainer) =>
  [cluster, namespace, kind, name, type, container].join('/');
