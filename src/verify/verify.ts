// Who signed this digest? Each authority's verdict: material is fetched once however many ask, then judged by pure functions.
import type { Attestation, Evidence, PinnedReference, Verdict } from '../flow.ts';
import type { Config } from '../policy/config.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { fetchCandidates, type SignatureCandidate } from './cosign/fetch.ts';
import { type CosignSigner, loadCosignSigner } from './cosign/signer.ts';
import { verifyMaterial } from './cosign/verify-material.ts';
import { loadNotarySigner, type NotarySigner, verifyNotary } from './notary/verify.ts';
import { loadNotationSigner, type NotationSigner } from './notation/signer.ts';
import { verifyNotation } from './notation/verify.ts';
import { signatureRepository } from './signature-repository.ts';

/** An authority made ready: keys parsed, trust loaded. */
export type Signer = CosignSigner | NotarySigner | NotationSigner;

export type SignatureClient = Pick<RegistryClient, 'manifest' | 'blob' | 'referrers' | 'service'>;

/**
 * @throws Problem `usage` that names the authority whose key cannot be used, or two that share one: a threshold would count
 * the same signer twice (T37)
 */
export async function loadSigners(authorities: Config['authorities']): Promise<Signer[]> {
  const signers = await Promise.all(
    Object.entries(authorities).map(async ([name, authority]): Promise<Signer> => {
      try {
        switch (authority.kind) {
          case 'cosign':
            return await loadCosignSigner(name, authority);
          case 'notary':
            return loadNotarySigner(name, authority);
          case 'notation':
            return loadNotationSigner(name, authority);
        }
      } catch (error) {
        const problem = asProblem(error, 'usage');
        throw new Problem(problem.code, `authority '${name}': ${problem.message}`, problem.where, error);
      }
    }),
  );
  const owners = new Map<string, string>();
  for (const signer of signers) {
    for (const { id } of signer.kind === 'cosign' ? signer.keys : []) {
      const owner = owners.get(id) ?? signer.name;
      if (owner !== signer.name)
        throw new Problem(
          'usage',
          `the authorities '${owner}' and '${signer.name}' share a key: one signer would count twice`,
        );
      owners.set(id, signer.name);
    }
  }
  return signers;
}

/** SHA-256 of every trust root in use: with the policy's hash it says what a verdict was based on. */
export function trustVersion(signers: readonly Signer[]): string {
  return signers.map((signer) => (signer.kind === 'cosign' ? signer.trust.id : '')).join(' ');
}

export type GatheredVerdicts = Required<Pick<Evidence, 'verdicts' | 'attestations'>>;

/**
 * Fetches once and asks every signer.
 * @param subject the image with the digest that will be written or run: no other digest is looked at (T2)
 * @param attestations whether any rule asks for statements
 */
export async function gatherVerdicts(
  client: SignatureClient,
  subject: PinnedReference,
  signers: readonly Signer[],
  attestations = false,
  now = new Date(),
): Promise<GatheredVerdicts> {
  const verdicts = new Map<string, Verdict>();
  const verified: Attestation[] = [];
  const problems = new Map<string, Problem>();
  const repositories = Map.groupBy(
    signers.filter((signer) => signer.kind === 'cosign'),
    ({ signatureRepository }) => signatureRepository,
  );
  const cosign = [...repositories].map(async ([repository, group]) => {
    let candidates: SignatureCandidate[];
    try {
      candidates = await fetchCandidates(client, signatureRepository(subject, repository), attestations);
    } catch (error) {
      const problem = asProblem(error, 'unreachable', { image: subject.text });
      for (const { name } of group) {
        verdicts.set(name, { kind: 'unchecked', problem });
        problems.set(name, problem);
      }
      return;
    }
    for (const signer of group) {
      const evaluation = verifyMaterial(candidates, signer, subject, now);
      verdicts.set(signer.name, evaluation.verdict);
      verified.push(...evaluation.attestations);
      if (evaluation.problem !== undefined) problems.set(signer.name, evaluation.problem);
    }
  });
  const others = signers.map(async (signer) => {
    if (signer.kind === 'notary') verdicts.set(signer.name, await verifyNotary(client, subject, signer, now));
    if (signer.kind === 'notation') verdicts.set(signer.name, await verifyNotation(client, subject, signer, now));
  });
  await Promise.all([...cosign, ...others]);
  return { verdicts, attestations: verified.length + problems.size === 0 ? NOTHING_STATED : { verified, problems } };
}

/** One for all: ten thousand verdicts are kept, and few of them have statements. */
const NOTHING_STATED: GatheredVerdicts['attestations'] = { verified: [], problems: new Map() };
