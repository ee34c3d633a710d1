// What is deployed, by what is known at this moment: each cell with its source and its age. Pure.

import type { Evaluation } from '../evaluate/evaluate.ts';
import type { Reference } from '../flow.ts';
import { parseReference, repositoryOf, tagKey, withDigest, withoutDigest } from '../image/reference.ts';
import type { Hold } from '../ledger/statements.ts';
import { isUnchecked, objections } from '../policy/decision.ts';
import { Problem } from '../problem.ts';
import { type ImageClosure, type ImageIdentity, identify, namesRepository } from './image-identity.ts';
import type { Row, Running } from './inventory.ts';

/** As the ledger and its polls name it: a tag, or a digest in its place. */
export const pollKey = (reference: Reference): string =>
  reference.digest === undefined ? tagKey(reference) : `${repositoryOf(reference)}:${reference.digest}`;

/** What is known of a tag, or of a digest: whether it is served. */
export type TagState = {
  /** Null: it is gone; undefined: nobody has looked yet. */
  readonly digest: string | null | undefined;
  /** Since when, as far as it was seen; milliseconds since 1970. */
  readonly since: number;
  /** When somebody last looked and was answered; null: never. */
  readonly checked: number | null;
  /** Why the last look told nothing. */
  readonly failure: string | null;
};

/** What the policy says of a digest. `open`: it could not be checked. Times in milliseconds since 1970. */
export type EvidenceSummary = {
  readonly outcome: 'allow' | 'warn' | 'deny' | 'open';
  readonly signers: readonly string[];
  readonly reason: string;
  readonly checked: number;
  /** Since when it says so. */
  readonly since: number;
};

/** One digest that runs, and all that is known of it; null: nobody has looked, or nobody can. */
export type RunningImage = Running & {
  readonly identity: ImageIdentity;
  readonly evidence: EvidenceSummary | null;
  /** Whether a node could pull it again: the digest that would be asked for, and the last answer. */
  readonly pullable: {
    readonly digest: string;
    readonly served: boolean | null;
    readonly checked: number | null;
  } | null;
  /** It was said that this must never run again, and why. */
  readonly blocked: string | null;
};

export type DeployedContainer = Omit<Row, 'running'> & {
  readonly pinned: 'digest' | 'tag' | 'both' | 'invalid';
  readonly running: readonly RunningImage[];
  /** Of what is declared by a tag, or with one. */
  readonly tag: (TagState & { readonly name: string }) | undefined;
  /** Of the next pod: platforms of the nodes that this runs on which the image no longer has; null: not known. */
  readonly missingPlatforms: readonly string[] | null;
  readonly hold: Pick<Hold, 'digest' | 'reason' | 'by' | 'since'> | undefined;
};

/** Whatever can be asked about without waiting. */
export type Knowledge = {
  /** By `lookKey`. */
  readonly tagState: (key: string) => TagState | undefined;
  readonly closure: (digest: string) => ImageClosure | undefined;
  readonly evidence: (reference: Reference, row: Row) => EvidenceSummary | undefined;
  readonly platform: (cluster: string, node: string) => string | undefined;
  readonly hold: (row: Row) => Hold | undefined;
  readonly blocked: (digest: string) => string | undefined;
};

export function deployedOf(rows: readonly Row[], known: Knowledge): DeployedContainer[] {
  return rows.map((row) => {
    const hold = known.hold(row);
    const declared = row.declared.map(parseReference);
    const states = declared.flatMap((reference) => {
      const tagged = reference instanceof Problem ? undefined : tagOf(reference);
      const state = tagged && known.tagState(pollKey(tagged));
      return tagged === undefined || state === undefined ? [] : [{ name: tagged.tag ?? '', ...tellable(state) }];
    });
    return {
      ...row,
      pinned: pinnedOf(declared),
      running: row.running.map((item) => runningImage(item, row, known)),
      // Of several, what a new pod could not even start from.
      tag: states.find(({ digest }) => digest === null) ?? states[0],
      missingPlatforms: missingPlatformsOf(row, declared, known),
      hold: hold && { digest: hold.digest, reason: hold.reason, by: hold.by, since: hold.since },
    };
  });
}

/** What its name says without a digest; undefined: it has none but the digest. */
export function tagOf(reference: Reference): Reference | undefined {
  if (reference.tag === undefined && reference.digest !== undefined) return undefined;
  return { ...withoutDigest(reference), tag: reference.tag ?? 'latest' };
}

/** The least that any of its pods declares. */
function pinnedOf(declared: readonly (Reference | Problem)[]): DeployedContainer['pinned'] {
  const kinds = declared.map((reference) => {
    if (reference instanceof Problem) return 'invalid';
    if (reference.digest === undefined) return 'tag';
    return reference.tag === undefined ? 'digest' : 'both';
  });
  return (['invalid', 'tag', 'digest'] as const).find((kind) => kinds.includes(kind)) ?? 'both';
}

function runningImage(item: Running, row: Row, known: Knowledge): RunningImage {
  const never = (item.digest && known.blocked(item.digest)) ?? null;
  const reference = parseReference(item.image);
  if (reference instanceof Problem) {
    const identity: ImageIdentity = { state: 'unknown', reason: 'not a valid reference' };
    return { ...item, identity, evidence: null, pullable: null, blocked: never };
  }
  const { identity, declared } = identityOf(item, reference, known);
  const image = pulledAs(item, identity, declared);
  if (image === undefined) return { ...item, identity, evidence: null, pullable: null, blocked: never };
  const pulled = withDigest(reference, image);
  const look = known.tagState(pollKey(pulled));
  const served = look?.digest === undefined ? null : look.digest !== null;
  return {
    ...item,
    identity,
    evidence: known.evidence(pulled, row) ?? null,
    pullable: { digest: image, served, checked: look?.checked ?? null },
    blocked: never,
  };
}

