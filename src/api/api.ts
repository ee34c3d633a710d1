// The read-only HTTP API over the watcher and the ledger. Request → Response, so that tests need no
// socket.
import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem } from '../problem.ts';
import type { Guard } from './auth.ts';
import { streamChanges } from './changes.ts';
import type { Source } from './deployed-page.ts';
import openapi from './openapi.json' with { type: 'json' };
import { type HintTaker, takeHints } from './push-hooks.ts';
import { answerQueries } from './queries.ts';
import { type Pages, servePages } from './static-files.ts';

export type ApiOptions = {
  readonly source: Source;
  readonly ledger: Ledger;
  readonly guard: Guard;
  /** The dashboard. */
  readonly pages?: Pages;
  /** Receives push notifications of registries; undefined: there is no such path. */
  readonly hints?: HintTaker;
  /**
   * The hosts that requests may name; undefined: any. On loopback this keeps a foreign web page from
   * reading the API under a host name of its own (DNS rebinding).
   */
  readonly hosts?: readonly string[];
};

const COOKIE = 'tagproof';
/** Prometheus, "exposition formats", text format. */
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function createApi({ source, ledger, guard, hosts, pages, hints }: ApiOptions): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
    c.header('content-security-policy', CONTENT_SECURITY_POLICY);
    const host = (c.req.header('host') ?? '').replace(/:\d+$/, '');
    if (hosts !== undefined && !hosts.includes(host))
      return c.json({ error: `this server does not answer for the host '${host}'` }, 421);
    await next();
  });
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', (c) => (source.synced ? c.text('ok') : c.text('not every cluster has been read yet', 503)));
  app.get('/metrics', async (c) => c.text(await source.metrics(), 200, { 'content-type': METRICS }));
  app.get('/openapi.json', (c) => c.json(openapi));
  // The printed address holds the token once. Afterwards a cookie holds it, which no script can
  // read.
  app.get('/', async (c, next) => {
    const token = c.req.query('token');
    if (token === undefined) return next();
    if ((await guard(token)) !== 'allowed') return c.json({ error: 'this token is not valid, or no longer' }, 401);
    setCookie(c, COOKIE, token, { httpOnly: true, sameSite: 'Strict', path: '/' });
    return c.redirect('/', 303);
  });
  if (hints !== undefined) takeHints(app, hints);
  if (pages !== undefined) servePages(app, pages);
  for (const path of ['/api/*', '/v2/*'])
    app.use(path, async (c, next) => {
      const answer = await guard(tokenOf(c));
      if (answer === 'unknown') return c.json({ error: 'expected a token: Authorization: Bearer …' }, 401);
      if (answer === 'forbidden') return c.json({ error: 'expected the right to get records.tagproof.dev' }, 403);
      await next();
    });
  answerQueries(app, source, ledger);
  app.get('/api/v1/changes', (c) => streamChanges(c, (listener) => source.onChange(listener)));
  app.notFound((c) => c.json({ error: 'there is no such path; see /openapi.json' }, 404));
  app.onError((error, c) => {
    const problem = asProblem(error, 'unreachable');
    if (['usage', 'reference', 'limit'].includes(problem.code)) return c.json({ error: problem.message }, 400);
    // An internal failure may name paths and hosts, so the client learns nothing of it.
    return c.json({ error: 'the server could not answer; its log says why' }, 500);
  });
  return app;
}

function tokenOf(c: Context): string | undefined {
  return /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? getCookie(c, COOKIE);
}
