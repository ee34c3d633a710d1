// The door: may this object in? The same rules, code and words as in CI. What was there before passes without a question; what is
// new is asked about, each image once.

import { type Bench, isOpen, type Judged, judgeImage } from '../evaluate/evaluate.ts';
import type { Decision, Evidence, Reference, Resolution, Setting } from '../flow.ts';
import { parseReference, tagKey, withDigest } from '../image/reference.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Rule } from '../policy/config.ts';
import { forbiddenRegistry } from '../policy/decide.ts';
import { needsDigest, speakingFor } from '../policy/match.ts';
import { Problem } from '../problem.ts';
import { changedImages, type ImageField, imagesOf } from '../source/object.ts';
import type { Bypass } from './bypass.ts';
import type { Reach } from './pull-secrets.ts';
import type { Answer, Operation, Request } from './review.ts';

export type Door = {
  readonly bench: Bench;
  /** How the registries of this object are reached; called only when something is asked. */
  readonly reach: (request: Pick<Request, 'namespace' | 'object'>) => Reach | Promise<Reach>;
  /** Tags mean what this lock says, and nothing else: no registry is asked what they are. */
  readonly locked: boolean;
  /** What objects are held to that only make pods: Git owns them, and the pods will be asked themselves. */
  readonly templates: 'enforce' | 'warn' | 'ignore';
  /** A bypass in force for this image in this namespace. */
  readonly bypass?: (namespace: string, reference: Reference) => Bypass | undefined;
};

/** What was decided about one image, for the log. */
export type Ruling = {
  readonly image: string;
  readonly digest?: string;
  readonly decision: Decision;
  readonly evidence?: Evidence;
  readonly bypass?: Bypass;
};
export type Admission = { readonly answer: Answer; readonly rulings: readonly Ruling[] };

const PASS: Admission = { answer: { allowed: true }, rulings: [] };
type Step = 'mutate' | 'validate';

/** @param step `mutate`: writes digests into pods; `validate`: decides on the object as it will be stored (T13) */
export async function admit(door: Door, step: Step, request: Request): Promise<Admission> {
  const { operation, object, oldObject, kind } = request;
  if (operation === 'DELETE' || operation === 'CONNECT' || object === null || object === undefined) return PASS;
  const isPod = kind.group === '' && kind.kind === 'Pod';
  if (!isPod && (door.templates === 'ignore' || step === 'mutate')) return PASS;
  const fields = door.bench.config.find.fields;
  const before = operation === 'UPDATE' && oldObject ? imagesOf(typed(oldObject, request), fields) : [];
  const changed = changedImages(imagesOf(typed(object, request), fields), before);
  if (changed.length === 0) return PASS;
  const setting: Setting = { kind: kind.kind, ...(request.namespace !== '' && { namespace: request.namespace }) };
  const groups = [...Map.groupBy(changed, ({ image }) => image)]; // a thousand containers, one image: one question (T42)
  const asked = await Promise.all(
    groups.map(([image, places]) => ask(door, { step, request, setting, isPod }, image, places)),
  );
  return answerOf(asked, isPod || door.templates === 'enforce', step);
}

/** A template inside a review may lack what says its kind. */
function typed(object: KubeObject, { kind }: Request): KubeObject {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return { apiVersion, kind: kind.kind, ...object };
}

type Asked = Ruling & { readonly patch: readonly Operation[]; readonly open: boolean; readonly leftAt?: string };
type Occasion = { readonly step: Step; readonly request: Request; readonly setting: Setting; readonly isPod: boolean };

async function ask(door: Door, occasion: Occasion, image: string, places: readonly ImageField[]): Promise<Asked> {
  const { step, request, setting, isPod } = occasion;
  const reference = parseReference(image);
  if (reference instanceof Problem) return refused(image, `not a valid image reference (T5): ${reference.message}`);
  // An emergency asks nobody: registries may be what is broken.
  const bypass = door.bypass?.(request.namespace, reference);
  if (bypass !== undefined) return bypassed(image, bypass);
  const { bench } = door;
  const { rules } = speakingFor(bench.config, reference, setting, new Date());
  const resolves = rules.some(({ digest }) => digest === 'resolve');
  if (door.locked && reference.digest === undefined && resolves && !bench.lock.has(tagKey(reference)))
    return refused(
      image,
      'its tag is not in the lock that this cluster was given: run tagproof pin and roll the lock out',
    );
  const reach = await door.reach(request);
  const answer = await digestOf(door, reach, reference, rules, setting);
  const pinned =
    !(answer instanceof Problem) && reference.digest === undefined ? withDigest(reference, answer.digest) : undefined;
  // The digest is written only where a rule says so; `required` means that it must stand there already.
  const subject = pinned !== undefined && resolves && step === 'mutate' ? pinned : reference;
  const judged: Judged = await judgeImage(reach.client, subject, answer, bench, setting, (tagged) =>
    reach.leases.digestOf(tagged),
  );
  const { decision, evidence } = judged;
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
    open: isOpen(decision),
  };
}

