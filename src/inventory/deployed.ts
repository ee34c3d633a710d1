// The rows of what is deployed, from what is known at this moment: each fact with its source and
// its age. Pure.

import type { Evaluation } from '../evaluate/evaluate.ts';
import type { Reference } from '../flow.ts';
import { parseReference, repositoryOf, tagKey, withDigest, withoutDigest } from '../image/reference.ts';
import type { Hold } from '../ledger/statements.ts';
import { isUnchecked, objections } from '../policy/decision.ts';
import { Problem } from '../problem.ts';
import { type ImageClosure, type ImageIdentity, identify, namesRepository } from './image-identity.ts';
import type { Row, Running } from './inventory.ts';

/**
 * The name under which the ledger and its polls know it: a tag, or a digest in place of the tag.
 */
export const pollKey = (reference: Reference): string =>
  reference.digest === undefined ? tagKey(reference) : `${repositoryOf(reference)}:${reference.digest}`;

/** What is known about a tag; or about a digest, whether its registry serves it. */
export type TagState = {
  /** Null: it is gone. Undefined: not checked yet. */
  readonly digest: string | null | undefined;
  /** Since when, as far as observed. Milliseconds since 1970. */
  readonly since: number;
  /** The time of the last check that got an answer. Null: never. */
  readonly checked: number | null;
  /** Why the last check got no answer. */
  readonly failure: string | null;
};

/**
 * What the policy says about a digest. `open`: it could not be checked. Times in milliseconds since
 * 1970.
 */
export type EvidenceSummary = {
  readonly outcome: 'allow' | 'warn' | 'deny' | 'open';
  readonly signers: readonly string[];
  readonly reason: string;
  readonly checked: number;
  /** Since when the policy says this. */
  readonly since: number;
};

/**
 * One digest that runs, and all that is known about it. Null: not checked, or it cannot be checked.
 */
export type RunningImage = Running & {
  readonly identity: ImageIdentity;
  readonly evidence: EvidenceSummary | null;
  /**
   * Whether a node could pull it again: the digest that it would pull, and the last answer about
   * it.
   */
  readonly pullable: {
    readonly digest: string;
    readonly served: boolean | null;
    readonly checked: number | null;
  } | null;
  /** The reason why it must never run again. Null: it is not on the blocklist. */
  readonly blocked: string | null;
};

export type DeployedContainer = Omit<Row, 'running'> & {
  readonly pinned: 'digest' | 'tag' | 'both' | 'invalid';
  readonly running: readonly RunningImage[];
  /** The state of the declared tag, where there is one. */
  readonly tag: (TagState & { readonly name: string }) | undefined;
  /** Platforms of its nodes for which the next pod would find no image. Null: not known. */
  readonly missingPlatforms: readonly string[] | null;
  readonly hold: Pick<Hold, 'digest' | 'reason' | 'by' | 'since'> | undefined;
};

/** Facts that are available without waiting. */
export type Knowledge = {
  /** By `pollKey`. */
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
      return tagged === undefined || state === undefined ? [] : [{ name: tagged.tag ?? '', ...copyOf(state) }];
    });
    return {
      ...row,
      pinned: pinnedOf(declared),
      running: row.running.map((item) => runningImage(item, row, known)),
      // Of several tags, first the one from which a new pod could not start.
      tag: states.find(({ digest }) => digest === null) ?? states[0],
      missingPlatforms: missingPlatformsOf(row, declared, known),
      hold: hold && { digest: hold.digest, reason: hold.reason, by: hold.by, since: hold.since },
    };
  });
}

/** The tag of a reference without its digest. Undefined: it has only a digest. */
export function tagOf(reference: Reference): Reference | undefined {
  if (reference.tag === undefined && reference.digest !== undefined) return undefined;
  return { ...withoutDigest(reference), tag: reference.tag ?? 'latest' };
}

/** The weakest form that any of its pods declares. */
function pinnedOf(declared: readonly (Reference | Problem)[]): DeployedContainer['pinned'] {
  const kinds = declared.map((reference) => {
    if (reference instanceof Problem) return 'invalid';
    if (reference.digest === undefined) return 'tag';
    return reference.tag === undefined ? 'digest' : 'both';
  });
  return (['invalid', 'tag', 'digest'] as const).find((kind) => kinds.includes(kind)) ?? 'both';
}

function runningImage(item: Running, row: Row, known: Knowledge): RunningImage {
  const blocked = (item.digest && known.blocked(item.digest)) ?? null;
  const reference = parseReference(item.image);
  if (reference instanceof Problem) {
    const identity: ImageIdentity = { state: 'unknown', reason: 'not a valid reference' };
    return { ...item, identity, evidence: null, pullable: null, blocked };
  }
  const { identity, declared } = identityOf(item, reference, known);
  const image = pulledAs(item, identity, declared);
  if (image === undefined) return { ...item, identity, evidence: null, pullable: null, blocked };
  const pulled = withDigest(reference, image);
  const state = known.tagState(pollKey(pulled));
  const served = state?.digest === undefined ? null : state.digest !== null;
  return {
    ...item,
    identity,
    evidence: known.evidence(pulled, row) ?? null,
    pullable: { digest: image, served, checked: state?.checked ?? null },
    blocked,
  };
}

