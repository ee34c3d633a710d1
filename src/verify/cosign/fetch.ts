// Collects what may be a signature or attestation of one digest: cosign's `.sig` and `.att` tags, and sigstore bundles among
// the referrers. Bounded. "There is none" and "could not be fetched" stay distinct.
import * as v from 'valibot';
import type { PinnedReference, Reference } from '../../flow.ts';
import { isDigest } from '../../image/digest.ts';
import { withDigest, withoutDigest } from '../../image/reference.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { MAX_ATTESTATION_BLOB, MAX_SIGNATURES } from '../../registry/limits.ts';
import { mayBe, type Referrer } from '../../registry/referrers.ts';
import { parseJson } from '../../sigstore/json.ts';
import { type Malformed, SIMPLE_SIGNING } from '../../sigstore/payload.ts';
import { BUNDLE_PREFIX, DSSE_TYPE, SIGN_PREDICATE } from '../../sigstore/statement.ts';
import {
  fromAttestationLayer,
  fromBundle,
  fromSignatureLayer,
  type LayerAnnotations,
  type Material,
} from './material.ts';

/** Something that may be a signature or attestation; a Problem when it exists and could not be fetched. */
export type SignatureCandidate = Material | Malformed | Problem;

export type CandidateClient = Pick<RegistryClient, 'manifest' | 'blob' | 'referrers'>;

const digest = v.pipe(v.string(), v.check(isDigest, 'not a digest'));
const LayersSchema = v.object({
  layers: v.array(
    v.object({
      mediaType: v.string(),
      digest,
      size: v.pipe(v.number(), v.minValue(0)),
      annotations: v.optional(v.nullable(v.record(v.string(), v.string()))),
    }),
  ),
});
const ArtifactSchema = v.object({
  layers: v.pipe(
    v.array(v.object({ mediaType: v.string(), digest, size: v.number() })),
    v.length(1, 'expected exactly one layer'),
  ),
  subject: v.object({ digest }),
});

/**
 * @param subject the image with its digest, in the repository that holds its signatures
 * @param attestations whether to fetch the old layout's attestations too; bundles hold both
 * @throws Problem when one of the places could not be read, because then it is unknown what exists
 */
export async function fetchCandidates(
  client: CandidateClient,
  subject: PinnedReference,
  attestations: boolean,
): Promise<SignatureCandidate[]> {
  const places = await Promise.all([
    fetchBundles(client, subject),
    fetchLayers(client, subject, SIGNATURES),
    attestations ? fetchLayers(client, subject, ATTESTATIONS) : [],
  ]);
  return places.flat();
}

type Layers = {
  /** Of the tag: `sha256-HEX.SUFFIX`. */
  readonly suffix: string;
  readonly mediaType: string;
  readonly read: (bytes: Buffer, annotations: LayerAnnotations) => Material | Malformed;
};
const SIGNATURES: Layers = { suffix: 'sig', mediaType: SIMPLE_SIGNING, read: fromSignatureLayer };
const ATTESTATIONS: Layers = { suffix: 'att', mediaType: DSSE_TYPE, read: fromAttestationLayer };

/** The tags `sha256-HEX.sig` and `.att` hold all signatures and attestations of the older form, one in each layer. */
async function fetchLayers(
  client: CandidateClient,
  subject: PinnedReference,
  { suffix, mediaType, read }: Layers,
): Promise<SignatureCandidate[]> {
  const tag = `${subject.digest.replace(':', '-')}.${suffix}`;
  const place: Reference = { ...withoutDigest(subject), tag, text: `${subject.name}:${tag}` };
  const manifest = await client.manifest(place).catch(withoutManifest);
  if (manifest === undefined) return [];
  if (manifest instanceof Problem) return [manifest];
  const result = v.safeParse(LayersSchema, parseJson(manifest.bytes));
  if (!result.success)
    return [new Problem('protocol', `the signatures under ${tag} are malformed: ${result.issues[0].message}`)];
  // The same layer may occur several times with different signatures: every descriptor is read, each blob fetched once.
  const blobs = new Map<string, Promise<Buffer>>();
  const blob = (of: string) => {
    let bytes = blobs.get(of);
    if (bytes === undefined) {
      bytes = client.blob(place, of, MAX_ATTESTATION_BLOB);
      blobs.set(of, bytes);
    }
    return bytes;
  };
  const layers = result.output.layers.filter((layer) => layer.mediaType === mediaType);
  const candidates = layers.slice(0, MAX_SIGNATURES).map(async (layer): Promise<SignatureCandidate> => {
    const bytes = await blob(layer.digest);
    if (bytes.length !== layer.size)
      return new Problem('mismatch', `a payload has ${bytes.length} bytes, its descriptor says ${layer.size}`);
    return read(bytes, layer.annotations ?? {});
  });
  return settle(candidates, layers.length);
}

async function fetchBundles(client: CandidateClient, subject: PinnedReference): Promise<SignatureCandidate[]> {
  const referrers = (await client.referrers(subject)).filter((referrer) => mayBe(referrer, BUNDLE_PREFIX));
  // Over the cap, those that claim to be signatures come first: a flood of attestations must not hide a signature.
  const ranked = referrers.toSorted((a, b) => rank(a) - rank(b));
  const candidates = ranked.slice(0, MAX_SIGNATURES).map(async (referrer): Promise<SignatureCandidate | undefined> => {
    const manifest = await client.manifest(withDigest(subject, referrer.digest));
    const result = v.safeParse(ArtifactSchema, parseJson(manifest.bytes));
    // A referrer without an artifact type may be anything; one that claims to be a bundle must be one.
    if (!result.success)
      return !referrer.artifactType?.startsWith(BUNDLE_PREFIX)
        ? undefined
        : new Problem('protocol', `a signature's manifest is malformed: ${result.issues[0].message}`);
    const layer = result.output.layers[0] as { mediaType: string; digest: string };
    if (!layer.mediaType.startsWith(BUNDLE_PREFIX)) return undefined;
    if (result.output.subject.digest !== subject.digest)
      return new Problem('mismatch', 'a referrer names another subject');
    return fromBundle(await client.blob(subject, layer.digest, MAX_ATTESTATION_BLOB));
  });
  return settle(candidates, referrers.length);
}

function rank({ artifactType, predicateType }: Referrer): number {
  if (!artifactType?.startsWith(BUNDLE_PREFIX)) return 2;
  return predicateType === undefined || predicateType === SIGN_PREDICATE ? 0 : 1;
}

/** A candidate that cannot be fetched never hides the others. More candidates than the cap are reported. */
async function settle(
  candidates: Promise<SignatureCandidate | undefined>[],
  total: number,
): Promise<SignatureCandidate[]> {
  const settled = await Promise.all(
    candidates.map((candidate) => candidate.catch((error) => asProblem(error, 'unreachable'))),
  );
  const over =
    total > MAX_SIGNATURES
      ? [new Problem('limit', `${total} signatures, only the first ${MAX_SIGNATURES} were checked`)]
      : [];
  return [...settled.filter((candidate) => candidate !== undefined), ...over];
}

/** Whoever may push this tag must not hide the signatures in other places by something that is no manifest. */
function withoutManifest(error: unknown): Problem | undefined {
  if (error instanceof Problem && error.code === 'not-found') return undefined;
  if (error instanceof Problem && error.code === 'protocol') return error;
  throw error;
}
