// cosign's older form: a simple-signing payload whose bytes are signed. cosign specs/SIGNATURE_SPEC.md.
import * as v from 'valibot';
import { parseJson } from './json.ts';

export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';

const PayloadSchema = v.object({
  critical: v.object({
    identity: v.object({ 'docker-reference': v.string() }),
    image: v.object({ 'docker-manifest-digest': v.string() }),
    type: v.literal('cosign container image signature'),
  }),
  optional: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
});

/** What a signed text claims: about which digests, and what its signer added. */
export type Claim = {
  readonly digests: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** The repository that the signer named; only the older form names one. */
  readonly repository?: string;
  /** Absent in the older form, which has signatures only. */
  readonly predicateType?: string;
  readonly predicate?: unknown;
};
/** Why a text makes no claim. */
export type Malformed = { readonly malformed: string };

/** @param bytes as they were signed */
export function readPayload(bytes: Buffer): Claim | Malformed {
  const result = v.safeParse(PayloadSchema, parseJson(bytes));
  if (!result.success)
    return { malformed: `the payload: ${v.getDotPath(result.issues[0]) ?? 'not JSON'}: ${result.issues[0].message}` };
  const { critical, optional } = result.output;
  return {
    digests: [critical.image['docker-manifest-digest']],
    annotations: stringsOf(optional),
    repository: critical.identity['docker-reference'],
  };
}

/** Annotations are strings; other values are dropped, because no policy can require them. */
export function stringsOf(record: Record<string, unknown> | null | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
