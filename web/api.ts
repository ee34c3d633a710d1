// What the server answers, and how it is asked. The shapes are those of src/serve/watcher/deployed.ts, src/serve/api/ and src/ledger/.

export type ImageIdentity =
  | { readonly state: 'exact' | 'same' }
  | { readonly state: 'moved'; readonly now: string }
  | { readonly state: 'different'; readonly declared: string }
  | { readonly state: 'unknown'; readonly reason: string };

export type RunningImage = {
  readonly image: string;
  readonly digest?: string;
  readonly imageId?: string;
  readonly pods: number;
  readonly nodes: readonly string[];
  readonly identity: ImageIdentity;
  readonly evidence: {
    readonly outcome: 'allow' | 'warn' | 'deny' | 'open';
    readonly signers: readonly string[];
    readonly reason: string;
    readonly checked: number;
  } | null;
  readonly pullable: {
    readonly digest: string;
    readonly served: boolean | null;
    readonly checked: number | null;
  } | null;
  readonly blocked: string | null;
};

export type Row = {
  readonly cluster: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly container: string;
  readonly type: string;
  readonly declared: readonly string[];
  readonly running: readonly RunningImage[];
  readonly pods: number;
  readonly mixed: boolean;
  readonly pinned: 'digest' | 'tag' | 'both' | 'invalid';
  readonly tag?: {
    readonly name: string;
    readonly digest?: string | null;
    readonly since: number;
    readonly checked: number | null;
    readonly failure: string | null;
  };
  readonly missingPlatforms: readonly string[] | null;
  readonly hold?: { readonly digest: string; readonly reason: string; readonly by: string; readonly since: string };
};

export type Freshness = {
  readonly lateMs: number;
  readonly tags: number;
  readonly fresh: number;
  readonly objectiveMs: number;
};

export type Page = {
  readonly at: string;
  readonly synced: boolean;
  readonly clusters: readonly { readonly name: string; readonly synced: boolean }[];
  readonly hasPolicy: boolean;
  readonly freshness: Freshness;
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
  readonly actor: string | null;
  readonly revision: string;
};
export type Tag = {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | null;
  readonly since: string;
  readonly until: string | null;
};
export type Evidence = {
  readonly digest: string;
  readonly outcome: string;
  readonly signers: readonly string[];
  readonly reason: string;
  readonly since: string;
  readonly until: string | null;
};
export type Move = {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly rested: string;
  readonly at: string;
  readonly source: string;
};
export type Difference = {
  readonly what: string;
  readonly name?: string;
  readonly from?: string;
  readonly to?: string;
};
export type Diff = {
  readonly platform?: string;
  readonly differences: readonly Difference[];
  readonly commits?: string;
  readonly signers: { readonly from: readonly string[] | null; readonly to: readonly string[] | null };
};
export type Alarm = {
  readonly key: string;
  readonly code: string;
  readonly severity: 'warning' | 'critical';
  readonly subject: string;
  readonly message: string;
  readonly about: Readonly<Record<string, string>>;
  readonly since: string;
  readonly until: string | null;
};
export type Polls = {
  readonly at: string;
  readonly freshness: Freshness;
  readonly budget: readonly {
    readonly registry: string;
    readonly credential: string;
    readonly perSecond: number;
    readonly asked: number;
    readonly limit?: { readonly limit?: number; readonly remaining: number; readonly windowSeconds?: number };
    readonly restsUntil?: number;
  }[];
  readonly next: readonly {
    readonly key: string;
    readonly due: number;
    readonly checked: number | null;
    readonly failure: string | null;
  }[];
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

export const askRuns = ({ cluster, namespace, kind, name }: Row) =>
  ask<{ runs: Run[]; evidence: Evidence[] }>(
    `/api/v1/workloads/${[namespace, kind, name].map(encodeURIComponent).join('/')}/history?cluster=${encodeURIComponent(cluster)}`,
  );
export const askTags = (image: string) => ask<{ tags: Tag[] }>(`/api/v1/tags?image=${encodeURIComponent(image)}`);
export const askWhere = (digest: string) =>
  ask<{ runs: Run[]; tags: Tag[] }>(`/api/v1/where/${encodeURIComponent(digest)}`);
export const askDiff = (from: string, to: string) => ask<Diff>(`/api/v1/diff?${new URLSearchParams({ from, to })}`);
/** @param before RFC 3339; left out: the newest */
export const askMoves = (before?: string) =>
  ask<{ moves: Move[] }>(`/api/v1/moves${before === undefined ? '' : `?before=${encodeURIComponent(before)}`}`);
export const askPolls = () => ask<Polls>('/api/v1/polls');
export const askAlarms = () =>
  ask<{ alarms: Alarm[]; waiting: { sink: string; count: number; failure: string | null }[] }>('/api/v1/alarms?all');
