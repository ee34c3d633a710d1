// What the watcher and the ledger know, as JSON: read-only, paged, for those who may. Request → Response, so that tests need no socket.
import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { streamSSE } from 'hono/streaming';
import { isDigest } from '../image/digest.ts';
import { parseReference } from '../image/reference.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, Problem } from '../problem.ts';
import type { Guard } from './auth.ts';
import { pageOf, type Source } from './deployed-page.ts';
import { diffOf } from './diff.ts';
import { OPENAPI } from './openapi.ts';
import { type HintTaker, takeHints } from './push-hooks.ts';
import { type Pages, servePages } from './static-files.ts';
import { historyOf } from './tag-history.ts';

export type ApiOptions = {
  readonly source: Source;
  readonly ledger: Ledger;
  readonly guard: Guard;
  /** The dashboard. */
  readonly pages?: Pages;
  /** Who hears of pushes; undefined: nobody wants to. */
  readonly hints?: HintTaker;
  /** On loopback only these may stand in the Host header: a page elsewhere must not reach us by a name of its own. */
  readonly hosts?: readonly string[];
};

const COOKIE = 'tagproof';
/** Behind a change nobody is told again for so long, milliseconds. */
const CALM_MS = 500;
const NEXT_LOOKS = 100;

export function createApi({ source, ledger, guard, hosts, pages, hints }: ApiOptions): Hono {
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
  app.get('/metrics', async (c) => c.text(await source.metrics(), 200, { 'content-type': METRICS }));
  app.get('/openapi.json', (c) => c.json(OPENAPI));
  // The printed address holds the token once; afterwards the cookie does, which no script reads.
  app.get('/', async (c, next) => {
    const token = c.req.query('token');
    if (token === undefined) return next();
    if ((await guard(token)) !== 'allowed') return c.json({ error: 'this token is not, or no longer, good' }, 401);
    setCookie(c, COOKIE, token, { httpOnly: true, sameSite: 'Strict', path: '/' });
    return c.redirect('/', 303);
  });
  if (hints !== undefined) takeHints(app, hints);
  if (pages !== undefined) servePages(app, pages);
  for (const path of ['/api/*', '/v2/*'])
    app.use(path, async (c, next) => {
      const answer = await guard(tokenOf(c));
      if (answer === 'unknown') return c.json({ error: 'expected a token: Authorization: Bearer …' }, 401);
      if (answer === 'forbidden') return c.json({ error: 'expected the verb get on records.tagproof.dev' }, 403);
      await next();
    });
  app.get('/api/v1/deployed', (c) => c.json(pageOf(source, new URL(c.req.url).searchParams, new Date())));
  app.get('/api/v1/workloads/:namespace/:kind/:name/history', async (c) => {
    const { namespace, kind, name } = c.req.param();
    const cluster = c.req.query('cluster');
    const runs = await ledger.runHistory({ namespace, kind, name, ...(cluster !== undefined && { cluster }) });
    const evidence = await ledger.statements.evidence([...new Set(runs.map(({ digest }) => digest))].slice(0, 500));
    return c.json({ runs, evidence });
  });
  app.get('/api/v1/tags', async (c) => {
    const { registry, repository, tag } = referenceIn(c);
    return c.json({ tags: await ledger.tagHistory(registry, repository, tag) });
  });
  app.get('/api/v1/moves', async (c) => {
    const before = c.req.query('before');
    return c.json({ moves: await ledger.moves(before === undefined ? {} : { before }) });
  });
  app.get('/api/v1/diff', async (c) =>
    c.json(await diffOf(ledger, digestIn(c.req.query('from')), digestIn(c.req.query('to')))),
  );
  app.get('/api/v1/where/:digest', async (c) => c.json(await ledger.where(digestIn(c.req.param('digest')))));
  app.get('/api/v1/alarms', async (c) =>
    c.json({
      alarms: await ledger.alarms.list(c.req.query('all') === undefined),
      waiting: await ledger.alarms.waiting(),
    }),
  );
  app.get('/api/v1/polls', (c) =>
    c.json({ at: new Date().toISOString(), freshness: source.freshness, ...source.polls(NEXT_LOOKS) }),
  );
  app.get('/api/v1/at', async (c) => {
    const moment = new Date(c.req.query('time') ?? '');
    if (Number.isNaN(moment.getTime())) throw new Problem('usage', 'expected time=2026-11-24T14:59:00Z');
    const [namespace, cluster] = [c.req.query('namespace'), c.req.query('cluster')];
    const scope = { ...(namespace !== undefined && { namespace }), ...(cluster !== undefined && { cluster }) };
    return c.json({ at: moment.toISOString(), containers: await ledger.at(moment, scope) });
  });
  app.get('/v2/:name{.+}/_oci/tag-history/:tag', async (c) => {
    const reference = parseReference(`${c.req.param('name')}:${c.req.param('tag')}`);
    if (reference instanceof Problem) throw reference;
    const { registry, repository, tag } = reference;
    return c.json(historyOf(await ledger.tagHistory(registry, repository, tag)));
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
    const mine = ['usage', 'reference', 'limit'].includes(problem.code);
    // What went wrong inside is not for strangers.
    return c.json({ error: mine ? problem.message : 'it could not be answered; the log says why' }, mine ? 400 : 500);
  });
  return app;
}

/** Prometheus, "exposition formats", text format. */
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';

function tokenOf(c: Context): string | undefined {
  return /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? getCookie(c, COOKIE);
}

function digestIn(text = ''): string {
  if (!isDigest(text)) throw new Problem('usage', 'expected a digest: sha256: and 64 lower-case hex digits');
  return text;
}

function referenceIn(c: Context) {
  const reference = parseReference(c.req.query('image') ?? '');
  if (reference instanceof Problem) throw reference;
  return reference;
}