/** Only what may be told: the state is a living thing of the watcher's. */
const tellable = ({ digest, since, checked, failure }: TagState): TagState => ({ digest, since, checked, failure });

function identityOf(
  { digest: running, imageId }: Running,
  reference: Reference,
  known: Knowledge,
): { identity: ImageIdentity; declared: string | null | undefined } {
  const tagged = tagOf(reference);
  const state = reference.digest !== undefined || tagged === undefined ? undefined : known.tagState(pollKey(tagged));
  const declared = reference.digest ?? state?.digest;
  const unknown = (reason: string) => ({ identity: { state: 'unknown' as const, reason }, declared });
  if (running === undefined)
    return unknown(imageId === undefined ? 'its node has not said what runs' : `imageID '${imageId}' holds no digest`);
  if (declared === undefined) return unknown(state?.failure ?? 'its tag has not been looked at yet');
  if (declared === null) return unknown('its tag is gone');
  const closure = running === declared ? undefined : known.closure(declared);
  return { identity: identify(running, imageId ?? '', declared, closure, reference.digest !== undefined), declared };
}

/** The digest by which a node would pull it again: the declared one where this belongs to it, else its own, if that can be pulled at all. */
function pulledAs({ digest, imageId }: Running, identity: ImageIdentity, declared: string | null | undefined) {
  if (identity.state === 'exact' || identity.state === 'same') return declared ?? undefined;
  return digest !== undefined && imageId !== undefined && namesRepository(imageId) ? digest : undefined;
}

/** Of whatever the next pod could declare. Platforms of nodes have no variant; an image's `linux/arm/v7` serves `linux/arm`. */
function missingPlatformsOf(row: Row, declared: readonly (Reference | Problem)[], known: Knowledge): string[] | null {
  const nodes = new Set(row.running.flatMap(({ nodes: names }) => names));
  const needed = new Set([...nodes].flatMap((node) => known.platform(row.cluster, node) || []));
  const missing = new Set<string>();
  let open = needed.size === 0;
  for (const reference of declared) {
    const tagged = reference instanceof Problem ? undefined : tagOf(reference);
    const digest =
      reference instanceof Problem
        ? undefined
        : (reference.digest ?? (tagged && known.tagState(pollKey(tagged))?.digest));
    const members = typeof digest === 'string' ? known.closure(digest)?.members : undefined;
    const has = [...(members?.values() ?? [])].flatMap(({ platform }) => platform ?? []);
    if (has.length === 0) open = true;
    else
      for (const platform of needed)
        if (!has.some((own) => own === platform || own.startsWith(`${platform}/`))) missing.add(platform);
  }
  return missing.size > 0 ? [...missing] : open ? null : [];
}

const some = ({ running }: DeployedContainer, is: (seen: RunningImage) => boolean) => running.some(is);

/** The questions of the header, as filters. What is not known is never taken for fine. */
export const FILTERS = {
  unpinned: ({ pinned }: DeployedContainer) => pinned === 'tag' || pinned === 'invalid',
  moved: (row: DeployedContainer) => some(row, ({ identity }) => identity.state === 'moved'),
  /** That a policy lets it in is not enough: somebody must have signed. */
  unverified: (row: DeployedContainer) =>
    row.running.length === 0 ||
    some(row, ({ evidence }) => evidence?.outcome !== 'allow' || evidence.signers.length === 0),
  unrecoverable: (row: DeployedContainer) => some(row, ({ pullable }) => pullable?.served === false),
  mixed: ({ mixed }: DeployedContainer) => mixed,
  different: (row: DeployedContainer) =>
    some(row, ({ identity, blocked: never }) => identity.state === 'different' || never !== null),
  gone: ({ tag }: DeployedContainer) => tag?.digest === null,
  missingPlatform: ({ missingPlatforms }: DeployedContainer) =>
    missingPlatforms !== null && missingPlatforms.length > 0,
  held: ({ hold }: DeployedContainer) => hold !== undefined,
  unknown: (row: DeployedContainer) =>
    row.running.length === 0 || some(row, ({ identity }) => identity.state === 'unknown'),
} as const;
export type Filter = keyof typeof FILTERS;

/** Reasons are bounded: they are kept, and shown in a cell. */
const MAX_REASON = 500;

/** What a judgement says of a digest. */
export function summarizeEvaluation({
  decision,
  evidence,
}: Evaluation): Pick<EvidenceSummary, 'outcome' | 'signers' | 'reason'> {
  const outcome = isUnchecked(decision) ? 'open' : decision.outcome;
  const said = objections(decision) ?? decision.results.map(({ reason }) => reason).join('; ');
  return { outcome, signers: signersOf(evidence), reason: said.slice(0, MAX_REASON) };
}

/** `authority: identity` of everybody whose signature or statement was verified, sorted. */
export function signersOf(evidence: Evaluation['evidence']): string[] {
  const verdicts = [...(evidence?.verdicts ?? [])].flatMap(([name, verdict]) =>
    verdict.kind === 'verified' ? [`${name}: ${verdict.identity?.subject ?? verdict.by}`] : [],
  );
  const statements = (evidence?.attestations?.verified ?? []).map(
    ({ authority, identity, by }) => `${authority}: ${identity?.subject ?? by}`,
  );
  return [...new Set([...verdicts, ...statements])].sort();
}
