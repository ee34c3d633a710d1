// An API without a socket, over a source that the test gives and a ledger in memory.
import { type ApiOptions, createApi } from '../src/api/api.ts';
import { oneTimeToken } from '../src/api/auth.ts';
import type { Source } from '../src/api/deployed-page.ts';
import type { DeployedContainer } from '../src/inventory/deployed.ts';
import { openLedger } from '../src/ledger/open.ts';

export async function openApi(rows: readonly DeployedContainer[] = [], options: Partial<ApiOptions> = {}) {
  const listeners = new Set<() => void>();
  const source: Source = {
    deployed: () => rows,
    synced: true,
    clusters: [{ name: 'prod', synced: true }],
    hasPolicy: false,
    freshness: { lateMs: 0, tags: 1, fresh: 1, objectiveMs: 300_000 },
    polls: () => ({
      budget: [
        {
          registry: 'docker.io',
          credential: 'anonymous',
          perSecond: 6,
          asked: 7,
          limit: { limit: 100, remaining: 40, windowSeconds: 60 },
          restsUntil: undefined,
        },
      ],
      next: [{ key: 'docker.io/library/nginx:1', due: 1, checked: null, failure: null }],
    }),
    metrics: async () => 'tagproof_tags_followed 1\n',
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const { token, guard } = oneTimeToken();
  const ledger = await openLedger(':memory:');
  const app = createApi({ source, ledger, guard, ...options });
  const ask = async (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    app.request(`http://localhost${path}`, { headers });
  const json = async <T>(path: string) => (await (await ask(path)).json()) as T;
  const change = () => {
    for (const listener of listeners) listener();
  };
  return { app, ask, json, token, ledger, listeners, change };
}
