// The API as an OpenAPI 3.1 document: paths and parameters from here, answers from
// src/api/answers.ts.
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { ANSWERS, type ApiPath, NAMED_ANSWERS } from '../src/api/answers.ts';
import { FILTERS } from '../src/inventory/deployed.ts';

type Parameter = { readonly name: string; readonly in: 'query' | 'path' };
type Endpoint = {
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Parameter[];
};

const text = { type: 'string' };
const query = (name: string, description: string, more: object = {}) => ({
  name,
  in: 'query' as const,
  description,
  schema: { ...text, ...more },
});
const path = (name: string, example: string) => ({
  name,
  in: 'path' as const,
  required: true,
  description: `as ${example}`,
  schema: text,
});

const ENDPOINTS: Record<ApiPath, Endpoint> = {
  '/api/v1/deployed': {
    summary: 'What is deployed now, container by container',
    description: 'A page of containers, with the count of each filter. `unknown` never means that all is well.',
    parameters: [
      query('filter', 'Only containers that this filter matches', { enum: Object.keys(FILTERS) }),
      query('q', 'Words that must all occur in the workload, container, image or digest'),
      query('namespace', 'Only this namespace'),
      query('cluster', 'Only this cluster'),
      query('limit', 'Items of a page: 1 to 1000, default 100', { type: 'integer' }),
      query('after', '`after` of the page before'),
    ],
  },
  '/api/v1/workloads/{namespace}/{kind}/{name}/history': {
    summary: 'What a workload ran, newest first, and the evidence about these digests',
    description: 'Intervals; `until` null: now.',
    parameters: [
      path('namespace', 'shop'),
      path('kind', 'Deployment'),
      path('name', 'web'),
      query('cluster', 'Only this cluster'),
    ],
  },
  '/api/v1/tags': {
    summary: 'What a tag, or every tag of a repository, pointed to',
    description: 'Intervals; `digest` null: there was no such tag.',
    parameters: [query('image', 'ghcr.io/org/app:v1, or ghcr.io/org/app')],
  },
  '/api/v1/moves': {
    summary: 'Tags that moved, newest first',
    description: 'A hundred at once; for more, pass `at` of the last as `before`.',
    parameters: [query('before', 'RFC 3339')],
  },
  '/api/v1/diff': {
    summary: 'How two digests differ',
    description:
      'From what the ledger has of them; `platform` absent: one of them was never read. Values of the environment are shown as hashes.',
    parameters: [query('from', 'sha256:…'), query('to', 'sha256:…')],
  },
  '/api/v1/alarms': {
    summary: 'Alarms that fire now',
    description: 'And messages that a sink has not accepted yet.',
    parameters: [query('all', 'Also alarms that have ended')],
  },
  '/api/v1/polls': {
    summary: 'What registries get from the watcher, and the next polls',
    description: 'Times in milliseconds.',
  },
  '/api/v1/where/{digest}': {
    summary: 'Where a digest runs and ever ran',
    description: 'By any member of its closure: index, manifest or configuration.',
    parameters: [path('digest', 'sha256:…')],
  },
  '/api/v1/at': {
    summary: 'What ran at a moment',
    description: 'Intervals that were open then.',
    parameters: [
      query('time', 'RFC 3339'),
      query('namespace', 'Only this namespace'),
      query('cluster', 'Only this cluster'),
    ],
  },
  '/v2/{name}/_oci/tag-history/{tag}': {
    summary: 'What a tag pointed to, at the path proposed for registries',
    description: 'distribution-spec pull request 606; `name` with its registry: docker.io/library/nginx.',
    parameters: [path('name', 'docker.io/library/nginx'), path('tag', '1.27')],
  },
};

const ERRORS = {
  400: 'the request is not understood; `error` says what was expected',
  401: 'no token, or one that is not known',
  403: 'the token has no right to read',
};
const responses = (content: object) => ({
  200: { description: 'the answer', content },
  ...Object.fromEntries(Object.keys(ERRORS).map((code) => [code, { $ref: `#/components/responses/${code}` }])),
});

const OPTIONS: ConversionConfig = {
  typeMode: 'output',
  ignoreActions: ['readonly'],
  definitions: NAMED_ANSWERS,
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
};

function schemaOf(schema: v.GenericSchema): object {
  const { $schema: _, $defs: __, ...rest } = toJsonSchema(schema, OPTIONS);
  return rest;
}

/** Without the definitions, a named schema is written out instead of referring to itself. */
function namedSchema(name: string, schema: v.GenericSchema): object {
  const { [name]: _, ...definitions } = NAMED_ANSWERS as Record<string, v.GenericSchema>;
  const { $schema: __, $defs: ___, ...rest } = toJsonSchema(schema, { ...OPTIONS, definitions });
  return rest;
}

const paths = Object.fromEntries(
  Object.entries(ENDPOINTS).map(([name, { summary, description, parameters = [] }]) => [
    name,
    {
      get: {
        summary,
        description,
        parameters,
        responses: responses({ 'application/json': { schema: schemaOf(ANSWERS[name as ApiPath]) } }),
      },
    },
  ]),
);

export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'tagproof',
    version: 'v1',
    description: 'What is deployed, what tags pointed to, what ran. Read-only.',
  },
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    responses: Object.fromEntries(Object.entries(ERRORS).map(([code, description]) => [code, { description }])),
    schemas: Object.fromEntries(
      Object.entries(NAMED_ANSWERS).map(([name, schema]) => [name, namedSchema(name, schema)]),
    ),
  },
  security: [{ token: [] }],
  paths: {
    ...paths,
    '/api/v1/changes': {
      get: {
        summary: 'An event whenever something changes',
        description: 'Server-Sent Events: `changed`, with the time.',
        parameters: [],
        responses: responses({ 'text/event-stream': {} }),
      },
    },
  },
};
