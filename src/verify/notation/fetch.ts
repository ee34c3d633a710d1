// Fetches the signature envelopes of one image: Notary Project signatures among its referrers.
import * as v from 'valibot';
import type { PinnedReference } from '../../flow.ts';
import { isDigest } from '../../image/digest.ts';
import { withDigest } from '../../image/reference.ts';
import { MAX_ATTESTATION_BLOB } from '../../registry/limits.ts';
import { parseJson } from '../../sigstore/json.ts';
import type { SignatureClient } from '../verifier.ts';
import { type NotationEnvelope, readEnvelope } from './envelope.ts';

export const SIGNATURE_TYPE = 'application/vnd.cncf.notary.signature';

const digest = v.pipe(v.string(), v.check(isDigest, 'not a digest'));
const ManifestSchema = v.object({
  artifactType: v.optional(v.string()),
  config: v.object({ mediaType: v.string() }),
  layers: v.pipe(v.array(v.object({ mediaType: v.string(), digest })), v.length(1, 'expected exactly one layer')),
  subject: v.object({ digest }),
});

/**
 * @param place the image in the repository that holds its signatures
 * @returns undefined for a referrer of another type
 * @throws Problem for one that could not be fetched, another Error for one that is malformed
 */
export async function fetchEnvelope(
  client: SignatureClient,
  place: PinnedReference,
  referrer: { digest: string; artifactType?: string },
): Promise<NotationEnvelope | undefined> {
  const { bytes } = await client.manifest(withDigest(place, referrer.digest));
  const result = v.safeParse(ManifestSchema, parseJson(bytes));
  // The older form states its type in the configuration's media type.
  const type = result.success ? (result.output.artifactType ?? result.output.config.mediaType) : referrer.artifactType;
  if (type !== SIGNATURE_TYPE) return undefined;
  if (!result.success) throw new Error(`a signature's manifest is malformed: ${result.issues[0].message}`);
  if (result.output.subject.digest !== place.digest) throw new Error('a referrer names another subject');
  const [layer] = result.output.layers as [{ mediaType: string; digest: string }];
  return readEnvelope(await client.blob(place, layer.digest, MAX_ATTESTATION_BLOB), layer.mediaType);
}
