// The paths of the API that answer with JSON. Each answer has the type that src/api/answers.ts
// describes.
import type { Context, Hono } from 'hono';
import { isDigest } from '../image/digest.ts';
import { parseReference } from '../image/reference.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Problem } from '../problem.ts';
import type { ApiAnswer, ApiPath } from './answers.ts';
import { pageOf, type Source } from './deployed-page.ts';
import { diffOf } from './diff.ts';
import { shownRun, shownTag } from './records.ts';
import { historyOf } from './tag-history.ts';

const NEXT_POLLS = 100;
const MAX_DIGESTS = 500;

/** hono writes parameters as `:name`, OpenAPI as `{name}`; a repository has slashes in its name. */
const routeOf = (path: ApiPath) => path.replace('/v2/{name}', '/v2/{name}{.+}').replaceAll(/\{(\w+)\}/g, ':$1');

export function answerQueries(app: Hono, source: Source, ledger: Ledger): void {
  const answer = <P extends ApiPath>(path: P, task: (c: Context) => Promise<ApiAnswer<P>> | ApiAnswer<P>) =>
    app.get(routeOf(path), async (c) => c.json((await task(c)) as object));

  answer('/api/v1/deployed', (c) => pageOf(source, new URL(c.req.url).searchParams, new Date()));
  answer('/api/v1/workloads/{namespace}/{kind}/{name}/history', async (c) => {
    const [namespace, kind, name] = [c.req.param('namespace'), c.req.param('kind'), c.req.param('name')] as string[];
    const cluster = c.req.query('cluster');
    const workload = { namespace: namespace as string, kind: kind as string, name: name as string };
    const runs = await ledger.runHistory({ ...workload, ...(cluster !== undefined && { cluster }) });
    const digests = [...new Set(runs.map(({ digest }) => digest))].slice(0, MAX_DIGESTS);
    return { runs: runs.map(shownRun), evidence: await ledger.statements.evidence(digests) };
  });
  answer('/api/v1/tags', async (c) => {
    const { registry, repository, tag } = referenceIn(c.req.query('image'));
    return { tags: (await ledger.tagHistory(registry, repository, tag)).map(shownTag) };
  });
  answer('/api/v1/moves', async (c) => {
    const before = c.req.query('before');
    return { moves: await ledger.moves(before === undefined ? {} : { before }) };
  });
  answer('/api/v1/diff', (c) => diffOf(ledger, digestIn(c.req.query('from')), digestIn(c.req.query('to'))));
  answer('/api/v1/where/{digest}', async (c) => {
    const { digests, runs, tags } = await ledger.where(digestIn(c.req.param('digest')));
    return { digests, runs: runs.map(shownRun), tags: tags.map(shownTag) };
  });
  answer('/api/v1/alarms', async (c) => ({
    alarms: await ledger.alarms.list(c.req.query('all') === undefined),
    waiting: await ledger.alarms.waiting(),
  }));
  answer('/api/v1/polls', () => ({
    at: new Date().toISOString(),
    freshness: source.freshness,
    ...source.polls(NEXT_POLLS),
  }));
  answer('/api/v1/at', async (c) => {
    const moment = new Date(c.req.query('time') ?? '');
    if (Number.isNaN(moment.getTime())) throw new Problem('usage', 'expected time=2026-11-24T14:59:00Z');
    const [namespace, cluster] = [c.req.query('namespace'), c.req.query('cluster')];
    const scope = { ...(namespace !== undefined && { namespace }), ...(cluster !== undefined && { cluster }) };
    return { at: moment.toISOString(), containers: (await ledger.at(moment, scope)).map(shownRun) };
  });
  answer('/v2/{name}/_oci/tag-history/{tag}', async (c) => {
    const { registry, repository, tag } = referenceIn(`${c.req.param('name')}:${c.req.param('tag')}`);
    return historyOf(await ledger.tagHistory(registry, repository, tag));
  });
}

function digestIn(text = ''): string {
  if (!isDigest(text)) throw new Problem('usage', 'expected a digest: sha256: and 64 lower-case hex digits');
  return text;
}

function referenceIn(text = '') {
  const reference = parseReference(text);
  if (reference instanceof Problem) throw reference;
  return reference;
}
