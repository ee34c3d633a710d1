// Where registries say that something was pushed. By a token of their own, which opens nothing else; and only ever a hint.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { tagKey } from '../image/reference.ts';
import { HINT_KINDS, type HintKind, hintsOf } from '../watcher/push-notifications.ts';

export type HintTaker = {
  /** Registries send it as `Authorization: Bearer …`, or plainly where they know no better. */
  readonly token: string;
  /** @returns whether anybody follows it */
  readonly hint: (key: string) => boolean;
};

const MAX_BODY = 1024 * 1024;
const hashOf = (text: string) => createHash('sha256').update(text).digest();

export function takeHints(app: Hono, { token, hint }: HintTaker): void {
  const expected = hashOf(token);
  app.post('/hooks/:kind', bodyLimit({ maxSize: MAX_BODY }), async (c) => {
    const given = (c.req.header('authorization') ?? '').replace(/^Bearer /, '');
    if (!timingSafeEqual(hashOf(given), expected)) return c.json({ error: 'expected the token of --hint-token' }, 401);
    const kind = c.req.param('kind');
    if (!HINT_KINDS.some((known) => known === kind))
      return c.json({ error: `expected one of ${HINT_KINDS.map((known) => `/hooks/${known}`).join(', ')}` }, 404);
    const body = await c.req.json().catch(() => undefined);
    if (body === undefined) return c.json({ error: 'expected JSON' }, 400);
    const keys = [...new Set(hintsOf(kind as HintKind, body, c.req.query('registry')).map(tagKey))];
    return c.json({ understood: keys.length, followed: keys.filter(hint).length }, 202);
  });
}
