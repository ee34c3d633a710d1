// The door: may this object in? The same rules, code and words as in CI. What was there before passes without a question; what is
// new is asked about, each image once.

import { type Evaluation, evaluateImage, type PolicyContext } from '../evaluate/evaluate.ts';
import type { Decision, Evidence, Reference, Resolution, Scope } from '../flow.ts';
import { parseReference, tagKey, withDigest } from '../image/reference.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Rule } from '../policy/config.ts';
import { forbiddenRegistry } from '../policy/decide.ts';
import { isUnchecked } from '../policy/decision.ts';
import { applicableRules, needsDigest } from '../policy/match.ts';
import { Problem } from '../problem.ts';
import { changedImages, type ImageField, imagesOf } from '../source/object.ts';
import type { Bypass } from './bypass.ts';
import type { RegistryAccess } from './pull-secrets.ts';
import type { AdmissionRequest, AdmissionResponse, Operation } from './review.ts';

export type AdmissionConfig = {
  readonly policyContext: PolicyContext;
  /** How the registries of this object are reached; called only when something is asked. */
  readonly registryAccess: (
    request: Pick<AdmissionRequest, 'namespace' | 'object'>,
  ) => RegistryAccess | Promise<RegistryAccess>;
  /** Tags mean what this lock says, and nothing else: no registry is asked what they are. */
  readonly locked: boolean;
  /** What objects are held to that only make pods: Git owns them, and the pods will be asked themselves. */
  readonly templates: 'enforce' | 'warn' | 'ignore';
  /** A bypass in force for this image in this namespace. */
  readonly bypass?: (namespace: string, reference: Reference) => Bypass | undefined;
};

/** What was decided about one image, for the log. */
export type ImageDecision = {
  readonly image: string;
  readonly digest?: string;
  readonly decision: Decision;
  readonly evidence?: Evidence;
  readonly bypass?: Bypass;
};
export type Admission = { readonly answer: AdmissionResponse; readonly decisions: readonly ImageDecision[] };

const PASS: Admission = { answer: { allowed: true }, decisions: [] };
type Step = 'mutate' | 'validate';

/** @param step `mutate`: writes digests into pods; `validate`: decides on the object as it will be stored (T13) */
export async function admit(config: AdmissionConfig, step: Step, request: AdmissionRequest): Promise<Admission> {
  const { operation, object, oldObject, kind } = request;
  if (operation === 'DELETE' || operation === 'CONNECT' || object === null || object === undefined) return PASS;
  const isPod = kind.group === '' && kind.kind === 'Pod';
  if (!isPod && (config.templates === 'ignore' || step === 'mutate')) return PASS;
  const fields = config.policyContext.config.find.fields;
  const before = operation === 'UPDATE' && oldObject ? imagesOf(typed(oldObject, request), fields) : [];
  const changed = changedImages(imagesOf(typed(object, request), fields), before);
  if (changed.length === 0) return PASS;
  const scope: Scope = { kind: kind.kind, ...(request.namespace !== '' && { namespace: request.namespace }) };
  const groups = [...Map.groupBy(changed, ({ image }) => image)]; // a thousand containers, one image: one question (T42)
  const asked = await Promise.all(
    groups.map(([image, places]) => ask(config, { step, request, scope, isPod }, image, places)),
  );
  return answerOf(asked, isPod || config.templates === 'enforce', step);
}

/** A template inside a review may lack what says its kind. */
function typed(object: KubeObject, { kind }: AdmissionRequest): KubeObject {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return { apiVersion, kind: kind.kind, ...object };
}

type Answered = ImageDecision & {
  readonly patch: readonly Operation[];
  readonly open: boolean;
  readonly leftAt?: string;
};
type ReviewContext = {
  readonly step: Step;
  readonly request: AdmissionRequest;
  readonly scope: Scope;
  readonly isPod: boolean;
};

async function ask(
  config: AdmissionConfig,
  reviewContext: ReviewContext,
  image: string,
  places: readonly ImageField[],
): Promise<Answered> {
  const { step, request, scope, isPod } = reviewContext;
  const reference = parseReference(image);
  if (reference instanceof Problem) return refused(image, `not a valid image reference (T5): ${reference.message}`);
  // An emergency asks nobody: registries may be what is broken.
  const bypass = config.bypass?.(request.namespace, reference);
  if (bypass !== undefined) return bypassed(image, bypass);
  const { policyContext } = config;
  const { rules } = applicableRules(policyContext.config, reference, scope, new Date());
  const resolves = rules.some(({ digest }) => digest === 'resolve');
  if (config.locked && reference.digest === undefined && resolves && !policyContext.lock.has(tagKey(reference)))
    return refused(
      image,
      'its tag is not in the lock that this cluster was given: run tagproof pin and roll the lock out',
    );
  const registryAccess = await config.registryAccess(request);
  const answer = await digestOf(config, registryAccess, reference, rules, scope);
  const pinned =
    !(answer instanceof Problem) && reference.digest === undefined ? withDigest(reference, answer.digest) : undefined;
  // The digest is written only where a rule says so; `required` means that it must stand there already.
  const subject = pinned !== undefined && resolves && step === 'mutate' ? pinned : reference;
  const evaluation: Evaluation = await evaluateImage({
    client: registryAccess.client,
    reference: subject,
    resolved: answer,
    policyContext,
    scope,
    tagOf: (tagged) => registryAccess.leases.digestOf(tagged),
  });
  const { decision, evidence } = evaluation;
  // After the mutating step a pod has its digests: a tag that is still there, and would pass, came in behind our back (T13).
  if (isPod && step === 'validate' && pinned !== undefined && resolves && decision.outcome !== 'deny')
    return refused(image, 'names no digest: it was put there after tagproof had written digests into this pod');
  const patch =
    subject === pinned && decision.outcome !== 'deny'
      ? places.map(({ pointer }): Operation => ({ op: 'replace', path: pointer, value: subject.text }))
      : [];
  return {
    image,
    ...(!(answer instanceof Problem) && { digest: answer.digest }),
    ...(!(answer instanceof Problem) && answer.leftAt !== undefined && { leftAt: answer.leftAt }),
    ...(evidence !== undefined && { evidence }),
    decision,
    patch,
    open: isUnchecked(decision),
  };
}