async function digestOf(
  { bench, locked }: Door,
  { leases }: Reach,
  reference: Reference,
  rules: readonly Rule[],
  setting: Setting,
): Promise<Resolution> {
  const forbidden = forbiddenRegistry(reference, bench.config, setting);
  if (forbidden !== undefined) return new Problem('refused', forbidden, { image: reference.text });
  if (reference.digest !== undefined)
    return { reference, digest: reference.digest, from: 'lock', at: new Date().toISOString() };
  const entry = locked ? bench.lock.get(tagKey(reference)) : undefined;
  if (entry !== undefined) return { reference, digest: entry.digest, from: 'lock', at: entry.firstSeen };
  // No byte goes out for an image that no rule asks anything about.
  return needsDigest(bench.config, reference, rules)
    ? leases.digestOf(reference)
    : new Problem('refused', 'no rule asks for its digest');
}

function refused(image: string, reason: string): Asked {
  const decision: Decision = { outcome: 'deny', judgements: [{ rule: '(form)', ok: false, unchecked: false, reason }] };
  return { image, decision, patch: [], open: false };
}

function bypassed(image: string, bypass: Bypass): Asked {
  const until = new Date(bypass.until).toISOString();
  const reason = `not checked: bypass '${bypass.name}' until ${until}: ${bypass.reason}`;
  const decision: Decision = {
    outcome: 'warn',
    judgements: [{ rule: '(bypass)', ok: false, unchecked: false, reason }],
  };
  return { image, decision, bypass, patch: [], open: false };
}

/** @param enforced else objections are warnings: the object only makes pods, and those will be asked */
function answerOf(asked: readonly Asked[], enforced: boolean, step: Step): Admission {
  const rulings = asked.map(({ patch: _, open: __, leftAt: ___, ...ruling }): Ruling => ruling);
  // Each image is objected to once, by the step that decides; the first one only writes digests.
  if (step === 'mutate') {
    const back = asked.flatMap(({ image, leftAt }) => (leftAt === undefined ? [] : [cameBack(image, leftAt)]));
    const patch = asked.flatMap((item) => item.patch);
    return { rulings, answer: { allowed: true, patch, ...(back.length > 0 && { warnings: back }) } };
  }
  const denied = asked.filter(({ decision }) => decision.outcome === 'deny');
  const warned = asked.filter(({ decision }) => decision.outcome === 'warn');
  const objected = [...warned, ...(enforced ? [] : denied)];
  const more = objected.length === 0 ? [] : [`tagproof: more: tagproof verify ${objected[0]?.image}`];
  const objections = [...objected.map((item) => `tagproof: ${sentence(item)}`), ...more];
  if (!enforced || denied.length === 0)
    return { rulings, answer: { allowed: true, ...(objections.length > 0 && { warnings: objections }) } };
  const message = `tagproof denies this: ${denied.map(sentence).join(' | ')}. More: tagproof verify ${denied[0]?.image}`;
  return { rulings, answer: { allowed: false, message, warnings: objections } };
}

/** Only the mutating step still sees the tag as it was sent (T7). */
const cameBack = (image: string, leftAt: string) =>
  `tagproof: ${image}: the tag went back to a digest that it had left at ${leftAt}`;

/**
 * Why, for whoever sent the object. What a registry said about an image that could not be read stays in our log: it may be
 * private, and the answer would tell a stranger that it is there (T54).
 */
function sentence({ image, decision, open }: Asked): string {
  const failed = decision.judgements.filter(({ ok }) => !ok);
  const told = failed.map(({ rule, reason, unchecked }) =>
    unchecked ? `rule '${rule}': could not be checked` : `rule '${rule}': ${reason}`,
  );
  return `${image}: ${[...new Set(told)].join('; ')}${open ? ' (the log of tagproof says why)' : ''}`;
}
