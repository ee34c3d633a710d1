// Decides whether an object is admitted, by the same rules, code and messages as in CI. Images that
// were there before pass without I/O. New images are evaluated, each one once.

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
  /**
   * Credentials and tag leases for the registries of this object; called only if an image needs
   * evaluation.
   */
  readonly registryAccess: (
    request: Pick<AdmissionRequest, 'namespace' | 'object'>,
  ) => RegistryAccess | Promise<RegistryAccess>;
  /** Tags resolve from the lock alone. No registry is asked for their digests. */
  readonly locked: boolean;
  /**
   * How to treat objects that only make pods. Git owns them, and their pods are reviewed
   * themselves.
   */
  readonly templates: 'enforce' | 'warn' | 'ignore';
  /** Finds a bypass in force for this image in this namespace. */
  readonly bypass?: (namespace: string, reference: Reference) => Bypass | undefined;
};

/** The decision on one image, for the log. */
export type ImageDecision = {
  readonly image: string;
  readonly digest?: string;
  readonly decision: Decision;
  readonly evidence?: Evidence;
  readonly bypass?: Bypass;
};
export type Admission = { readonly answer: AdmissionResponse; readonly decisions: readonly ImageDecision[] };

const ALLOWED: Admission = { answer: { allowed: true }, decisions: [] };
type Step = 'mutate' | 'validate';

/**
 * @param step `mutate` writes digests into pods; `validate` decides on the object as it will be
 * stored (T13)
 */
export async function admit(config: AdmissionConfig, step: Step, request: AdmissionRequest): Promise<Admission> {
  const { operation, object, oldObject, kind } = request;
  if (operation === 'DELETE' || operation === 'CONNECT' || object === null || object === undefined) return ALLOWED;
  const isPod = kind.group === '' && kind.kind === 'Pod';
  if (!isPod && (config.templates === 'ignore' || step === 'mutate')) return ALLOWED;
  const fields = config.policyContext.config.find.fields;
  const before = operation === 'UPDATE' && oldObject ? imagesOf(typed(oldObject, request), fields) : [];
  const changed = changedImages(imagesOf(typed(object, request), fields), before);
  if (changed.length === 0) return ALLOWED;
  const scope: Scope = { kind: kind.kind, ...(request.namespace !== '' && { namespace: request.namespace }) };
  // A thousand containers with one image need one evaluation (T42).
  const groups = [...Map.groupBy(changed, ({ image }) => image)];
  const results = await Promise.all(
    groups.map(([image, places]) => decideImage(config, { step, request, scope, isPod }, image, places)),
  );
  return answerOf(results, isPod || config.templates === 'enforce', step);
}

/** An object inside a review may lack apiVersion and kind. */
function typed(object: KubeObject, { kind }: AdmissionRequest): KubeObject {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return { apiVersion, kind: kind.kind, ...object };
}

type ImageResult = ImageDecision & {
  readonly patch: readonly Operation[];
  /** A rule could not be checked; the reason is in the log only (T54). */
  readonly unchecked: boolean;
  readonly leftAt?: string;
};
type ReviewContext = {
  readonly step: Step;
  readonly request: AdmissionRequest;
  readonly scope: Scope;
  readonly isPod: boolean;
};

async function decideImage(
  config: AdmissionConfig,
  reviewContext: ReviewContext,
  image: string,
  places: readonly ImageField[],
): Promise<ImageResult> {
  const { step, request, scope, isPod } = reviewContext;
  const reference = parseReference(image);
  if (reference instanceof Problem) return refused(image, `not a valid image reference (T5): ${reference.message}`);
  // A bypass applies before any request to a registry, because the registry may be what is broken.
  const bypass = config.bypass?.(request.namespace, reference);
  if (bypass !== undefined) return bypassed(image, bypass);
  const { policyContext } = config;
  const { rules } = applicableRules(policyContext.config, reference, scope, new Date());
  const resolves = rules.some(({ digest }) => digest === 'resolve');
  if (config.locked && reference.digest === undefined && resolves && !policyContext.lock.has(tagKey(reference)))
    return refused(image, 'its tag is not in the lock of this cluster: run tagproof pin and roll out the lock');
  const registryAccess = await config.registryAccess(request);
  const resolution = await digestOf(config, { leases: registryAccess.leases, reference, rules, scope });
  const pinned =
    !(resolution instanceof Problem) && reference.digest === undefined
      ? withDigest(reference, resolution.digest)
      : undefined;
  // The digest is written only if a rule says `resolve`; `required` demands that the object already
  // has it.
  const subject = pinned !== undefined && resolves && step === 'mutate' ? pinned : reference;
  const evaluation: Evaluation = await evaluateImage({
    client: registryAccess.client,
    reference: subject,
    resolved: resolution,
    policyContext,
    scope,
    tagOf: (tagged) => registryAccess.leases.digestOf(tagged),
  });
  const { decision, evidence } = evaluation;
  // After the mutating step a pod has its digests. A tag that is still there was added by a later
  // webhook (T13).
  if (isPod && step === 'validate' && pinned !== undefined && resolves && decision.outcome !== 'deny')
    return refused(image, 'has no digest: it was added after tagproof wrote the digests into this pod');
  const patch =
    subject === pinned && decision.outcome !== 'deny'
      ? places.map(({ pointer }): Operation => ({ op: 'replace', path: pointer, value: subject.text }))
      : [];
  return {
    image,
    ...(!(resolution instanceof Problem) && { digest: resolution.digest }),
    ...(!(resolution instanceof Problem) && resolution.leftAt !== undefined && { leftAt: resolution.leftAt }),
    ...(evidence !== undefined && { evidence }),
    decision,
    patch,
    unchecked: isUnchecked(decision),
  };
}