async function digestOf(
  { policyContext, locked }: AdmissionConfig,
  { leases }: RegistryAccess,
  reference: Reference,
  rules: readonly Rule[],
  scope: Scope,
): Promise<Resolution> {
  const forbidden = forbiddenRegistry(reference, policyContext.config, scope, new Date());
  if (forbidden !== undefined) return new Problem('refused', forbidden, { image: reference.text });
  if (reference.digest !== undefined)
    return { reference, digest: reference.digest, from: 'lock', at: new Date().toISOString() };
  const entry = locked ? policyContext.lock.get(tagKey(reference)) : undefined;
  if (entry !== undefined) return { reference, digest: entry.digest, from: 'lock', at: entry.firstSeen };
  // No byte goes out for an image that no rule asks anything about.
  return needsDigest(policyContext.config, reference, rules)
    ? leases.digestOf(reference)
    : new Problem('refused', 'no rule asks for its digest');
}

function refused(image: string, reason: string): Answered {
  const decision: Decision = { outcome: 'deny', results: [{ rule: '(form)', ok: false, unchecked: false, reason }] };
  return { image, decision, patch: [], open: false };
}

function bypassed(image: string, bypass: Bypass): Answered {
  const until = new Date(bypass.until).toISOString();
  const reason = `not checked: bypass '${bypass.name}' until ${until}: ${bypass.reason}`;
  const decision: Decision = {
    outcome: 'warn',
    results: [{ rule: '(bypass)', ok: false, unchecked: false, reason }],
  };
  return { image, decision, bypass, patch: [], open: false };
}

/** @param enforced else objections are warnings: the object only makes pods, and those will be asked */
function answerOf(asked: readonly Answered[], enforced: boolean, step: Step): Admission {
  const decisions = asked.map(({ patch: _, open: __, leftAt: ___, ...imageDecision }): ImageDecision => imageDecision);
  // Each image is objected to once, by the step that decides; the first one only writes digests.
  if (step === 'mutate') {
    const back = asked.flatMap(({ image, leftAt }) => (leftAt === undefined ? [] : [cameBack(image, leftAt)]));
    const patch = asked.flatMap((item) => item.patch);
    return { decisions, answer: { allowed: true, patch, ...(back.length > 0 && { warnings: back }) } };
  }
  const denied = asked.filter(({ decision }) => decision.outcome === 'deny');
  const warned = asked.filter(({ decision }) => decision.outcome === 'warn');
  const objected = [...warned, ...(enforced ? [] : denied)];
  const more = objected.length === 0 ? [] : [`tagproof: more: tagproof verify ${objected[0]?.image}`];
  const objections = [...objected.map((item) => `tagproof: ${sentence(item)}`), ...more];
  if (!enforced || denied.length === 0)
    return { decisions, answer: { allowed: true, ...(objections.length > 0 && { warnings: objections }) } };
  const message = `tagproof denies this: ${denied.map(sentence).join(' | ')}. More: tagproof verify ${denied[0]?.image}`;
  return { decisions, answer: { allowed: false, message, warnings: objections } };
}

/** Only the mutating step still sees the tag as it was sent (T7). */
const cameBack = (image: string, leftAt: string) =>
  `tagproof: ${image}: the tag went back to a digest that it had left at ${leftAt}`;

/**
 * Why, for whoever sent the object. What a registry said about an image that could not be read stays in our log: it may be
 * private, and the answer would tell a stranger that it is there (T54).
 */
function sentence({ image, decision, open }: Answered): string {
  const failed = decision.results.filter(({ ok }) => !ok);
  const told = failed.map(({ rule, reason, unchecked }) =>
    unchecked ? `rule '${rule}': could not be checked` : `rule '${rule}': ${reason}`,
  );
  return `${image}: ${[...new Set(told)].join('; ')}${open ? ' (the log of tagproof says why)' : ''}`;
}
