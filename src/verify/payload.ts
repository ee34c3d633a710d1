// cosign's older form: a simple-signing payload whose bytes are signed. cosign specs/SIGNATURE_SPEC.md.
import * as v from 'valibot';

const PayloadSchema = v.object({
  critical: v.object({
    identity: v.object({ 'docker-reference': v.string() }),
    image: v.object({ 'docker-manifest-digest': v.string() }),
    type: v.literal('cosign container image signature'),
  }),
  optional: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
});

/** What a signed text claims: about which digest, and what its signer added. Or why it claims nothing. */
export type Claim =
  | { readonly digests: readonly string[]; readonly annotations: Readonly<Record<string, string>> }
  | { readonly malformed: string };

/** @param bytes as they were signed */
export function readPayload(bytes: Buffer): Claim {
  const result = v.safeParse(PayloadSchema, parseJson(bytes));
  if (!result.success)
    return { malformed: `the payload: ${v.getDotPath(result.issues[0]) ?? 'not JSON'}: ${result.issues[0].message}` };
  const { critical, optional } = result.output;
  const annotations = Object.entries(optional ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return { digests: [critical.image['docker-manifest-digest']], annotations: Object.fromEntries(annotations) };
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
