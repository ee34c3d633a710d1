// The values that travel between the stages: find → resolve → verify → decide → edit | admit | record. Read this first.
import type { Problem } from './problem.ts';

/**
 * A parsed image name. `registry` and `repository` are canonical (Docker's defaults applied, host in lower
 * case), so two spellings of one image compare equal; `name` and `text` stay as the author wrote them.
 */
export type Reference = {
  /** The whole reference as written: `nginx:1.27@sha256:…`. */
  readonly text: string;
  /** The part before tag and digest as written: `nginx`. */
  readonly name: string;
  /** Canonical host with port where it is not the default: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Canonical path below the host: `library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
};

/**
 * The names of the dialects. Each reader in src/source/ declares its own name here (`declare module`), and the table
 * `DIALECTS` must have a row for every name. `yaml` is any YAML file whose name gives no hint.
 */
export interface Dialects {
  readonly yaml: true;
}

/** Which reader found a reference. */
export type Dialect = keyof Dialects;

/**
 * A Reference whose digest is certain. Only this can be signed, verified, blocked or rolled back to: a tag in its
 * place does not compile. Made by `withDigest` and `parsePinned`, narrowed by `isPinned` (src/image/reference.ts).
 */
export type PinnedReference = Reference & { readonly digest: string };

/** A spot in a file. Offsets are UTF-16 indices into its text, end-exclusive; line and column count from 1. */
export type SourceLocation = {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
  /** Index of the YAML document in the file, from 0. */
  readonly document: number;
  /** Field path in the document: `spec.template.spec.containers[0].image`. */
  readonly path: string;
};

/** Where in the text the digest of one reference is, or would be written: everything that `edit` needs. */
export type Slot = {
  /** Writing a digest where there is none: put `before + digest + after` at this offset. */
  readonly pin?: { readonly at: number; readonly before: string; readonly after: string };
  /** The range of the digest that is there now. */
  readonly digest?: readonly [start: number, end: number];
  /** The range whose removal is the exact inverse of `pin`. */
  readonly unpin?: readonly [start: number, end: number];
  /** `hex`: the digest is written without its `sha256:` prefix (the `sha:` key of some charts). */
  readonly style?: 'hex';
  /** Why no digest can be written at this place, as a sentence for users. */
  readonly blocked?: string;
};

/** Keys of one mapping that hold an image's parts: `repository`, `tag`, `digest`, `registry`. */
export type ImageKeys = {
  readonly repository: string;
  readonly registry?: string;
  readonly tag?: string;
  readonly digest?: string;
};

/** A reference at a place. */
export type Found = SourceLocation & {
  readonly kind: 'found';
  readonly dialect: Dialect;
  readonly reference: Reference;
  readonly slot: Slot;
  /** Kubernetes object the reference belongs to: `Deployment/web`. */
  readonly object?: string;
  /** The object's namespace, where it names one. */
  readonly namespace?: string;
  /** Name of the container, where it is the image of one that has a name. */
  readonly container?: string;
  /** What users should know about this place; shown by --explain. */
  readonly note?: string;
  /** Of an image in parts: the keys that hold its parts. */
  readonly parts?: ImageKeys;
  /** The reference as written, where an overlay of the tree deploys another one; `reference` is the deployed one. */
  readonly written?: Reference;
  /** Files whose overrides replace it everywhere: its tag is deployed nowhere, and a digest here decides nothing. */
  readonly overriddenBy?: readonly string[];
};

export type SkipReason =
  | 'template' // {{ }} or {% %}: the value exists only after rendering
  | 'variable' // ${VAR}: the value comes from the environment
  | 'schema' // part of a schema, not of an object
  | 'uncertain' // may be an image or not; name the field in tagproof.yaml to decide
  | 'invalid' // in an image field, and not a valid reference: check reports it
  | 'pattern' // matches names of images: the field of a policy, or a name to replace
  | 'stage' // a build stage or scratch, not an image
  | 'incomplete' // only a part of a reference: the tag is elsewhere
  | 'ignored'; // by a comment or by tagproof.yaml

/** A candidate that is not taken as a reference, and why. */
export type Skipped = SourceLocation & {
  readonly kind: 'skipped';
  readonly dialect: Dialect;
  readonly text: string;
  readonly reason: SkipReason;
  readonly detail: string;
  /** Of a part that the deployment graph may complete: where its digest would be written. */
  readonly slot?: Slot;
  /** Files whose overrides replace it everywhere. */
  readonly overriddenBy?: readonly string[];
};

export type Platform = { readonly os: string; readonly architecture: string; readonly variant?: string };

/** The answer to "which digest is this reference now?". */
export type Resolved = {
  readonly reference: Reference;
  readonly digest: string;
  /** As the registry reported it; absent when the source of the answer does not report it. */
  readonly mediaType?: string;
  /** Bytes of the manifest. */
  readonly size?: number;
  /** Known only when the index was read: `linux/amd64`. */
  readonly platforms?: readonly string[];
  readonly from: 'registry' | 'lock' | 'engine';
  /** RFC 3339. */
  readonly at: string;
  /** When the tag was seen to leave this digest, before it came back to it, RFC 3339 (T7). */
  readonly leftAt?: string;
  /** The host that answered, where it is not the reference's own registry. */
  readonly mirror?: string;
};

/** One reference's result: resolved, or the reason why not. A failure of one never stops the others. */
export type Resolution = Resolved | Problem;

/** What is proven about one signature. */
export type Proof = {
  /** For users: `key 3fa1…`, `https://github.com/org/… (https://token.actions…)`. */
  readonly by: string;
  /** `signature`: cosign's `.sig`; `bundle`: sigstore's; `notary`: Docker Content Trust; `notation`: Notary Project. */
  readonly layout: 'signature' | 'bundle' | 'notary' | 'notation';
  /** SHA-256 of the signing key or certificate, hex. */
  readonly keyId?: string;
  readonly identity?: { readonly issuer?: string; readonly subject: string };
  /** Index of the entry in its transparency log. */
  readonly logIndex?: string;
  /** When it was signed, by witnesses that the policy trusts; RFC 3339. Empty where the policy demands none. */
  readonly times: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** What was not checked because the policy does not require it. */
  readonly notes?: readonly string[];
};

/**
 * The result of one authority for one digest. "Could not be checked" is a value of its own, and never the same as "none".
 * `others`: there are signatures, and none of them is this authority's. `invalid`: one claims to be, and does not verify.
 */
export type Verdict =
  | ({ readonly kind: 'verified' } & Proof)
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'others'; readonly count: number }
  | { readonly kind: 'invalid'; readonly reasons: readonly string[] }
  | { readonly kind: 'unchecked'; readonly problem: Problem };

