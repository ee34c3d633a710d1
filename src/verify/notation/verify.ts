// Notary Project signatures: who signed this digest with notation? One valid signature verifies, whatever else is there (T38).
import type { PinnedReference, Verdict } from '../../flow.ts';
import type { AuthorityOf } from '../../policy/config.ts';
import { asProblem, Problem } from '../../problem.ts';
import { MAX_SIGNATURES } from '../../registry/limits.ts';
import { mayBe } from '../../registry/referrers.ts';
import { signatureRepository } from '../signature-repository.ts';
import type { SignatureClient, Verifier } from '../verifier.ts';
import { fetchEnvelope, SIGNATURE_TYPE } from './fetch.ts';
import { loadNotationSigner, type NotationSigner } from './signer.ts';
import { verifyEnvelope } from './verify-envelope.ts';

export const NOTATION_VERIFIER: Verifier<AuthorityOf<'notation'>, NotationSigner> = {
  load: loadNotationSigner,
  verify:
    ({ client, subject, now }) =>
    async (signer) => ({ verdict: await verifyNotation(client, subject, signer, now) }),
  describe: () => ({ keyIds: [], recordedBy: 'other' }),
};

export async function verifyNotation(
  client: SignatureClient,
  subject: PinnedReference,
  signer: NotationSigner,
  now: Date,
): Promise<Verdict> {
  const reasons: string[] = [];
  let others = 0;
  let problem: Problem | undefined;
  try {
    const place = signatureRepository(subject, signer.signatureRepository);
    const referrers = (await client.referrers(place)).filter((referrer) => mayBe(referrer, SIGNATURE_TYPE));
    if (referrers.length === 0) return { kind: 'unsigned' };
    const manifest = await client.manifest(subject);
    const target = { digest: manifest.digest, size: manifest.bytes.length, mediaType: manifest.mediaType };
    if (referrers.length > MAX_SIGNATURES)
      problem = new Problem('limit', `${referrers.length} signatures, only the first ${MAX_SIGNATURES} were checked`);
    for (const referrer of referrers.slice(0, MAX_SIGNATURES)) {
      try {
        const envelope = await fetchEnvelope(client, place, referrer);
        if (envelope === undefined) continue;
        const verdict = await verifyEnvelope(envelope, { client, target, signer, now });
        if (verdict.kind === 'verified') return verdict;
        if (verdict.kind === 'invalid') reasons.push(...verdict.reasons);
        else if (verdict.kind === 'unchecked') problem ??= verdict.problem;
        else others++;
      } catch (error) {
        if (error instanceof Problem) problem ??= error;
        else reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
  } catch (error) {
    problem = asProblem(error, 'unreachable', { image: subject.text });
  }
  if (problem !== undefined) return { kind: 'unchecked', problem };
  if (reasons.length > 0) return { kind: 'invalid', reasons };
  return others > 0 ? { kind: 'others', count: others } : { kind: 'unsigned' };
}
