// The schema of one rule and of one exemption in tagproof.yaml.
import * as v from 'valibot';
import { PREDICATE_TYPES } from '../sigstore/statement.ts';
import { checkCondition } from './condition.ts';
import type { AttestationDemand, Exemption, Rule } from './config.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));
const names = v.pipe(v.array(text), v.nonEmpty('expected at least one'));
/**
 * The host of a pattern is literal, or `*.` before a domain. `**` in its place would match hosts
 * that nobody intended.
 */
const imagePattern = v.pipe(
  text,
  v.regex(
    /^(\*\*|((\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?|localhost(:\d+)?|[a-z0-9-]+:\d+)\/[^/].*)$/,
    'expected host/path with a literal host, as ghcr.io/org/** (docker.io/library/* for official images), or ** for every image',
  ),
);

const registryPattern = v.pipe(
  text,
  v.regex(/^(\*\.)?[a-z0-9][a-z0-9.-]*(:\d+)?$/, 'expected a host, as ghcr.io or *.example.com'),
);

const distinct = (list: readonly string[]) => new Set(list).size;
const DemandSchema = v.union(
  [
    v.strictObject({ all: names }),
    v.strictObject({ any: names }),
    v.pipe(
      v.strictObject({ threshold: v.pipe(v.number(), v.integer(), v.minValue(1)), of: names }),
      v.check(
        ({ threshold, of }) => threshold <= distinct(of),
        'the threshold is larger than the number of authorities',
      ),
    ),
  ],
  'expected {all: [names]}, {any: [names]} or {threshold: n, of: [names]}, n at most the number of different names',
);

const ATTESTATION = {
  type: v.pipe(
    text,
    v.transform((type) => PREDICATE_TYPES[type] ?? type),
    v.check(
      (type) => URL.canParse(type),
      `expected a predicate type: a URI, or ${Object.keys(PREDICATE_TYPES).join(', ')}`,
    ),
  ),
  by: DemandSchema,
  condition: v.optional(
    v.pipe(
      text,
      v.rawCheck(({ dataset, addIssue }) => {
        const wrong = dataset.typed ? checkCondition(dataset.value) : undefined;
        if (wrong !== undefined) addIssue({ message: `not a condition in CEL: ${wrong}` });
      }),
    ),
  ),
} satisfies Record<keyof AttestationDemand, v.GenericSchema>;

/** A pattern whose host has no wildcard: an exemption names the host in full (T27). */
export const LITERAL_HOST = /^([a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?|localhost(:\d+)?|[a-z0-9-]+:\d+)\/[^/].*$/;

const exemptPattern = v.pipe(
  text,
  v.regex(LITERAL_HOST, 'expected host/path with a literal host, as registry.example.com/legacy/**'),
);

export const ExemptionSchema = v.strictObject({
  images: v.pipe(v.array(exemptPattern), v.nonEmpty('expected at least one pattern')),
  namespaces: v.optional(names),
  /** Shown wherever the exemption applies. */
  reason: text,
  /** The last day; after it the rules apply again. */
  until: v.optional(v.pipe(text, v.regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a day, as 2026-12-31'), v.isoDate())),
} satisfies Record<keyof Exemption, v.GenericSchema>);

/** A key for each setting of a rule: a new setting without a schema does not compile. */
const RULE = {
  name: text,
  images: v.pipe(v.array(imagePattern), v.nonEmpty('expected at least one pattern')),
  tags: v.optional(names),
  namespaces: v.optional(names),
  kinds: v.optional(names),
  digest: v.optional(v.picklist(['required', 'resolve', 'off']), 'required'),
  signatures: v.optional(DemandSchema),
  signed: v.optional(v.picklist(['digest', 'platforms', 'both']), 'digest'),
  attestations: v.optional(v.array(v.strictObject(ATTESTATION)), []),
  registries: v.optional(v.pipe(v.array(registryPattern), v.nonEmpty('expected at least one host'))),
  platforms: v.optional(v.array(text), []),
  tagAgrees: v.optional(v.boolean(), false),
  noRollback: v.optional(v.boolean(), false),
  minimumAgeDays: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
  mode: v.optional(v.picklist(['enforce', 'warn', 'audit']), 'enforce'),
} satisfies Record<Exclude<keyof Rule, 'unusable'>, v.GenericSchema>;

export const RuleSchema = v.strictObject(RULE);
