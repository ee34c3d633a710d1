// The API, written out. OpenAPI 3.1.
import { FILTERS } from '../inventory/deployed.ts';

const text = { type: 'string' };
const query = (name: string, description: string, more: object = {}) => ({
  name,
  in: 'query',
  description,
  schema: { ...text, ...more },
});
const path = (name: string, description: string) => ({ name, in: 'path', required: true, description, schema: text });
const answers = (description: string, type = 'application/json') => ({
  200: { description, content: { [type]: {} } },
  400: { description: 'the question is not understood; `error` says what was expected' },
  401: { description: 'no token, or none that is known' },
  403: { description: 'the token may not read' },
});
const get = (summary: string, description: string, parameters: object[] = [], type?: string) => ({
  get: { summary, parameters, responses: answers(description, type) },
});

export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'tagproof',
    version: 'v1',
    description: 'What is deployed, what tags pointed to, what ran. Read-only.',
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  security: [{ token: [] }],
  paths: {
    '/api/v1/deployed': get(
      'What is deployed now, container by container',
      'A page: items, counts of each question, total; `after` where there is more. `unknown` is never the same as fine.',
      [
        query('filter', 'Only what answers this question with yes', { enum: Object.keys(FILTERS) }),
        query('q', 'Words that must all stand in workload, container, image or digest'),
        query('namespace', 'Only this namespace'),
        query('cluster', 'Only this cluster'),
        query('limit', 'Items of a page: 1 to 1000, default 100', { type: 'integer' }),
        query('after', '`after` of the page before'),
      ],
    ),
    '/api/v1/workloads/{namespace}/{kind}/{name}/history': get(
      'What a workload ran, newest first, and what was found about these digests',
      'Intervals; `until` null: now.',
      [
        path('namespace', 'shop'),
        path('kind', 'Deployment'),
        path('name', 'web'),
        query('cluster', 'Only this cluster'),
      ],
    ),
    '/api/v1/tags': get(
      'What a tag, or every tag of a repository, pointed to',
      'Intervals; `digest` null: there was no such tag.',
      [query('image', 'ghcr.io/org/app:v1, or ghcr.io/org/app')],
    ),
    '/api/v1/moves': get(
      'Tags that moved, newest first',
      'A hundred at once; ask on with `at` of the last as `before`.',
      [query('before', 'RFC 3339')],
    ),
    '/api/v1/diff': get(
      'How two digests differ',
      'By what the ledger has of them; `platform` absent: one of them was never read. Values of the environment stand by hash.',
      [query('from', 'sha256:…'), query('to', 'sha256:…')],
    ),
    '/api/v1/alarms': get('Alarms that stand', 'And messages that somebody has not taken yet.', [
      query('all', 'Also those that have ended'),
    ]),
    '/api/v1/polls': get('What registries get from the watcher, and what is asked next', 'Times in milliseconds.'),
    '/v2/{name}/_oci/tag-history/{tag}': get(
      'What a tag pointed to, at the path proposed for registries',
      'distribution-spec pull request 606; `name` with its registry: docker.io/library/nginx.',
      [path('name', 'docker.io/library/nginx'), path('tag', '1.27')],
    ),
    '/api/v1/where/{digest}': get('Where a digest runs and ever ran', 'By any member of its closure.', [
      path('digest', 'sha256:…'),
    ]),
    '/api/v1/at': get('What ran at a moment', 'Intervals that were open then.', [
      query('time', 'RFC 3339'),
      query('namespace', 'Only this namespace'),
      query('cluster', 'Only this cluster'),
    ]),
    '/api/v1/changes': get(
      'Told when something changes',
      'Server-Sent Events: `changed`, with the time.',
      [],
      'text/event-stream',
    ),
  },
} as const;
