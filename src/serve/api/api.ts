// What the watcher and the ledger know, as JSON: read-only, paged, for those who may. Request → Response, so that tests need no socket.
import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { streamSSE } from 'hono/streaming';
import { isDigest } from '../../image/digest.ts';
import { parseReference } from '../../image/reference.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { asProblem, Problem } from '../../problem.ts';
import { type Deployed, FILTERS, type Filter } from '../watcher/deployed.ts';
import type { Guard } from './auth.ts';
import { OPENAPI } from './openapi.ts';
import { type Pages, servePages } from './pages.ts';

export type Source = {
  readonly deployed: () => readonly Deployed[];
  readonly synced: boolean;
  readonly freshness: { readonly lateMs: number; readonly tags: number };
  readonly onChange: (listener: () => void) => () => void;
};

export type ApiOptions = {
  readonly source: Source;
  readonly ledger: Ledger;
  readonly guard: Guard;
  /** The dashboard. */
  readonly pages?: Pages;
  /** On loopback only these may stand in the Host header: a page elsewhere must not reach us by a name of its own. */
  readonly hosts?: readonly string[];
};

const PAGE = 100;
const MAX_PAGE = 1000;
const COOKIE = 'tagproof';
/** Behind a change nobody is told again for so long, milliseconds. */
const CALM_MS = 500;

export function createApi({ source, ledger, guard, hosts, pages }: ApiOptions): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
    c.header(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const host = (c.req.header('host') ?? '').replace(/:\d+$/, '');
    if (hosts !== undefined && !hosts.includes(host)) return c.json({ error: 'this host name is not ours' }, 421);
    await next();
  });
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', (c) => (source.synced ? c.text('ok') : c.text('the cluster has not been read yet', 503)));
  app.get('/openapi.json', (c) => c.json(OPENAPI));
  // The printed address holds the token once; afterwards the cookie does, which no script reads.
  app.get('/', async (c, next) => {
    const token = c.req.query('token');
    if (token === undefined) return next();
    if ((await guard(token)) !== 'allowed') return c.json({ error: 'this token is not, or no longer, good' }, 401);
    setCookie(c, COOKIE, token, { httpOnly: true, sameSite: 'Strict', path: '/' });
    return c.redirect('/', 303);
  });
  if (pages !== undefined) servePages(app, pages);
  app.use('/api/*', async (c, next) => {
    const answer = await guard(tokenOf(c));
    if (answer === 'unknown') return c.json({ error: 'expected a token: Authorization: Bearer …' }, 401);
    if (answer === 'forbidden') return c.json({ error: 'expected the verb get on records.tagproof.dev' }, 403);
    await next();
  });
  app.get('/api/v1/deployed', (c) => c.json(pageOf(source, new URL(c.req.url).searchParams)));
  app.get('/api/v1/workloads/:namespace/:kind/:name/history', async (c) => {
    const { namespace, kind, name } = c.req.param();
    return c.json({ runs: await ledger.runHistory({ namespace, kind, name }) });
  });
  app.get('/api/v1/tags', async (c) => {
    const reference = parseReference(c.req.query('image') ?? '');
    if (reference instanceof Problem) throw reference;
    return c.json({ tags: await ledger.tagHistory(reference.registry, reference.repository, reference.tag) });
  });
  app.get('/api/v1/where/:digest', async (c) => {
    const { digest } = c.req.param();
    if (!isDigest(digest)) throw new Problem('usage', 'expected a digest: sha256: and 64 lower-case hex digits');
    return c.json(await ledger.where(digest));
  });
  app.get('/api/v1/at', async (c) => {
    const moment = new Date(c.req.query('time') ?? '');
    if (Number.isNaN(moment.getTime())) throw new Problem('usage', 'expected time=2026-11-24T14:59:00Z');
    const namespace = c.req.query('namespace');
    const containers = await ledger.at(moment, namespace === undefined ? {} : { namespace });
    return c.json({ at: moment.toISOString(), containers });
  });
  app.get('/api/v1/changes', (c) =>
    streamSSE(c, async (stream) => {
      let told = Promise.withResolvers<void>();
      const stop = source.onChange(() => told.resolve());
      stream.onAbort(() => {
        stop();
        told.resolve();
      });
      while (!stream.aborted) {
        await told.promise;
        told = Promise.withResolvers<void>();
        if (!stream.aborted) await stream.writeSSE({ event: 'changed', data: new Date().toISOString() });
        await stream.sleep(CALM_MS);
      }
    }),
  );
  app.notFound((c) => c.json({ error: 'there is nothing here; see /openapi.json' }, 404));
  app.onError((error, c) => {
    const problem = asProblem(error, 'unreachable');
    const mine = problem.code === 'usage' || problem.code === 'reference';
    // What went wrong inside is not for strangers.
    return c.json({ error: mine ? problem.message : 'it could not be answered; the log says why' }, mine ? 400 : 500);
  });
  return app;
}

function tokenOf(c: Context): string | undefined {
  return /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? getCookie(c, COOKIE);
}

const textOf = ({ cluster, namespace, kind, name, container, declared, running }: Deployed) =>
  [cluster, namespace, `${kind}/${name}`, container, ...declared, ...running.flatMap(({ digest }) => digest ?? [])]
    .join('\n')
    .toLowerCase();
const keyOf = ({ cluster, namespace, kind, name, type, container }: Deployed) =>
  [cluster, namespace, kind, name, type, container].join('/');

/** One page of what is deployed, with the counts of each question over all that match the rest. */
export function pageOf(source: Pick<Source, 'deployed' | 'synced' | 'freshness'>, query: URLSearchParams) {
  const limit = Math.min(MAX_PAGE, Math.max(1, Number(query.get('limit') ?? PAGE) || PAGE));
  const filter = query.get('filter');
  if (filter !== null && !Object.hasOwn(FILTERS, filter))
    throw new Problem('usage', `filter '${filter}': expected one of ${Object.keys(FILTERS).join(', ')}`);
  const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const namespace = query.get('namespace');
  const after = query.get('after') ?? '';
  const matching = source
    .deployed()
    .filter(
      (row) =>
        (namespace === null || row.namespace === namespace) &&
        (words.length === 0 || words.every((word) => textOf(row).includes(word))),
    );
  const counts = Object.fromEntries(Object.entries(FILTERS).map(([name, is]) => [name, matching.filter(is).length]));
  const chosen = (filter === null ? matching : matching.filter(FILTERS[filter as Filter]))
    .map((row) => ({ key: keyOf(row), row }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = chosen.filter(({ key }) => key > after).slice(0, limit);
  const more = page.length === limit && chosen.at(-1)?.key !== page.at(-1)?.key;
  return {
    at: new Date().toISOString(),
    synced: source.synced,
    clusters: [...new Set(matching.map(({ cluster }) => cluster))],
    freshness: source.freshness,
    total: chosen.length,
    all: matching.length,
    counts,
    items: page.map(({ row }) => row),
    ...(more && { after: page.at(-1)?.key }),
  };
}
