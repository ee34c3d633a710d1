// The webhook's paths as Request → Response, so that tests need no socket: /mutate, /validate, /healthz, /readyz, /metrics.
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { asProblem, Problem } from '../problem.ts';
import { type Admission, admit, type Door } from './admit.ts';
import type { Metrics } from './metrics.ts';
import { type Request as ReviewRequest, readReview, writeReview } from './review.ts';

/** The API server's own bound on objects is 3 MiB; a review holds two of them. Bytes. */
const MAX_BODY = 7 * 1024 * 1024;
/** Kept back of the API server's patience, for the way there and back. Milliseconds. */
const MARGIN_MS = 1000;
/** What the API server waits by default, milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

export type AppOptions = {
  /** The policy in force, at this moment. */
  readonly door: () => Door | undefined;
  readonly metrics: Metrics;
  /** One line a decision, JSON. */
  readonly log: (line: object) => void;
};

export function createApp({ door, metrics, log }: AppOptions): Hono {
  const app = new Hono();
  app.use(bodyLimit({ maxSize: MAX_BODY, onError: (c) => c.text('the body is too large', 413) }));
  for (const step of ['mutate', 'validate'] as const) {
    app.post(`/${step}`, async (c) => {
      const started = performance.now();
      let review: ReviewRequest;
      try {
        review = readReview(await c.req.json());
      } catch (error) {
        return c.text(error instanceof Problem ? error.message : 'the body is not JSON', 400);
      }
      const current = door();
      const { answer, rulings } =
        current === undefined
          ? deny('tagproof has no policy yet, so nothing is admitted')
          : await within(budgetOf(c.req.query('timeout')), admit(current, step, review));
      const seconds = (performance.now() - started) / 1000;
      metrics.observe(step, answer.allowed, seconds);
      if (rulings.length > 0 || !answer.allowed)
        log({
          at: new Date().toISOString(),
          step,
          uid: review.uid,
          operation: review.operation,
          kind: review.kind.kind,
          namespace: review.namespace,
          name: review.name,
          dryRun: review.dryRun ?? false,
          allowed: answer.allowed,
          seconds: Number(seconds.toFixed(4)),
          policy: current?.bench.policy,
          rulings,
        });
      return c.json(writeReview(review.uid, answer));
    });
  }
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', (c) => (door() === undefined ? c.text('no policy', 503) : c.text('ok')));
  app.get('/metrics', (c) => c.text(metrics.print()));
  return app;
}

function budgetOf(timeout: string | undefined): number {
  const seconds = /^(\d{1,2})s$/.exec(timeout ?? '')?.[1];
  return Math.max((seconds === undefined ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1000) - MARGIN_MS, MARGIN_MS);
}

/** An error, or silence, is a denial: never a pass (T22, T45). The work goes on and warms the caches for the next try. */
async function within(milliseconds: number, work: Promise<Admission>): Promise<Admission> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Admission>((resolve) => {
    timer = setTimeout(
      () => resolve(deny('tagproof could not check this in time; try again in a moment')),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    const problem = asProblem(error, 'unreachable');
    return deny(`tagproof could not check this (${problem.code})`);
  } finally {
    clearTimeout(timer);
    work.catch(() => {}); // told above, or too late to be told
  }
}

const deny = (message: string): Admission => ({ answer: { allowed: false, message }, rulings: [] });