/** A verified statement about the image, by one authority. */
export type Attestation = Proof & {
  /** The authority's name. */
  readonly authority: string;
  readonly predicateType: string;
  readonly predicate: unknown;
};

/** The verified statements, and why there may be more of them. */
export type Attestations = {
  readonly verified: readonly Attestation[];
  /** By authority: what could not be read. */
  readonly problems: ReadonlyMap<string, Problem>;
};

export type Verdicts = ReadonlyMap<string, Verdict>;

/** One manifest of an index; several may be for one platform, and any of them may be the one that runs. */
export type ChildVerdicts = { readonly platform?: string; readonly digest: string; readonly verdicts: Verdicts };

/** What is known about one digest when a policy decides about it. */
export type Evidence = {
  readonly digest: string;
  /** By name of the authority, for every authority that a rule names. */
  readonly verdicts: Verdicts;
  readonly attestations?: Attestations;
  /** Of an index, where a rule demands it: the verdicts about each manifest that a node could run. */
  readonly children?: readonly ChildVerdicts[] | Problem;
  /** What the tag of a pinned reference resolves to now, where a rule demands it (T5). */
  readonly tagNow?: string | Problem;
  /** Platforms of the image, where a rule demands one. */
  readonly platforms?: readonly string[] | Problem;
  /** When this digest was first seen under its tag, RFC 3339; from the lock. */
  readonly firstSeen?: string;
};

/** Where an image would run, as far as it is known. */
export type Scope = { readonly namespace?: string; readonly kind?: string };

/** One demand of one rule, and how the image meets it. */
export type RuleResult = {
  /** The rule's name. */
  readonly rule: string;
  readonly ok: boolean;
  /** True when the demand could not be checked, rather than failed. */
  readonly unchecked: boolean;
  /** For users: what was demanded, and what is the case. */
  readonly reason: string;
};

/** deny: an enforced demand is not met. warn: only rules in warn or audit mode are not met. */
export type Decision = {
  readonly outcome: 'allow' | 'warn' | 'deny';
  readonly results: readonly RuleResult[];
};

/** Replace [start, end) by `text`. */
export type Edit = { readonly start: number; readonly end: number; readonly text: string };
