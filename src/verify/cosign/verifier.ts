// cosign as a kind of authority: fetches the candidates of each repository once, then verifies them for each signer.
import type { AuthorityOf } from '../../policy/config.ts';
import { asProblem } from '../../problem.ts';
import { signatureRepository } from '../signature-repository.ts';
import type { SignerEvidence, Verifier } from '../verifier.ts';
import { fetchCandidates, type SignatureCandidate } from './fetch.ts';
import { type CosignSigner, loadCosignSigner } from './signer.ts';
import { verifyMaterial } from './verify-material.ts';

export const COSIGN_VERIFIER: Verifier<AuthorityOf<'cosign'>, CosignSigner> = {
  load: loadCosignSigner,
  verify: ({ client, subject, attestations, now }) => {
    const fetched = new Map<string | undefined, Promise<SignatureCandidate[]>>();
    return async (signer): Promise<SignerEvidence> => {
      const repository = signer.signatureRepository;
      let candidates: SignatureCandidate[];
      try {
        const fetching =
          fetched.get(repository) ?? fetchCandidates(client, signatureRepository(subject, repository), attestations);
        fetched.set(repository, fetching);
        candidates = await fetching;
      } catch (error) {
        const problem = asProblem(error, 'unreachable', { image: subject.text });
        return { verdict: { kind: 'unchecked', problem }, problem };
      }
      return verifyMaterial(candidates, signer, subject, now);
    };
  },
  describe: ({ keys, trust }) => ({
    keyIds: keys.map(({ id }) => id),
    trust,
    recordedBy: keys.length > 0 ? 'key' : 'subject',
  }),
};
