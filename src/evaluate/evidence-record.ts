// Evidence as JSON, for the log of decisions: enough to decide again without asking anybody (`tagproof policy explain --replay`).
import type { Attestation, Attestations, Evidence, Verdict, Verdicts } from '../flow.ts';
import { Problem } from '../problem.ts';

/** Statements larger than this all together are left out of the log, bytes: an SBOM would drown it. */
const MAX_STATEMENTS = 16 * 1024;

type Failure = ReturnType<Problem['toJSON']>;
/** JSON of an Evidence: maps are objects, problems say that they are. */
export type EvidenceRecord = Omit<Evidence, 'verdicts' | 'attestations' | 'children' | 'platforms' | 'tagNow'> & {
  readonly verdicts: Readonly<Record<string, object>>;
  readonly attestations?:
    | { readonly verified: readonly Attestation[]; readonly problems: Record<string, Failure> }
    | undefined;
  /** The statements were too large to be kept: they cannot be judged again. */
  readonly cut?: true;
  readonly children?: { platform?: string; digest: string; verdicts: Record<string, object> }[] | { problem: Failure };
  readonly platforms?: readonly string[] | { problem: Failure };
  readonly tagNow?: string | { problem: Failure };
};

export function toEvidenceRecord(evidence: Evidence): EvidenceRecord {
  const { verdicts, attestations, children, platforms, tagNow, ...rest } = evidence;
  const verified = attestations?.verified ?? [];
  const cut = verified.length > 0 && Buffer.byteLength(JSON.stringify(verified)) > MAX_STATEMENTS;
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
          : children.map(({ verdicts: of, ...child }) => ({ ...child, verdicts: Object.fromEntries(of) })),
    }),
    ...(platforms !== undefined && {
      platforms: platforms instanceof Problem ? { problem: platforms.toJSON() } : platforms,
    }),
    ...(tagNow !== undefined && { tagNow: tagNow instanceof Problem ? { problem: tagNow.toJSON() } : tagNow }),
  };
}

/** The inverse, of what JSON.parse gave. */
export function fromEvidenceRecord({
  verdicts,
  attestations,
  cut,
  children,
  platforms,
  tagNow,
  ...rest
}: EvidenceRecord): Evidence {
  return {
    ...rest,
    verdicts: verdictsOf(verdicts),
    // What was too large to be kept could not be checked: never the same as none.
    ...(!cut && { attestations: attestationsOf(attestations) }),
    ...(children !== undefined && {
      children:
        'problem' in children
          ? problemOf(children.problem)
          : children.map(({ verdicts: of, ...child }) => ({ ...child, verdicts: verdictsOf(of) })),
    }),
    ...(platforms !== undefined && {
      platforms: 'problem' in platforms ? problemOf(platforms.problem) : (platforms as readonly string[]),
    }),
    ...(tagNow !== undefined && { tagNow: typeof tagNow === 'string' ? tagNow : problemOf(tagNow.problem) }),
  };
}

function attestationsOf(record: EvidenceRecord['attestations']): Attestations {
  const problems = Object.entries(record?.problems ?? {}).map(([name, failure]) => [name, problemOf(failure)] as const);
  return { verified: record?.verified ?? [], problems: new Map(problems) };
}

function verdictsOf(record: Readonly<Record<string, object>>): Verdicts {
  return new Map(
    Object.entries(record).map(([name, given]) => {
      const verdict = given as Verdict & { problem: Failure };
      return [
        name,
        verdict.kind === 'unchecked' ? { ...verdict, problem: problemOf(verdict.problem) } : verdict,
      ] as const;
    }),
  );
}

function problemOf(failure: Failure): Problem {
  const { code, message, ...where } = failure as { code: Problem['code']; message: string };
  return new Problem(code, message, where);
}
