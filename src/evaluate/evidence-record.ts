// Evidence as JSON, for the log of decisions: enough to decide again without a request (`tagproof
// policy explain --replay`). Pure.
import type { Attestation, Attestations, Evidence, Verdict, Verdicts } from '../flow.ts';
import { Problem } from '../problem.ts';

/**
 * Attestations larger than this in total are left out of the log, bytes: one SBOM would outweigh
 * all the rest.
 */
const MAX_ATTESTATIONS = 16 * 1024;

type ProblemRecord = ReturnType<Problem['toJSON']>;
/** The JSON of an Evidence: maps are objects, and a problem says that it is one. */
export type EvidenceRecord = Omit<Evidence, 'verdicts' | 'attestations' | 'children' | 'platforms' | 'tagNow'> & {
  readonly verdicts: Readonly<Record<string, object>>;
  readonly attestations?:
    | { readonly verified: readonly Attestation[]; readonly problems: Record<string, ProblemRecord> }
    | undefined;
  /** The attestations were too large for the log: demands for them cannot be evaluated again. */
  readonly cut?: true;
  readonly children?:
    | { platform?: string; digest: string; verdicts: Record<string, object> }[]
    | { problem: ProblemRecord };
  readonly platforms?: readonly string[] | { problem: ProblemRecord };
  readonly tagNow?: string | { problem: ProblemRecord };
};

export function toEvidenceRecord(evidence: Evidence): EvidenceRecord {
  const { verdicts, attestations, children, platforms, tagNow, ...rest } = evidence;
  const verified = attestations?.verified ?? [];
  const cut = verified.length > 0 && Buffer.byteLength(JSON.stringify(verified)) > MAX_ATTESTATIONS;
  return {
    ...rest,
    verdicts: Object.fromEntries(verdicts),
    ...(attestations !== undefined &&
      (verified.length > 0 || attestations.problems.size > 0) &&
      !cut && { attestations: { verified, problems: Object.fromEntries(attestations.problems) as never } }),
    ...(cut && { cut }),
    ...(children !== undefined && {
      children:
        children instanceof Problem
          ? { problem: children.toJSON() }
          : children.map((child) => ({ ...child, verdicts: Object.fromEntries(child.verdicts) })),
    }),
    ...(platforms !== undefined && {
      platforms: platforms instanceof Problem ? { problem: platforms.toJSON() } : platforms,
    }),
    ...(tagNow !== undefined && { tagNow: tagNow instanceof Problem ? { problem: tagNow.toJSON() } : tagNow }),
  };
}

/** The inverse of toEvidenceRecord, for what JSON.parse returned. */
export function fromEvidenceRecord(record: EvidenceRecord): Evidence {
  const { verdicts, attestations, cut, children, platforms, tagNow, ...rest } = record;
  return {
    ...rest,
    verdicts: verdictsFrom(verdicts),
    // Attestations that were too large for the log are unchecked, which is never the same as none.
    ...(!cut && { attestations: attestationsFrom(attestations) }),
    ...(children !== undefined && {
      children:
        'problem' in children
          ? problemFrom(children.problem)
          : children.map((child) => ({ ...child, verdicts: verdictsFrom(child.verdicts) })),
    }),
    ...(platforms !== undefined && {
      platforms: 'problem' in platforms ? problemFrom(platforms.problem) : (platforms as readonly string[]),
    }),
    ...(tagNow !== undefined && { tagNow: typeof tagNow === 'string' ? tagNow : problemFrom(tagNow.problem) }),
  };
}

function attestationsFrom(record: EvidenceRecord['attestations']): Attestations {
  const problems = Object.entries(record?.problems ?? {}).map(([name, item]) => [name, problemFrom(item)] as const);
  return { verified: record?.verified ?? [], problems: new Map(problems) };
}

function verdictsFrom(record: Readonly<Record<string, object>>): Verdicts {
  return new Map(
    Object.entries(record).map(([name, given]) => {
      const verdict = given as Verdict & { problem: ProblemRecord };
      return [
        name,
        verdict.kind === 'unchecked' ? { ...verdict, problem: problemFrom(verdict.problem) } : verdict,
      ] as const;
    }),
  );
}

function problemFrom(record: ProblemRecord): Problem {
  const { code, message, ...where } = record as { code: Problem['code']; message: string };
  return new Problem(code, message, where);
}
