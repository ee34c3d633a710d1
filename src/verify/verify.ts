// Who signed this digest? Each authority's verdict, from candidates that were fetched once; the judging itself is pure.
import type { Evidence, Reference, Verdict } from '../flow.ts';
import type { Authority } from '../policy/config.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { type Candidate, fetchCandidates } from './fetch.ts';
import { type Key, loadKey } from './key.ts';
import { readPayload } from './payload.ts';
import { readBundle, readStatement, SIGN_PREDICATE } from './statement.ts';

export type Signer = {
  readonly name: string;
  readonly keys: readonly Key[];
  readonly annotations: Readonly<Record<string, string>>;
};

/**
 * @throws Problem `usage` that names the authority whose key cannot be used, or two that share one: a threshold would count
 * the same signer twice (T37)
 */
export async function loadSigners(authorities: Readonly<Record<string, Authority>>): Promise<Signer[]> {
  const signers = await Promise.all(
    Object.entries(authorities).map(async ([name, authority]): Promise<Signer> => {
      try {
        const keys = await Promise.all(authority.keys.map((pem) => loadKey(pem, authority)));
        return { name, keys, annotations: authority.annotations };
      } catch (error) {
        const problem = asProblem(error, 'usage');
        throw new Problem(problem.code, `authority '${name}': ${problem.message}`, problem.where, error);
      }
    }),
  );
  const owners = new Map<string, string>();
  for (const { name, keys } of signers) {
    for (const { id } of keys) {
      const owner = owners.get(id) ?? name;
      if (owner !== name)
        throw new Problem(
          'usage',
          `the authorities '${owner}' and '${name}' share a key: one signer would count twice`,
        );
      owners.set(id, name);
    }
  }
  return signers;
}

/**
 * Fetches once and asks every signer.
 * @param subject the image with the digest that will be written or run: no other digest is looked at (T2)
 */
export async function gatherVerdicts(
  client: Pick<RegistryClient, 'manifest' | 'blob' | 'referrers'>,
  subject: Reference,
  signers: readonly Signer[],
): Promise<Evidence['verdicts']> {
  let candidates: Candidate[];
  try {
    candidates = await fetchCandidates(client, subject);
  } catch (error) {
    const problem = asProblem(error, 'unreachable', { image: subject.text });
    return new Map(signers.map(({ name }) => [name, { kind: 'unchecked', problem }]));
  }
  return new Map(signers.map((signer) => [signer.name, judge(candidates, signer, subject.digest as string)]));
}

/**
 * The verdict of one signer over all candidates. Order of weight: one good signature verifies whatever else is there
 * (T38); a signature by this very key that is not in order is told; what could not be fetched leaves the question open.
 */
export function judge(candidates: readonly Candidate[], signer: Signer, digest: string): Verdict {
  const reasons: string[] = [];
  let others = 0;
  let problem: Problem | undefined;
  for (const candidate of candidates) {
    if (candidate instanceof Problem) {
      problem ??= candidate;
      continue;
    }
    const result = judgeOne(candidate, signer, digest);
    if (result.kind === 'verified') return result;
    if (result.kind === 'invalid') reasons.push(...result.reasons);
    else others++;
  }
  if (problem !== undefined) return { kind: 'unchecked', problem };
  if (reasons.length > 0) return { kind: 'invalid', reasons };
  return others > 0 ? { kind: 'others', count: others } : { kind: 'unsigned' };
}

function judgeOne(candidate: Exclude<Candidate, Problem>, signer: Signer, digest: string): Verdict {
  const envelope =
    candidate.layout === 'signature' ? { ...candidate, signed: candidate.payload } : readBundle(candidate.bytes);
  if ('malformed' in envelope) return { kind: 'invalid', reasons: [envelope.malformed] };
  // Its signature first: nothing else in it is worth believing before.
  const key = signer.keys.find(({ verifies }) => verifies(envelope.signed, envelope.signature));
  if (key === undefined) return { kind: 'others', count: 1 };
  const claim =
    candidate.layout === 'signature' ? readPayload(envelope.payload) : readStatement(envelope.payload, digest);
  const wrong = (reason: string): Verdict => ({ kind: 'invalid', reasons: [reason] });
  if ('malformed' in claim) return wrong(claim.malformed);
  if (envelope.hasCertificate)
    return wrong('a certificate came with a signature by key; which of them is meant cannot be told (T36)');
  if ('predicateType' in claim && claim.predicateType !== SIGN_PREDICATE) return { kind: 'others', count: 1 }; // an attestation, not a signature (T31)
  if (!claim.digests.includes(digest))
    return wrong(`it is a signature of ${claim.digests.join(', ')}, not of this image`);
  const missing = Object.entries(signer.annotations).find(([name, value]) => claim.annotations[name] !== value);
  if (missing !== undefined) return wrong(`the annotation ${missing[0]}=${missing[1]} is missing`);
  return {
    kind: 'verified',
    by: `key ${key.id.slice(0, 12)}`,
    layout: candidate.layout,
    annotations: claim.annotations,
  };
}
