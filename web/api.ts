// What the server answers, and how it is asked. The shapes are those of src/serve/watcher/deployed.ts and src/ledger/ledger.ts.

export type Identity =
  | { readonly state: 'exact' | 'same' }
  | { readonly state: 'moved'; readonly now: string }
  | { readonly state: 'different'; readonly declared: string }
  | { readonly state: 'unknown'; readonly reason: string };

export type Row = {
  readonly cluster: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly container: string;
  readonly type: string;
  readonly declared: readonly string[];
  readonly running: readonly {
    readonly digest?: string;
    readonly imageId?: string;
    readonly pods: number;
    readonly nodes: readonly string[];
  }[];
  readonly pods: number;
  readonly mixed: boolean;
  readonly pinned: 'digest' | 'tag' | 'both' | 'invalid';
  readonly identities: readonly Identity[];
  readonly tag?: {
    readonly name: string;
    readonly digest?: string | null;
    readonly since: number;
    readonly checked: number | null;
    readonly failure: string | null;
  };
};

export type Page = {
  readonly at: string;
  readonly synced: boolean;
  readonly clusters: readonly string[];
  readonly freshness: { readonly lateMs: number; readonly tags: number };
  readonly total: number;
  readonly all: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly items: readonly Row[];
  readonly after?: string;
};

export type Run = {
  readonly cluster: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly container: string;
  readonly image: string;
  readonly digest: string;
  readonly pods: number;
  readonly since: string;
  readonly until: string | null;
};
export type Tag = {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | null;
  readonly since: string;
  readonly until: string | null;
};

/** @throws Error with the server's own words */
async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(path).catch(() => undefined);
  if (answer === undefined) throw new Error('The watcher does not answer. Is it still running?');
  const body = (await answer.json().catch(() => ({}))) as { error?: string };
  if (answer.status === 401) throw new Error('Open the address that the watcher printed: it holds the token.');
  if (!answer.ok) throw new Error(body.error ?? `The watcher answered with status ${answer.status}.`);
  return body as T;
}

export type Question = { readonly filter: string; readonly q: string; readonly after?: string | undefined };

export function askDeployed({ filter, q, after }: Question): Promise<Page> {
  const query = new URLSearchParams();
  if (filter !== '') query.set('filter', filter);
  if (q !== '') query.set('q', q);
  if (after !== undefined) query.set('after', after);
  return ask(`/api/v1/deployed?${query}`);
}

export const askRuns = ({ namespace, kind, name }: Row) =>
  ask<{ runs: Run[] }>(`/api/v1/workloads/${[namespace, kind, name].map(encodeURIComponent).join('/')}/history`);
export const askTags = (image: string) => ask<{ tags: Tag[] }>(`/api/v1/tags?image=${encodeURIComponent(image)}`);
export const askWhere = (digest: string) =>
  ask<{ runs: Run[]; tags: Tag[] }>(`/api/v1/where/${encodeURIComponent(digest)}`);
