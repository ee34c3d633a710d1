// Who signed this digest? One Verifier for each kind of authority, in one table, and one loop over it.
import type { Attestation, Evidence, Verdict } from '../flow.ts';
import type { AuthorityKind, AuthorityOf, Config } from '../policy/config.ts';
import { authoritiesFrom } from '../policy/config-paths.ts';
import { asProblem, Problem } from '../problem.ts';
import type { CosignSigner } from './cosign/signer.ts';
import { COSIGN_VERIFIER } from './cosign/verifier.ts';
import type { NotarySigner } from './notary/signer.ts';
import { NOTARY_VERIFIER } from './notary/verify.ts';
import type { NotationSigner } from './notation/signer.ts';
import { NOTATION_VERIFIER } from './notation/verify.ts';
import type { SignerDescription, SignerEvidence, Verifier, VerifyRequest } from './verifier.ts';

type Signers = { readonly cosign: CosignSigner; readonly notary: NotarySigner; readonly notation: NotationSigner };

/** An authority made ready: keys parsed, trust loaded. */
export type Signer = Signers[AuthorityKind];

/** A kind of authority without its Verifier does not compile. */
export type Verifiers = { readonly [K in AuthorityKind]: Verifier<AuthorityOf<K>, Signers[K]> };

const VERIFIERS: Verifiers = {
  cosign: COSIGN_VERIFIER,
  notary: NOTARY_VERIFIER,
  notation: NOTATION_VERIFIER,
};
const KINDS = Object.keys(VERIFIERS) as AuthorityKind[];

function load<K extends AuthorityKind>(
  kind: K,
  name: string,
  authority: AuthorityOf<K>,
): Promise<Signers[K]> | Signers[K] {
  return VERIFIERS[kind].load(name, authority);
}

export function describeSigner(signer: Signer): SignerDescription {
  const describeKind = <K extends AuthorityKind>(kind: K, one: Signers[K]) => VERIFIERS[kind].describe(one);
  return describeKind(signer.kind, signer);
}

async function verifyKind<K extends AuthorityKind>(
  kind: K,
  signers: readonly Signer[],
  request: Required<VerifyRequest>,
): Promise<[name: string, evidence: SignerEvidence][]> {
  const verify = VERIFIERS[kind].verify(request);
  const mine = signers.filter((signer): signer is Signers[K] => signer.kind === kind);
  return Promise.all(
    mine.map(async (signer): Promise<[string, SignerEvidence]> => [signer.name, await verify(signer)]),
  );
}

/**
 * @param folder that paths of files begin at; default: the working directory
 * @throws Problem `usage` that names the authority whose settings cannot be used, or two authorities that share a
 * key: a threshold would count the same signer twice (T37)
 */
export async function loadSigners(authorities: Config['authorities'], folder?: string): Promise<Signer[]> {
  const signers = await Promise.all(
    Object.entries(authoritiesFrom(authorities, folder)).map(async ([name, authority]): Promise<Signer> => {
      try {
        return await load(authority.kind, name, authority);
      } catch (error) {
        const problem = asProblem(error, 'usage');
        throw new Problem(problem.code, `authority '${name}': ${problem.message}`, problem.where, error);
      }
    }),
  );
  const owners = new Map<string, string>();
  for (const signer of signers) {
    for (const id of describeSigner(signer).keyIds) {
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

/** SHA-256 of every trust root in use. With the policy's hash it identifies what a verdict was based on. */
export function trustVersion(signers: readonly Signer[]): string {
  return signers.map((signer) => describeSigner(signer).trust?.id ?? '').join(' ');
}

export type GatheredVerdicts = Required<Pick<Evidence, 'verdicts' | 'attestations'>>;

/** The verdict of every signer about one digest. */
export async function gatherVerdicts(signers: readonly Signer[], request: VerifyRequest): Promise<GatheredVerdicts> {
  const complete = { attestations: false, now: new Date(), ...request };
  const verdicts = new Map<string, Verdict>();
  const verified: Attestation[] = [];
  const problems = new Map<string, Problem>();
  for (const answers of await Promise.all(KINDS.map((kind) => verifyKind(kind, signers, complete)))) {
    for (const [name, { verdict, attestations = [], problem }] of answers) {
      verdicts.set(name, verdict);
      verified.push(...attestations);
      if (problem !== undefined) problems.set(name, problem);
    }
  }
  return { verdicts, attestations: verified.length + problems.size === 0 ? NO_ATTESTATIONS : { verified, problems } };
}

/** Shared: ten thousand verdicts are cached, and few of them have attestations. */
const NO_ATTESTATIONS: GatheredVerdicts['attestations'] = { verified: [], problems: new Map() };