/** A copy of the public fields: the watcher changes its own state object, which has more fields. */
const copyOf = ({ digest, since, checked, failure }: TagState): TagState => ({ digest, since, checked, failure });

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
    return unknown(
      imageId === undefined ? 'its node has not reported an image yet' : `imageID '${imageId}' contains no digest`,
    );
  if (declared === undefined) return unknown(state?.failure ?? 'its tag was not checked yet');
  if (declared === null) return unknown('its tag is gone');
  const closure = running === declared ? undefined : known.closure(declared);
  const pinned = reference.digest !== undefined;
  return { identity: identify({ running, imageId: imageId ?? '', declared, closure, pinned }), declared };
}

/**
 * The digest that a node would pull to get it again: the declared one where what runs belongs to
 * it; else the running one, if that can be pulled at all.
 */
function pulledAs({ digest, imageId }: Running, identity: ImageIdentity, declared: string | null | undefined) {
  if (identity.state === 'exact' || identity.state === 'same') return declared ?? undefined;
  return digest !== undefined && imageId !== undefined && namesRepository(imageId) ? digest : undefined;
}

/**
 * For everything that the next pod could declare. Nodes report platforms without a variant, so an
 * image for `linux/arm/v7` counts for a node of `linux/arm`.
 */
function missingPlatformsOf(row: Row, declared: readonly (Reference | Problem)[], known: Knowledge): string[] | null {
  const nodes = new Set(row.running.flatMap(({ nodes: names }) => names));
  const needed = new Set([...nodes].flatMap((node) => known.platform(row.cluster, node) || []));
  const missing = new Set<string>();
  let unknown = needed.size === 0;
  for (const reference of declared) {
    const tagged = reference instanceof Problem ? undefined : tagOf(reference);
    const digest =
      reference instanceof Problem
        ? undefined
        : (reference.digest ?? (tagged && known.tagState(pollKey(tagged))?.digest));
    const members = typeof digest === 'string' ? known.closure(digest)?.members : undefined;
    const has = [...(members?.values() ?? [])].flatMap(({ platform }) => platform ?? []);
    if (has.length === 0) unknown = true;
    else
      for (const platform of needed)
        if (!has.some((item) => item === platform || item.startsWith(`${platform}/`))) missing.add(platform);
  }
  return missing.size > 0 ? [...missing] : unknown ? null : [];
}

const some = ({ running }: DeployedContainer, is: (image: RunningImage) => boolean) => running.some(is);

/** The counters of the dashboard's header, as filters. What is not known never counts as good. */
export const FILTERS = {
  unpinned: ({ pinned }: DeployedContainer) => pinned === 'tag' || pinned === 'invalid',
  moved: (row: DeployedContainer) => some(row, ({ identity }) => identity.state === 'moved'),
  /** An allowing policy is not enough: somebody must have signed. */
  unverified: (row: DeployedContainer) =>
    row.running.length === 0 ||
    some(row, ({ evidence }) => evidence?.outcome !== 'allow' || evidence.signers.length === 0),
  unrecoverable: (row: DeployedContainer) => some(row, ({ pullable }) => pullable?.served === false),
  mixed: ({ mixed }: DeployedContainer) => mixed,
  different: (row: DeployedContainer) =>
    some(row, ({ identity, blocked }) => identity.state === 'different' || blocked !== null),
  gone: ({ tag }: DeployedContainer) => tag?.digest === null,
  missingPlatform: ({ missingPlatforms }: DeployedContainer) =>
    missingPlatforms !== null && missingPlatforms.length > 0,
  held: ({ hold }: DeployedContainer) => hold !== undefined,
  unknown: (row: DeployedContainer) =>
    row.running.length === 0 || some(row, ({ identity }) => identity.state === 'unknown'),
} as const;
export type Filter = keyof typeof FILTERS;

/** Reasons are bounded, because they are recorded and shown in a table cell. */
const MAX_REASON = 500;

/** The part of an evaluation that is recorded and shown. */
export function summarizeEvaluation({
  decision,
  evidence,
}: Evaluation): Pick<EvidenceSummary, 'outcome' | 'signers' | 'reason'> {
  const outcome = isUnchecked(decision) ? 'open' : decision.outcome;
  const reason = objections(decision) ?? decision.results.map(({ reason }) => reason).join('; ');
  return { outcome, signers: signersOf(evidence), reason: reason.slice(0, MAX_REASON) };
}

/** `authority: identity` of each verified signature or attestation, sorted. */
export function signersOf(evidence: Evaluation['evidence']): string[] {
  const verdicts = [...(evidence?.verdicts ?? [])].flatMap(([name, verdict]) =>
    verdict.kind === 'verified' ? [`${name}: ${verdict.identity?.subject ?? verdict.by}`] : [],
  );
  const statements = (evidence?.attestations?.verified ?? []).map(
    ({ authority, identity, by }) => `${authority}: ${identity?.subject ?? by}`,
  );
  return [...new Set([...verdicts, ...statements])].sort();
}