type TagQuestion = {
  readonly leases: RegistryAccess['leases'];
  readonly reference: Reference;
  readonly rules: readonly Rule[];
  readonly scope: Scope;
};

async function digestOf(
  { policyContext, locked }: AdmissionConfig,
  { leases, reference, rules, scope }: TagQuestion,
): Promise<Resolution> {
  const forbidden = forbiddenRegistry(reference, policyContext.config, scope, new Date());
  if (forbidden !== undefined) return new Problem('refused', forbidden, { image: reference.text });
  if (reference.digest !== undefined)
    return { reference, digest: reference.digest, from: 'lock', at: new Date().toISOString() };
  const entry = locked ? policyContext.lock.get(tagKey(reference)) : undefined;
  if (entry !== undefined) return { reference, digest: entry.digest, from: 'lock', at: entry.firstSeen };
  // No request leaves for an image whose digest no rule needs.
  return needsDigest(policyContext.config, reference, rules)
    ? leases.digestOf(reference)
    : new Problem('refused', 'no rule needs its digest');
}

function refused(image: string, reason: string): ImageResult {
  const decision: Decision = { outcome: 'deny', results: [{ rule: '(form)', ok: false, unchecked: false, reason }] };
  return { image, decision, patch: [], unchecked: false };
}

function bypassed(image: string, bypass: Bypass): ImageResult {
  const until = new Date(bypass.until).toISOString();
  const reason = `not checked: bypass '${bypass.name}' until ${until}: ${bypass.reason}`;
  const decision: Decision = {
    outcome: 'warn',
    results: [{ rule: '(bypass)', ok: false, unchecked: false, reason }],
  };
  return { image, decision, bypass, patch: [], unchecked: false };
}

/**
 * @param enforced if false, denials become warnings: the object only makes pods, and its pods are
 * reviewed
 */
function answerOf(results: readonly ImageResult[], enforced: boolean, step: Step): Admission {
  const decisions = results.map(
    ({ patch: _, unchecked: __, leftAt: ___, ...imageDecision }): ImageDecision => imageDecision,
  );
  // Only the validating step reports violations, so each is reported once. The mutating step only
  // writes digests.
  if (step === 'mutate') {
    const returned = results.flatMap(({ image, leftAt }) => (leftAt === undefined ? [] : [tagReturned(image, leftAt)]));
    const patch = results.flatMap((item) => item.patch);
    return { decisions, answer: { allowed: true, patch, ...(returned.length > 0 && { warnings: returned }) } };
  }
  const denied = results.filter(({ decision }) => decision.outcome === 'deny');
  const warned = results.filter(({ decision }) => decision.outcome === 'warn');
  const reported = [...warned, ...(enforced ? [] : denied)];
  const details = reported.length === 0 ? [] : [`tagproof: for details run tagproof verify ${reported[0]?.image}`];
  const warnings = [...reported.map((item) => `tagproof: ${sentence(item)}`), ...details];
  if (!enforced || denied.length === 0)
    return { decisions, answer: { allowed: true, ...(warnings.length > 0 && { warnings }) } };
  const reasons = denied.map(sentence).join(' | ');
  const message = `tagproof denies this: ${reasons}. For details run tagproof verify ${denied[0]?.image}`;
  return { decisions, answer: { allowed: false, message, warnings } };
}

/** Only the mutating step still sees the tag as it was sent (T7). */
const tagReturned = (image: string, leftAt: string) =>
  `tagproof: ${image}: the tag returned to a digest that it had left at ${leftAt}`;

/**
 * The reason for the user who sent the object. A registry's answer about an image that could not be
 * read stays in our log: the image may be private, and the answer would tell a stranger that it
 * exists (T54).
 */
function sentence({ image, decision, unchecked: open }: ImageResult): string {
  const failed = decision.results.filter(({ ok }) => !ok);
  const reasons = failed.map(({ rule, reason, unchecked }) =>
    unchecked ? `rule '${rule}': could not be checked` : `rule '${rule}': ${reason}`,
  );
  return `${image}: ${[...new Set(reasons)].join('; ')}${open ? ' (the log of tagproof has the reason)' : ''}`;
}
