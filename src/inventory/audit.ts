// Everything that exists before the policy, each image asked about once: what would be let in again today, and what would not.

import { type Bench, judgeImage, resolveAllowed } from '../evaluate/evaluate.ts';
import type { Decision, Setting } from '../flow.ts';
import { parseReference, printReference, withDigest } from '../image/reference.ts';
import { needsDigest, speakersOf, speakingFor } from '../policy/match.ts';
import { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Workload } from './workloads.ts';

export type Judgement = {
  readonly image: string;
  readonly digest?: string;
  readonly decision: Decision;
};
export type Surveyed = { readonly workload: Workload; readonly images: readonly Judgement[] };

export type Outcome = Decision['outcome'];
const RANK: Record<Outcome, number> = { allow: 0, warn: 1, deny: 2 };

/** The worst of its images: a pod is let in whole or not at all. */
export function outcomeOf({ images }: Surveyed): Outcome {
  return images.reduce<Outcome>(
    (worst, { decision: { outcome } }) => (RANK[outcome] > RANK[worst] ? outcome : worst),
    'allow',
  );
}

export type SurveyOptions = {
  /** Objects that only make pods are held to the rules too, not the pods alone. */
  readonly templates?: boolean;
  /** Told the count of images that are done. */
  readonly progress?: (done: number, all: number) => void;
};

export async function survey(
  client: RegistryClient,
  bench: Bench,
  workloads: readonly Workload[],
  { templates = true, progress = () => {} }: SurveyOptions = {},
): Promise<Surveyed[]> {
  const questions = new Map<string, { image: string; setting: Setting }>();
  const keys = workloads.map((workload) =>
    workload.images.map((image) => keysOf(image, workload, bench, questions, templates)),
  );
  const answers = await judgeAll(client, bench, questions, progress);
  return workloads.map((workload, index) => ({
    workload,
    images: workload.images.map((_, at) => worst((keys[index]?.[at] ?? []).flatMap((key) => answers.get(key) ?? []))),
  }));
}

/** As the webhook will be asked: about the object itself, and about the pods that it makes. Where the same rules speak it is one question. */
function keysOf(
  image: string,
  { kind, namespace }: Workload,
  { config }: Bench,
  questions: Map<string, { image: string; setting: Setting }>,
  templates: boolean,
): string[] {
  const reference = parseReference(image);
  const keys = [...new Set([...(templates ? [kind] : []), 'Pod'])].map((of) => {
    const setting = { kind: of, namespace };
    const speakers = reference instanceof Problem ? '' : speakersOf(config, reference, setting);
    // Digests are written into pods only.
    const key = `${image}\n${speakers}\n${of === 'Pod'}`;
    questions.set(key, { image, setting });
    return key;
  });
  return [...new Set(keys)];
}

async function judgeAll(
  client: RegistryClient,
  bench: Bench,
  questions: ReadonlyMap<string, { image: string; setting: Setting }>,
  progress: (done: number, all: number) => void,
): Promise<Map<string, Judgement>> {
  const now = new Date();
  const parsed = [...questions].map(([key, { image, setting }]) => ({
    key,
    image,
    setting,
    reference: parseReference(image),
  }));
  const resolvable = parsed.flatMap(({ reference, setting }) => {
    if (reference instanceof Problem || reference.digest !== undefined) return [];
    return needsDigest(bench.config, reference, speakingFor(bench.config, reference, setting, now).rules)
      ? [{ reference, setting }]
      : [];
  });
  const resolved = await resolveAllowed(client, resolvable, bench);
  let done = 0;
  const answers = await Promise.all(
    parsed.map(async ({ key, image, setting, reference }): Promise<[string, Judgement]> => {
      if (reference instanceof Problem) return [key, { image, decision: invalid(reference) }];
      const known =
        reference.digest === undefined
          ? (resolved.get(printReference(reference)) ?? new Problem('refused', 'no rule asks for its digest'))
          : { reference, digest: reference.digest, from: 'lock' as const, at: now.toISOString() };
      const digest = known instanceof Problem ? undefined : known.digest;
      // The webhook writes digests into pods where a rule says resolve, before it decides.
      const writes =
        setting.kind === 'Pod' &&
        speakingFor(bench.config, reference, setting, now).rules.some((rule) => rule.digest === 'resolve');
      const subject = writes && digest !== undefined ? withDigest(reference, digest) : reference;
      const { decision } = await judgeImage(client, subject, known, bench, setting);
      progress(++done, parsed.length);
      return [key, { image, decision, ...(digest !== undefined && { digest }) }];
    }),
  );
  return new Map(answers);
}

function worst(judgements: readonly Judgement[]): Judgement {
  return judgements.reduce((a, b) => (RANK[b.decision.outcome] > RANK[a.decision.outcome] ? b : a));
}

function invalid(problem: Problem): Decision {
  const reason = `not a valid image reference: ${problem.message}`;
  return { outcome: 'deny', judgements: [{ rule: '(form)', ok: false, unchecked: false, reason }] };
}
