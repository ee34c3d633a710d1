// Collects what may be a signature of one digest: cosign's `.sig` tag and sigstore bundles among the referrers. Bounded;
// "there is none" and "could not look" stay apart.
import * as v from 'valibot';
import type { Reference } from '../flow.ts';
import { isDigest } from '../image/digest.ts';
import { withDigest, withoutDigest } from '../image/reference.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { MAX_SIGNATURE_BLOB, MAX_SIGNATURES } from '../registry/limits.ts';
import { parseJson } from './payload.ts';

export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle';

/** Something that may be a signature; a Problem when it is there and could not be fetched. */
export type Candidate =
  | {
      readonly layout: 'signature';
      readonly payload: Buffer;
      readonly signature: Buffer;
      readonly hasCertificate: boolean;
    }
  | { readonly layout: 'bundle'; readonly bytes: Buffer }
  | Problem;

type Reader = Pick<RegistryClient, 'manifest' | 'blob' | 'referrers'>;

const digest = v.pipe(v.string(), v.check(isDigest, 'not a digest'));
const SignaturesSchema = v.object({
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
 * @param subject the image with its digest
 * @throws Problem when one of the two places could not be looked at: then nobody knows whether there are signatures
 */
export async function fetchCandidates(client: Reader, subject: Reference): Promise<Candidate[]> {
  const [signatures, bundles] = await Promise.all([fetchSignatures(client, subject), fetchBundles(client, subject)]);
  return [...bundles, ...signatures];
}

/** The tag `sha256-HEX.sig` holds all signatures of the older form, a layer each. */
async function fetchSignatures(client: Reader, subject: Reference): Promise<Candidate[]> {
  const tag = `${(subject.digest as string).replace(':', '-')}.sig`;
  const place: Reference = { ...withoutDigest(subject), tag, text: `${subject.name}:${tag}` };
  const manifest = await client.manifest(place).catch(absent);
  if (manifest === undefined) return [];
  const result = v.safeParse(SignaturesSchema, parseJson(manifest.bytes));
  if (!result.success)
    return [new Problem('protocol', `the signatures under ${tag} are malformed: ${result.issues[0].message}`)];
  // The same layer may stand there several times with different signatures: descriptors are walked, blobs fetched once.
  const blobs = new Map<string, Promise<Buffer>>();
  const blob = (of: string) => {
    let bytes = blobs.get(of);
    if (bytes === undefined) {
      bytes = client.blob(place, of, MAX_SIGNATURE_BLOB);
      blobs.set(of, bytes);
    }
    return bytes;
  };
  const layers = result.output.layers.filter(({ mediaType }) => mediaType === SIMPLE_SIGNING);
  const candidates = layers.slice(0, MAX_SIGNATURES).map(async (layer): Promise<Candidate> => {
    const payload = await blob(layer.digest);
    if (payload.length !== layer.size)
      return new Problem(
        'mismatch',
        `a signature payload has ${payload.length} bytes, its descriptor says ${layer.size}`,
      );
    const { 'dev.cosignproject.cosign/signature': signature = '', 'dev.sigstore.cosign/certificate': certificate } =
      layer.annotations ?? {};
    return {
      layout: 'signature',
      payload,
      signature: Buffer.from(signature, 'base64'),
      hasCertificate: certificate !== undefined && certificate !== '',
    };
  });
  return settle(candidates, layers.length);
}

async function fetchBundles(client: Reader, subject: Reference): Promise<Candidate[]> {
  const referrers = (await client.referrers(subject)).filter(
    ({ artifactType }) => artifactType === undefined || artifactType.startsWith(BUNDLE_TYPE),
  );
  const candidates = referrers.slice(0, MAX_SIGNATURES).map(async (referrer): Promise<Candidate | undefined> => {
    const manifest = await client.manifest(withDigest(subject, referrer.digest));
    const result = v.safeParse(ArtifactSchema, parseJson(manifest.bytes));
    // A referrer without an artifact type may be anything; one that says it is a bundle must be one.
    if (!result.success)
      return referrer.artifactType === undefined
        ? undefined
        : new Problem('protocol', `a signature's manifest is malformed: ${result.issues[0].message}`);
    const layer = result.output.layers[0] as { mediaType: string; digest: string };
    if (!layer.mediaType.startsWith(BUNDLE_TYPE)) return undefined;
    if (result.output.subject.digest !== subject.digest)
      return new Problem('mismatch', 'a referrer names another subject');
    return { layout: 'bundle', bytes: await client.blob(subject, layer.digest, MAX_SIGNATURE_BLOB) };
  });
  return settle(candidates, referrers.length);
}

/** One that cannot be fetched never hides the others; what is over the cap is said. */
async function settle(candidates: Promise<Candidate | undefined>[], total: number): Promise<Candidate[]> {
  const settled = await Promise.all(
    candidates.map((candidate) => candidate.catch((error) => asProblem(error, 'unreachable'))),
  );
  const over =
    total > MAX_SIGNATURES
      ? [new Problem('limit', `${total} signatures, only the first ${MAX_SIGNATURES} were looked at`)]
      : [];
  return [...settled.filter((candidate) => candidate !== undefined), ...over];
}

function absent(error: unknown): undefined {
  if (error instanceof Problem && error.code === 'not-found') return undefined;
  throw error;
}
