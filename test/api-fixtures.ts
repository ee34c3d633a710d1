// An API without a socket, over a source that the test gives and a ledger in memory.
import { type ApiOptions, createApi } from '../src/api/api.ts';
import { oneTimeToken } from '../src/api/auth.ts';
import type { Source } from '../src/api/deployed-page.ts';
import type { DeployedContainer } from '../src/inventory/deployed.ts';
import { openLedger } from '../src/ledger/open.ts';

/** A class, as the watcher is one: a method that is called without its object fails here too. */
class FakeWatcher implements Source {
  readonly listeners = new Set<() => void>();
  readonly synced = true;
  readonly clusters = [{ name: 'prod', synced: true }];
  readonly hasPolicy = false;
  readonly freshness = { lateMs: 0, tags: 1, fresh: 1, objectiveMs: 300_000 };
  readonly #rows: readonly DeployedContainer[];
  readonly #budget = {
    registry: 'docker.io',
    credential: 'anonymous',
    perSecond: 6,
    asked: 7,
    limit: { limit: 100, remaining: 40, windowSeconds: 60 },
    restsUntil: undefined,
  };
  readonly #next = { key: 'docker.io/library/nginx:1', due: 1, checked: null, failure: null };

  constructor(rows: readonly DeployedContainer[]) {
    this.#rows = rows;
  }

  deployed() {
    return this.#rows;
  }

  polls(limit: number) {
    return { budget: [this.#budget], next: [this.#next].slice(0, limit) };
  }

  async metrics() {
    return `tagproof_tags_followed ${this.freshness.tags}\n`;
  }

  onChange(listener: () => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export async function openApi(rows: readonly DeployedContainer[] = [], options: Partial<ApiOptions> = {}) {
  const source = new FakeWatcher(rows);
  const { token, guard } = oneTimeToken();
  const ledger = await openLedger(':memory:');
  const app = createApi({ source, ledger, guard, ...options });
  const ask = async (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    app.request(`http://localhost${path}`, { headers });
  const json = async <T>(path: string) => (await (await ask(path)).json()) as T;
  const { listeners } = source;
  const change = () => {
    for (const listener of listeners) listener();
  };
  return { app, ask, json, token, ledger, listeners, change };
}
