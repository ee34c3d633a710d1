// Asks the server. The types are those that the server answers with (src/api/answers.ts): no shape
// is repeated here.
import type { ApiAnswer, ApiPath } from '../src/api/answers.ts';
import type { Filter } from '../src/inventory/deployed.ts';

export type { Filter };
export type Page = ApiAnswer<'/api/v1/deployed'>;
export type Row = Page['items'][number];
export type RunningImage = Row['running'][number];
export type ImageIdentity = RunningImage['identity'];
export type History = ApiAnswer<'/api/v1/workloads/{namespace}/{kind}/{name}/history'>;
export type Run = History['runs'][number];
export type Evidence = History['evidence'][number];
export type Tag = ApiAnswer<'/api/v1/tags'>['tags'][number];
export type Move = ApiAnswer<'/api/v1/moves'>['moves'][number];
export type Diff = ApiAnswer<'/api/v1/diff'>;
export type Alarms = ApiAnswer<'/api/v1/alarms'>;
export type Alarm = Alarms['alarms'][number];
export type Polls = ApiAnswer<'/api/v1/polls'>;

type Parameters = {
  /** For the names in braces. */
  readonly path?: Readonly<Record<string, string>>;
  /** Undefined and empty ones are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
};

/** @throws Error with the server's message */
async function get<P extends ApiPath>(endpoint: P, { path = {}, query = {} }: Parameters = {}): Promise<ApiAnswer<P>> {
  const address = endpoint.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const answer = await fetch(given.length === 0 ? address : `${address}?${new URLSearchParams(given)}`).catch(
    () => undefined,
  );
  if (answer === undefined) throw new Error('The watcher does not answer. Is it still running?');
  const body = (await answer.json().catch(() => ({}))) as { error?: string };
  if (answer.status === 401) throw new Error('Open the address that the watcher printed: it holds the token.');
  if (!answer.ok) throw new Error(body.error ?? `The watcher answered with status ${answer.status}.`);
  return body as ApiAnswer<P>;
}

export type DeployedQuery = { readonly filter: string; readonly q: string; readonly after?: string | undefined };

export const getDeployed = (query: DeployedQuery) => get('/api/v1/deployed', { query });
export const getHistory = ({ cluster, namespace, kind, name }: Row) =>
  get('/api/v1/workloads/{namespace}/{kind}/{name}/history', { path: { namespace, kind, name }, query: { cluster } });
export const getTags = (image: string) => get('/api/v1/tags', { query: { image } });
export const getWhere = (digest: string) => get('/api/v1/where/{digest}', { path: { digest } });
export const getDiff = (from: string, to: string) => get('/api/v1/diff', { query: { from, to } });
/** @param before RFC 3339; left out: the newest */
export const getMoves = (before?: string) => get('/api/v1/moves', { query: { before } });
export const getPolls = () => get('/api/v1/polls');
export const getAlarms = () => get('/api/v1/alarms', { query: { all: 'true' } });
