// What is deployed, by what is known at this moment: each cell with its source and its age. Pure.
import type { Reference } from '../flow.ts';
import { parseReference, repositoryOf, tagKey, withDigest } from '../image/reference.ts';
import { isOpen, type Judged, objections } from '../judge/judge.ts';
import type { Hold } from '../ledger/judgements.ts';
import { Problem } from '../problem.ts';
import { type Identity, type ImageClosure, identify, namesRepository } from './identity.ts';
import type { Row, Running } from './inventory.ts';

/** As the ledger and its polls name it: a tag, or a digest in its place. */
export const lookKey = (reference: Reference): string =>
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
export type Evidence = {
  readonly outcome: 'allow' | 'warn' | 'deny' | 'open';
  readonly signers: readonly string[];
  readonly reason: string;
  readonly checked: number;
  /** Since when it says so. */
  readonly since: number;
};

/** One digest that runs, and all that is known of it; null: nobody has looked, or nobody can. */
export type Seen = Running & {
  readonly identity: Identity;
  readonly evidence: Evidence | null;
  /** Whether a node could pull it again: the digest that would be asked for, and the last answer. */
  readonly pullable: {
    readonly digest: string;
    readonly served: boolean | null;
    readonly checked: number | null;
  } | null;
  /** It was said that this must never run again, and why. */
  readonly never: string | null;
};

export type Deployed = Omit<Row, 'running'> & {
  readonly pinned: 'digest' | 'tag' | 'both' | 'invalid';
  readonly running: readonly Seen[];
  /** Of what is declared by a tag, or with one. */
  readonly tag: (TagState & { readonly name: string }) | undefined;
  /** Of the next pod: platforms of the nodes that this runs on which the image no longer has; null: not known. */
  readonly lacks: readonly string[] | null;
  readonly hold: Pick<Hold, 'digest' | 'reason' | 'by' | 'since'> | undefined;
};

/** Whatever can be asked about without waiting. */
export type Knowledge = {
  /** By `lookKey`. */
  readonly look: (key: string) => TagState | undefined;
  readonly closure: (digest: string) => ImageClosure | undefined;
  readonly evidence: (reference: Reference, row: Row) => Evidence | undefined;
  readonly platform: (cluster: string, node: string) => string | undefined;
  readonly hold: (row: Row) => Hold | undefined;
  readonly never: (digest: string) => string | undefined;
};

export function deployedOf(rows: readonly Row[], known: Knowledge): Deployed[] {
  return rows.map((row) => {
    const hold = known.hold(row);
    const held = hold && { digest: hold.digest, reason: hold.reason, by: hold.by, since: hold.since };
    const reference = parseReference(row.declared[0] ?? '');
    if (reference instanceof Problem) {
      const identity: Identity = { state: 'unknown', reason: 'not a valid reference' };
      const running = row.running.map(
        (item): Seen => ({ ...item, identity, evidence: null, pullable: null, never: null }),
      );
      return { ...row, pinned: 'invalid', running, tag: undefined, lacks: null, hold: held };
    }
    const { tag, digest } = reference;
    const pinned = digest === undefined ? 'tag' : tag === undefined ? 'digest' : 'both';
    const name = tag === undefined && digest !== undefined ? undefined : (tag ?? 'latest');
    const { digest: _, ...tagged } = reference;
    const state = name === undefined ? undefined : known.look(tagKey({ ...tagged, tag: name }));
    const declared = digest ?? state?.digest;
    const running = row.running.map((item): Seen => {
      const identity = identityOf(item, declared, state, digest !== undefined, known);
      const image = pulledAs(item, identity, declared);
      const look = image === undefined ? undefined : known.look(lookKey(withDigest(reference, image)));
      const evidence = image === undefined ? undefined : known.evidence(withDigest(reference, image), row);
      const served = look?.digest === undefined ? null : look.digest !== null;
      return {
        ...item,
        identity,
        evidence: evidence ?? null,
        pullable: image === undefined ? null : { digest: image, served, checked: look?.checked ?? null },
        never: (item.digest && known.never(item.digest)) ?? null,
      };
    });
    return {
      ...row,
      pinned,
      running,
      tag: name === undefined || state === undefined ? undefined : { name, ...tellable(state) },
      lacks: lackingOf(row, typeof declared === 'string' ? known.closure(declared) : undefined, known),
      hold: held,
    };
  });
}

