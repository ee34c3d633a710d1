// Audit: evaluates everything that exists against the policy, each image once: what would be
// admitted again today, and what would not.

import { evaluateImage, type PolicyContext, resolveAllowed } from '../evaluate/evaluate.ts';
import type { Decision, Scope } from '../flow.ts';
import { parseReference, printReference, withDigest } from '../image/reference.ts';
import { applicableRules, applicableRulesKey, needsDigest } from '../policy/match.ts';
import { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Workload } from './workloads.ts';

export type AuditedImage = {
  readonly image: string;
  readonly digest?: string;
  readonly decision: Decision;
};
export type AuditedWorkload = { readonly workload: Workload; readonly images: readonly AuditedImage[] };

export type Outcome = Decision['outcome'];
const RANK: Record<Outcome, number> = { allow: 0, warn: 1, deny: 2 };

/** The worst outcome of its images: a pod is admitted whole or not at all. */
export function outcomeOf({ images }: AuditedWorkload): Outcome {
  return images.reduce<Outcome>(
    (worst, { decision: { outcome } }) => (RANK[outcome] > RANK[worst] ? outcome : worst),
    'allow',
  );
}

export type AuditOptions = {
  /** Whether the rules apply to workloads too, and not only to the pods that they create. */
  readonly templates?: boolean;
  /** Called with the number of images that are evaluated. */
  readonly progress?: (done: number, all: number) => void;
};

export async function auditWorkloads(
  client: RegistryClient,
  policyContext: PolicyContext,
  workloads: readonly Workload[],
  { templates = true, progress = () => {} }: AuditOptions = {},
): Promise<AuditedWorkload[]> {
  const questions = new Map<string, Question>();
  const keys = workloads.map((workload) =>
    workload.images.map((image) => questionsOf({ image, workload, policyContext, templates }, questions)),
  );
  const answers = await evaluateAll(client, policyContext, questions, progress);
  return workloads.map((workload, index) => ({
    workload,
    images: workload.images.map((_, at) => worst((keys[index]?.[at] ?? []).flatMap((key) => answers.get(key) ?? []))),
  }));
}

type Question = { readonly image: string; readonly scope: Scope };

/**
 * The questions that the webhook will get: about the object itself, and about the pods that it
 * creates. Where the same rules apply to both it is one question.
 * @param questions receives them
 * @returns their keys
 */
function questionsOf(
  {
    image,
    workload: { kind, namespace },
    policyContext: { config },
    templates,
  }: {
    readonly image: string;
    readonly workload: Workload;
    readonly policyContext: PolicyContext;
    readonly templates: boolean;
  },
  questions: Map<string, Question>,
): string[] {
  const reference = parseReference(image);
  const keys = [...new Set([...(templates ? [kind] : []), 'Pod'])].map((of) => {
    const scope = { kind: of, namespace };
    const rules = reference instanceof Problem ? '' : applicableRulesKey(config, reference, scope, new Date());
    // The webhook writes digests into pods only.
    const key = `${image}\n${rules}\n${of === 'Pod'}`;
    questions.set(key, { image, scope });
    return key;
  });
  return [...new Set(keys)];
}

async function evaluateAll(
  client: RegistryClient,
  policyContext: PolicyContext,
  questions: ReadonlyMap<string, Question>,
  progress: (done: number, all: number) => void,
): Promise<Map<string, AuditedImage>> {
  const now = new Date();
  const parsed = [...questions].map(([key, { image, scope }]) => ({
    key,
    image,
    scope,
    reference: parseReference(image),
  }));
  const resolvable = parsed.flatMap(({ reference, scope }) => {
    if (reference instanceof Problem || reference.digest !== undefined) return [];
    return needsDigest(
      policyContext.config,
      reference,
      applicableRules(policyContext.config, reference, scope, now).rules,
    )
      ? [{ reference, scope }]
      : [];
  });
  const resolved = await resolveAllowed(client, resolvable, policyContext);
  let done = 0;
  const answers = await Promise.all(
    parsed.map(async ({ key, image, scope, reference }): Promise<[string, AuditedImage]> => {
      if (reference instanceof Problem) return [key, { image, decision: invalid(reference) }];
      const known =
        reference.digest === undefined
          ? (resolved.get(printReference(reference)) ?? new Problem('refused', 'no rule needs its digest'))
          : { reference, digest: reference.digest, from: 'lock' as const, at: now.toISOString() };
      const digest = known instanceof Problem ? undefined : known.digest;
      // Where a rule says `resolve`, the webhook writes the digest into the pod before it decides.
      const writes =
        scope.kind === 'Pod' &&
        applicableRules(policyContext.config, reference, scope, now).rules.some((rule) => rule.digest === 'resolve');
      const subject = writes && digest !== undefined ? withDigest(reference, digest) : reference;
      const { decision } = await evaluateImage({ client, reference: subject, resolved: known, policyContext, scope });
      progress(++done, parsed.length);
      return [key, { image, decision, ...(digest !== undefined && { digest }) }];
    }),
  );
  return new Map(answers);
}

function worst(results: readonly AuditedImage[]): AuditedImage {
  return results.reduce((a, b) => (RANK[b.decision.outcome] > RANK[a.decision.outcome] ? b : a));
}

function invalid(problem: Problem): Decision {
  const reason = `not a valid image reference: ${problem.message}`;
  return { outcome: 'deny', results: [{ rule: '(form)', ok: false, unchecked: false, reason }] };
}
