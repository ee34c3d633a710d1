// The webhook's paths as Request → Response, so that tests need no socket: /mutate, /validate,
// /own, /healthz, /readyz, /metrics.
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { toEvidenceRecord } from '../evaluate/evidence-record.ts';
import { asProblem, Problem } from '../problem.ts';
import { type Admission, type AdmissionConfig, admit } from './admit.ts';
import type { Metrics } from './metrics.ts';
import { type AdmissionResponse, type AdmissionRequest as ReviewRequest, readReview, writeReview } from './review.ts';

/** The API server limits objects to 3 MiB, and a review holds two of them. Bytes. */
const MAX_BODY = 7 * 1024 * 1024;
/** Reserved from the API server's timeout for the network. Milliseconds. */
const MARGIN_MS = 1000;
/** The API server's default timeout, milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

export type AppOptions = {
  /** The policy in force now; undefined before the first one is loaded. */
  readonly config: () => AdmissionConfig | undefined;
  readonly metrics: Metrics;
  /** Called with one line for each decision. */
  readonly log: (line: object) => void;
  /** Called for every validating decision, except those of dry runs. */
  readonly decided?: (request: ReviewRequest, admission: Admission) => void;
  /** Reviews tagproof's own objects: policies and bypasses. */
  readonly selfReview?: (request: ReviewRequest) => Promise<AdmissionResponse>;
  /** The server is shutting down: callers are asked to close their connections. */
  readonly draining?: () => boolean;
  /** Whether this caller may send reviews (T53). */
  readonly isCallerAllowed?: (c: Context) => boolean;
};

export function createApp(options: AppOptions): Hono {
  const { config, metrics, isCallerAllowed = () => true, draining = () => false, selfReview } = options;
  const app = new Hono();
  app.use(bodyLimit({ maxSize: MAX_BODY, onError: (c) => c.text('the body is too large', 413) }));
  app.use(async (c, next) => {
    await next();
    if (draining()) c.header('connection', 'close');
  });
  const review = (path: string, answer: (request: ReviewRequest, budgetMs: number) => Promise<AdmissionResponse>) =>
    app.post(path, async (c) => {
      if (!isCallerAllowed(c)) return c.text('expected a client certificate of the API server', 401);
      let request: ReviewRequest;
      try {
        request = readReview(await c.req.json());
      } catch (error) {
        return c.text(error instanceof Problem ? error.message : 'the body is not JSON', 400);
      }
      return c.json(writeReview(request.uid, await answer(request, budgetOf(c.req.query('timeout')))));
    });
  for (const step of ['mutate', 'validate'] as const)
    review(`/${step}`, (request, budgetMs) => decide(options, step, request, budgetMs));
  if (selfReview !== undefined) review('/own', (request, budgetMs) => within(budgetMs, selfReview(request), deny));
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', (c) => (config() === undefined ? c.text('no policy', 503) : c.text('ok')));
  app.get('/metrics', (c) => c.text(metrics.print()));
  return app;
}

async function decide(
  { config, metrics, log, decided }: AppOptions,
  step: 'mutate' | 'validate',
  request: ReviewRequest,
  budgetMs: number,
): Promise<AdmissionResponse> {
  const started = performance.now();
  const current = config();
  const denyAll = (message: string): Admission => ({ answer: deny(message), decisions: [] });
  const admission =
    current === undefined
      ? denyAll('tagproof has no policy yet, so nothing is admitted')
      : await within(budgetMs, admit(current, step, request), denyAll);
  const { answer, decisions } = admission;
  const seconds = (performance.now() - started) / 1000;
  metrics.observe(step, answer.allowed, seconds);
  if (decisions.length === 0 && answer.allowed) return answer;
  const { uid, operation, kind, subResource, namespace, name, userInfo, dryRun } = request;
  log({
    at: new Date().toISOString(),
    step,
    uid,
    operation,
    kind: kind.kind,
    ...(subResource !== '' && { subResource }),
    namespace,
    name,
    user: userInfo.username,
    dryRun: dryRun ?? false,
    allowed: answer.allowed,
    seconds: Number(seconds.toFixed(4)),
    policy: current?.policyContext.policy,
    ...(answer.message !== undefined && decisions.length === 0 && { message: answer.message }),
    decisions: decisions.map(({ evidence, ...imageDecision }) =>
      evidence === undefined ? imageDecision : { ...imageDecision, evidence: toEvidenceRecord(evidence) },
    ),
  });
  if (step === 'validate') for (const { decision } of decisions) metrics.image(decision.outcome);
  if (step === 'validate' && dryRun !== true) decided?.(request, admission);
  return answer;
}

function budgetOf(timeout: string | undefined): number {
  const seconds = /^(\d{1,2})s$/.exec(timeout ?? '')?.[1];
  return Math.max((seconds === undefined ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1000) - MARGIN_MS, MARGIN_MS);
}

/**
 * An error or a timeout is a denial, never an admission (T22, T45). After a timeout the work
 * continues and fills the caches for the next attempt.
 */
async function within<T>(milliseconds: number, work: Promise<T>, denial: (message: string) => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(
      () => resolve(denial('tagproof could not check this in time; try again in a moment')),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    const problem = asProblem(error, 'unreachable');
    return denial(`tagproof could not check this (${problem.code})`);
  } finally {
    clearTimeout(timer);
    work.catch(() => {}); // reported above, or too late to report
  }
}

const deny = (message: string): AdmissionResponse => ({ allowed: false, message });
