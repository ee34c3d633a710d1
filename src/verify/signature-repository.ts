// Where an image's signatures are: beside the image, or in the repository that the policy names (cosign's COSIGN_REPOSITORY).
import type { PinnedReference } from '../flow.ts';
import { parseReference, withDigest } from '../image/reference.ts';
import { Problem } from '../problem.ts';

/** The same digest in the repository that holds its signatures. */
export function signatureRepository(subject: PinnedReference, repository: string | undefined): PinnedReference {
  const place = repository === undefined ? subject : parseReference(repository);
  if (place instanceof Problem) throw place;
  return withDigest(place, subject.digest);
}
