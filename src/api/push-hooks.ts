// The paths to which registries post push notifications. Their token opens nothing else, and a
// notification is only a hint.
import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { tagKey } from '../image/reference.ts';
import { HINT_KINDS, type HintKind, hintsOf } from '../watcher/push-notifications.ts';
import { isToken, tokenHash } from './auth.ts';

export type HintTaker = {
  /** Sent as `Authorization: Bearer …`; some registries can only send the bare token. */
  readonly token: string;
  /** @returns whether the tag is watched */
  readonly hint: (key: string) => boolean;
};

const MAX_BODY = 1024 * 1024;

export function takeHints(app: Hono, { token, hint }: HintTaker): void {
  const expected = tokenHash(token);
  const limit = bodyLimit({
    maxSize: MAX_BODY,
    onError: (c) => c.json({ error: `expected at most ${MAX_BODY} bytes` }, 413),
  });
  app.post('/hooks/:kind', limit, async (c) => {
    const given = (c.req.header('authorization') ?? '').replace(/^Bearer /, '');
    if (!isToken(given, expected)) return c.json({ error: 'expected the token of --hint-token' }, 401);
    const kind = c.req.param('kind');
    if (!isHintKind(kind))
      return c.json({ error: `expected one of ${HINT_KINDS.map((known) => `/hooks/${known}`).join(', ')}` }, 404);
    const body = await c.req.json().catch(() => undefined);
    if (body === undefined) return c.json({ error: 'expected JSON' }, 400);
    const keys = [...new Set(hintsOf(kind, body, c.req.query('registry')).map(tagKey))];
    return c.json({ understood: keys.length, followed: keys.filter(hint).length }, 202);
  });
}

const isHintKind = (kind: string): kind is HintKind => HINT_KINDS.some((known) => known === kind);