/** Only what may be told: the state is a living thing of the watcher's. */
const tellable = ({ digest, since, checked, failure }: TagState): TagState => ({ digest, since, checked, failure });

function identityOf(
  { digest: running, imageId }: Running,
  declared: string | null | undefined,
  state: TagState | undefined,
  pinned: boolean,
  known: Knowledge,
): Identity {
  if (running === undefined)
    return {
      state: 'unknown',
      reason: imageId === undefined ? 'its node has not said what runs' : 'imageID holds no digest',
    };
  if (declared === undefined)
    return { state: 'unknown', reason: state?.failure ?? 'its tag has not been looked at yet' };
  if (declared === null) return { state: 'unknown', reason: 'its tag is gone' };
  return identify(running, imageId ?? '', declared, running === declared ? undefined : known.closure(declared), pinned);
}

/** The digest by which a node would pull it again: the declared one where this belongs to it, else its own, if that can be pulled at all. */
function pulledAs({ digest, imageId }: Running, identity: Identity, declared: string | null | undefined) {
  if (identity.state === 'exact' || identity.state === 'same') return declared ?? undefined;
  return digest !== undefined && imageId !== undefined && namesRepository(imageId) ? digest : undefined;
}

/** Platforms of nodes have no variant; an image's `linux/arm/v7` serves `linux/arm`. */
function lackingOf(row: Row, closure: ImageClosure | undefined, known: Knowledge): string[] | null {
  if (closure === undefined) return null;
  const has = [...closure.members.values()].flatMap(({ platform }) => platform ?? []);
  const nodes = new Set(row.running.flatMap(({ nodes: names }) => names));
  const needed = new Set([...nodes].flatMap((node) => known.platform(row.cluster, node) || []));
  if (needed.size === 0 || has.length === 0) return null;
  return [...needed].filter((platform) => !has.some((own) => own === platform || own.startsWith(`${platform}/`)));
}

const some = ({ running }: Deployed, is: (seen: Seen) => boolean) => running.some(is);

/** The questions of the header, as filters. What is not known is never taken for fine. */
export const FILTERS = {
  unpinned: ({ pinned }: Deployed) => pinned === 'tag' || pinned === 'invalid',
  moved: (row: Deployed) => some(row, ({ identity }) => identity.state === 'moved'),
  unverified: (row: Deployed) => row.running.length === 0 || some(row, ({ evidence }) => evidence?.outcome !== 'allow'),
  unrecoverable: (row: Deployed) => some(row, ({ pullable }) => pullable?.served === false),
  mixed: ({ mixed }: Deployed) => mixed,
  different: (row: Deployed) => some(row, ({ identity, never }) => identity.state === 'different' || never !== null),
  gone: ({ tag }: Deployed) => tag?.digest === null,
  unfit: ({ lacks }: Deployed) => lacks !== null && lacks.length > 0,
  held: ({ hold }: Deployed) => hold !== undefined,
  unknown: (row: Deployed) => row.running.length === 0 || some(row, ({ identity }) => identity.state === 'unknown'),
} as const;
export type Filter = keyof typeof FILTERS;

/** Reasons are bounded: they are kept, and shown in a cell. */
const MAX_REASON = 500;

/** What a judgement says of a digest. */
export function evidenceOf({ decision, evidence }: Judged): Pick<Evidence, 'outcome' | 'signers' | 'reason'> {
  const signers = [...(evidence?.verdicts ?? [])].flatMap(([name, verdict]) =>
    verdict.kind === 'verified' ? [`${name}: ${verdict.identity?.subject ?? verdict.by}`] : [],
  );
  const outcome = isOpen(decision) ? 'open' : decision.outcome;
  const said = objections(decision) ?? decision.judgements.map(({ reason }) => reason).join('; ');
  return { outcome, signers: signers.sort(), reason: said.slice(0, MAX_REASON) };
}
