// The content of cosign's DSSE envelopes: an in-toto statement about digests. secure-systems-lab/dsse, protocol.md; in-toto
// attestation, spec/v1/statement.md.
import * as v from 'valibot';
import { parseJson } from './json.ts';
import { type Claim, type Malformed, stringsOf } from './payload.ts';

/** The only predicate type that means "this image is signed"; others are attestations about it (T31). */
export const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
export const IN_TOTO = 'application/vnd.in-toto+json';
const STATEMENT_V1 = 'https://in-toto.io/Statement/v1';
export const DSSE_TYPE = 'application/vnd.dsse.envelope.v1+json';
export const BUNDLE_PREFIX = 'application/vnd.dev.sigstore.bundle';
export const BUNDLE_TYPE = `${BUNDLE_PREFIX}.v0.3+json`;

/** cosign's short names of predicate types: cosign's `--type`. */
export const PREDICATE_TYPES: Readonly<Record<string, string>> = {
  custom: 'https://cosign.sigstore.dev/attestation/v1',
  cyclonedx: 'https://cyclonedx.org/bom',
  link: 'https://in-toto.io/Link/v1',
  openvex: 'https://openvex.dev/ns',
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
};

const StatementSchema = v.object({
  _type: v.picklist([STATEMENT_V1, 'https://in-toto.io/Statement/v0.1']),
  predicateType: v.string(),
  subject: v.pipe(
    v.array(
      v.object({
        digest: v.record(v.string(), v.string()),
        annotations: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
      }),
    ),
    v.maxLength(1000),
  ),
  predicate: v.optional(v.unknown()), // missing in cosign 3.0.0 to 3.0.4 (sigstore/cosign 4634)
});

/** The bytes that a DSSE signature covers: type and payload, each with its length in bytes. */
export function preAuthentication(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

/** The claim of a statement about one digest. Only annotations of the subject with this digest count. */
export function readStatement(payload: Buffer, digest: string): Claim | Malformed {
  const result = v.safeParse(StatementSchema, parseJson(payload));
  if (!result.success)
    return { malformed: `the statement: ${v.getDotPath(result.issues[0]) ?? 'not JSON'}: ${result.issues[0].message}` };
  const { subject, predicateType, predicate } = result.output;
  const digestsOf = (digests: Record<string, string>) =>
    Object.entries(digests).map(([algorithm, hex]) => `${algorithm}:${hex.toLowerCase()}`);
  const about = subject.find((item) => digestsOf(item.digest).includes(digest));
  return {
    predicateType,
    predicate,
    digests: subject.flatMap((item) => digestsOf(item.digest)),
    annotations: stringsOf(about?.annotations),
  };
}

/** @param digest `sha256:HEX` of the image */
export function statementOf(
  digest: string,
  predicateType: string,
  predicate: unknown,
  annotations: Readonly<Record<string, string>> = {},
): Buffer {
  const [algorithm, hex] = digest.split(':') as [string, string];
  const subject = { digest: { [algorithm]: hex }, ...(Object.keys(annotations).length > 0 && { annotations }) };
  return Buffer.from(JSON.stringify({ _type: STATEMENT_V1, subject: [subject], predicateType, predicate }));
}
