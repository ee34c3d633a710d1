// What each path of the API answers, described once: the server's answers and the dashboard are
// typed by these schemas, and openapi.json is made from them (`npm run schema`).
import * as v from 'valibot';
import { FILTERS, type Filter } from '../inventory/deployed.ts';
import { ALARM_CODES, type AlarmSeverity } from '../policy/alarm-codes.ts';

const text = v.string();
const moment = v.pipe(text, v.description('RFC 3339'));
const milliseconds = v.pipe(v.number(), v.description('milliseconds since 1970'));
const digest = v.pipe(text, v.description('sha256:…'));
const list = <const T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.readonly());
const keysOf = <K extends string>(table: Readonly<Record<K, unknown>>) => Object.keys(table) as [K, ...K[]];

const identity = v.variant('state', [
  v.object({ state: v.picklist(['exact', 'same']) }),
  v.object({ state: v.literal('moved'), now: digest }),
  v.object({ state: v.literal('different'), declared: digest }),
  v.object({ state: v.literal('unknown'), reason: text }),
]);

const outcome = v.picklist(['allow', 'warn', 'deny', 'open']);

const running = v.object({
  image: text,
  digest: v.optional(digest),
  imageId: v.optional(text),
  pods: v.number(),
  nodes: list(text),
  identity,
  evidence: v.nullable(
    v.object({ outcome, signers: list(text), reason: text, checked: milliseconds, since: milliseconds }),
  ),
  pullable: v.nullable(v.object({ digest, served: v.nullable(v.boolean()), checked: v.nullable(milliseconds) })),
  blocked: v.pipe(v.nullable(text), v.description('why it is on the blocklist; null: it is not')),
});

const container = v.object({
  cluster: text,
  namespace: text,
  kind: text,
  name: text,
  uid: text,
  container: text,
  type: v.picklist(['container', 'init', 'ephemeral', 'volume']),
  declared: list(text),
  running: list(running),
  pods: v.number(),
  mixed: v.boolean(),
  pinned: v.picklist(['digest', 'tag', 'both', 'invalid']),
  tag: v.optional(
    v.object({
      name: text,
      digest: v.optional(v.nullable(digest)),
      since: milliseconds,
      checked: v.nullable(milliseconds),
      failure: v.nullable(text),
    }),
  ),
  missingPlatforms: v.pipe(
    v.nullable(list(text)),
    v.description('platforms of its nodes that the image does not have; null: not known'),
  ),
  hold: v.optional(v.object({ digest, reason: text, by: text, since: moment })),
});

const freshness = v.object({
  lateMs: v.pipe(v.number(), v.description('how late the oldest poll is that is due')),
  tags: v.number(),
  fresh: v.number(),
  objectiveMs: v.pipe(v.number(), v.description('no poll is later than this')),
});

/** How many containers each filter matches. */
const counts = v.object(
  Object.fromEntries(keysOf(FILTERS).map((name) => [name, v.number()])) as Record<Filter, v.NumberSchema<undefined>>,
);

const deployed = v.object({
  at: moment,
  synced: v.pipe(v.boolean(), v.description('false: not every cluster has been read yet')),
  clusters: list(v.object({ name: text, synced: v.boolean() })),
  hasPolicy: v.boolean(),
  freshness,
  total: v.pipe(v.number(), v.description('containers that match, filter included')),
  all: v.pipe(v.number(), v.description('containers that match, whatever the filter')),
  counts,
  items: list(container),
  after: v.optional(v.pipe(text, v.description('there is more: the next page begins after this'))),
});

const run = v.object({
  cluster: text,
  namespace: text,
  kind: text,
  name: text,
  container: text,
  type: text,
  image: text,
  digest,
  pods: v.pipe(v.number(), v.description('the most at once')),
  since: moment,
  until: v.nullable(moment),
  actor: v.nullable(text),
  revision: text,
});

