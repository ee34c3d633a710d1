// What the ledger records: events, only ever appended, each chained by its hash to the one before.
// Pure.
import { createHash } from 'node:crypto';

/**
 * A tag points to another digest than before, or to none.
 * Where `tag` holds a digest, the event says whether the registry serves that digest.
 */
export type TagEvent = {
  readonly kind: 'tag';
  /** Canonical: `docker.io`, `library/nginx`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** Null: the registry no longer has this tag. */
  readonly digest: string | null;
  /** What observed it: a poll, a poll after a push notification, the registry's own tag history. */
  readonly source: 'poll' | 'hint' | 'history';
} & SnapshotTimes;

/**
 * When the state really began, and when it ended, where that is not the time of the entry. RFC
 * 3339.
 */
type SnapshotTimes = {
  readonly since?: string;
  readonly until?: string;
  /** Compaction removed the original event: this one repeats it. */
  readonly snapshot?: true;
};

/** From now on this many pods of a container run this digest. Zero: it has ended. */
export type RunEvent = {
  readonly kind: 'run';
  readonly cluster: string;
  readonly namespace: string;
  readonly workload: { readonly kind: string; readonly name: string };
  readonly container: string;
  readonly type: 'container' | 'init' | 'ephemeral' | 'volume';
  /** As declared. */
  readonly image: string;
  readonly digest: string;
  readonly pods: number;
  /** The workload's revision: of a Deployment, or the number of a ControllerRevision. */
  readonly revision?: string | undefined;
  /** Who or what changed it, where known: a field manager, or the text of an annotation. */
  readonly actor?: string | undefined;
} & SnapshotTimes;

/** What one image consists of: its index, manifests and configurations. It never changes. */
export type ClosureEvent = {
  readonly kind: 'closure';
  readonly root: string;
  readonly members: readonly {
    readonly digest: string;
    readonly role: 'index' | 'manifest' | 'config';
    readonly platform?: string;
  }[];
  /**
   * The content of each platform's image: two digests stay comparable after their registry dropped
   * one.
   */
  readonly images?: readonly ImageFacts[];
};

/**
 * What is recorded of one platform's image. Environment values are recorded as hashes only,
 * because images sometimes contain secrets.
 */
export type ImageFacts = {
  readonly platform: string;
  readonly created?: string;
  readonly entrypoint: string;
  readonly cmd: string;
  readonly user: string;
  readonly workingDir: string;
  /** Name → the first 12 hex digits of the SHA-256 of its value. */
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Digest, and size in bytes. */
  readonly layers: readonly (readonly [digest: string, size: number])[];
};

/** What the policy says about a digest from now on: who signed it, or why it would be denied. */
export type EvidenceEvent = {
  readonly kind: 'evidence';
  readonly registry: string;
  readonly repository: string;
  readonly digest: string;
  /** `open`: it could not be checked, which is neither allow nor deny. */
  readonly outcome: 'allow' | 'warn' | 'deny' | 'open';
  /** `authority: identity`, sorted. */
  readonly signers: readonly string[];
  readonly reason: string;
  /** `sha256:HEX` of the policy that was evaluated. */
  readonly policy: string;
  /** `watcher`: evaluated while it runs. `admission`: evaluated when the webhook admitted it. */
  readonly source: 'watcher' | 'admission';
} & SnapshotTimes;

/** The hold on a workload that was rolled back ends. */
export type ReleaseEvent = {
  readonly kind: 'release';
  readonly cluster: string | null;
  readonly namespace: string;
  readonly workload: { readonly kind: string; readonly name: string };
  readonly by: string;
};

/** These digests must never run again: one image, with all members of its closure. */
export type BlockEvent = {
  readonly kind: 'block';
  readonly digests: readonly string[];
  readonly reason: string;
  readonly by: string;
  /** RFC 3339. In a snapshot: when the digests were really blocked. */
  readonly since?: string;
};

/** Somebody rolled a container back to what it ran before, and gave the reason. */
export type RollbackEvent = {
  readonly kind: 'rollback';
  readonly cluster: string | null;
  readonly namespace: string;
  readonly workload: { readonly kind: string; readonly name: string };
  readonly container: string;
  /** As written: `web:v1@sha256:…`. */
  readonly image: string;
  readonly digest: string;
  readonly reason: string;
  readonly by: string;
  /** Written into files, or into the cluster. */
  readonly way: 'files' | 'cluster';
} & SnapshotTimes;

/**
 * Compaction removed the entries up to `seq`. State that began before `before` (RFC 3339) and still
 * counts follows as snapshot events; a projection drops its own rows from before that time.
 */
export type CompactionEvent = { readonly kind: 'compaction'; readonly before: string; readonly seq: number };

export type LedgerEvent =
  | TagEvent
  | RunEvent
  | ClosureEvent
  | EvidenceEvent
  | RollbackEvent
  | ReleaseEvent
  | BlockEvent
  | CompactionEvent;

/** @param at RFC 3339 */
export type Dated<E = LedgerEvent> = { readonly event: E; readonly at: string };

/** A position in the chain: the number and the hash of an entry. */
export type Link = { readonly seq: number; readonly hash: string };

/** An event as the journal stores it. */
export type LedgerEntry = {
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly body: string;
  /** `sha256:HEX` over the previous hash, seq, at and body. */
  readonly hash: string;
};

/** The hash before the first entry. */
export const GENESIS = `sha256:${'0'.repeat(64)}`;

export function chain(previous: string, seq: number, at: string, body: string): string {
  return `sha256:${createHash('sha256').update(`${previous}\n${seq}\n${at}\n${body}`).digest('hex')}`;
}

/** The canonical text of an event: the order in which its fields were written does not matter. */
export function bodyOf(event: LedgerEvent): string {
  return JSON.stringify(sorted(event));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}