const tag = v.object({
  registry: text,
  repository: text,
  tag: text,
  digest: v.pipe(v.nullable(digest), v.description('null: there was no such tag')),
  since: moment,
  until: v.nullable(moment),
  source: text,
});

const evidence = v.object({
  registry: text,
  repository: text,
  digest,
  outcome: text,
  signers: list(text),
  reason: text,
  policy: text,
  source: text,
  since: moment,
  until: v.nullable(moment),
});

const move = v.object({
  registry: text,
  repository: text,
  tag: text,
  from: v.nullable(digest),
  to: v.nullable(digest),
  rested: v.pipe(text, v.description('since when the tag pointed to `from`, RFC 3339')),
  at: moment,
  source: text,
});

const signers = v.nullable(list(text));
const diff = v.object({
  from: digest,
  to: digest,
  platform: v.optional(v.pipe(text, v.description('absent: one of the two was never read'))),
  differences: list(v.object({ what: text, name: v.optional(text), from: v.optional(text), to: v.optional(text) })),
  commits: v.optional(v.pipe(text, v.description('where the commits between them can be read'))),
  signers: v.object({ from: signers, to: signers }),
});

const codes = Object.entries(ALARM_CODES).map(([code, row]) => `${code} (${row.severity}): ${row.text}`);
const alarm = v.object({
  key: text,
  code: v.pipe(text, v.description(codes.join('; '))),
  severity: v.picklist(['warning', 'critical'] satisfies AlarmSeverity[]),
  subject: text,
  message: text,
  about: v.record(text, text),
  since: moment,
  until: v.nullable(moment),
});

const polls = v.object({
  at: moment,
  freshness,
  budget: list(
    v.object({
      registry: text,
      credential: text,
      perSecond: v.number(),
      asked: v.pipe(v.number(), v.description('requests in the last hour')),
      limit: v.optional(
        v.object({
          limit: v.optional(v.number()),
          remaining: v.number(),
          windowSeconds: v.optional(v.number()),
        }),
      ),
      restsUntil: v.optional(milliseconds),
    }),
  ),
  next: list(
    v.object({
      key: text,
      due: milliseconds,
      checked: v.nullable(milliseconds),
      failure: v.nullable(text),
    }),
  ),
});

/** Schemas with a name of their own in openapi.json. */
export const NAMED_ANSWERS = {
  Container: container,
  RunningImage: running,
  Freshness: freshness,
  Counts: counts,
  Run: run,
  Tag: tag,
  Evidence: evidence,
  Move: move,
  Alarm: alarm,
};

/** By the path that answers so. */
export const ANSWERS = {
  '/api/v1/deployed': deployed,
  '/api/v1/workloads/{namespace}/{kind}/{name}/history': v.object({ runs: list(run), evidence: list(evidence) }),
  '/api/v1/tags': v.object({ tags: list(tag) }),
  '/api/v1/moves': v.object({ moves: list(move) }),
  '/api/v1/diff': diff,
  '/api/v1/alarms': v.object({
    alarms: list(alarm),
    waiting: list(v.object({ sink: text, count: v.number(), failure: v.nullable(text) })),
  }),
  '/api/v1/polls': polls,
  '/api/v1/where/{digest}': v.object({ digests: list(digest), runs: list(run), tags: list(tag) }),
  '/api/v1/at': v.object({ at: moment, containers: list(run) }),
  '/v2/{name}/_oci/tag-history/{tag}': v.object({
    history: list(
      v.object({
        digest: v.pipe(v.nullable(digest), v.description('null: there was no such tag')),
        updateTimestamp: v.pipe(text, v.description('when it was first seen, RFC 3339')),
        until: v.optional(v.pipe(text, v.description('absent: it still is'))),
      }),
    ),
  }),
};

/** A path of the API that answers with JSON. */
export type ApiPath = keyof typeof ANSWERS;
export type ApiAnswer<P extends ApiPath> = v.InferOutput<(typeof ANSWERS)[P]>;
