// What the ledger records: events that are only ever added, each chained to the one before by its hash. Pure.
import { createHash } from 'node:crypto';

/** A tag points to another digest than it did, or to none. Of a digest in the place of a tag: it is served, or not any more. */
export type TagEvent = {
  readonly kind: 'tag';
  /** Canonical: `docker.io`, `library/nginx`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** Null: the registry says that there is no such tag any more. */
  readonly digest: string | null;
  /** Who saw it: a poll, a poll after a registry's hint, the registry's own history of the tag. */
  readonly source: 'poll' | 'hint' | 'history';
} & SnapshotTimes;

/** Of events that stand in for older ones, which retention took out: when it really began, and ended. RFC 3339. */
type SnapshotTimes = { readonly since?: string; readonly until?: string };

/** So many pods of a container run this digest from now on; none: it has ended. */
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
  /** Of the workload: a Deployment's revision, a ControllerRevision's number. */
  readonly revision?: string | undefined;
  /** Who or what changed it, where that is known: a field manager, an annotation's words. */
  readonly actor?: string | undefined;
} & SnapshotTimes;

/** What one image is: its index, manifests, configurations. Never changes, and never goes. */
export type ClosureEvent = {
  readonly kind: 'closure';
  readonly root: string;
  readonly members: readonly {
    readonly digest: string;
    readonly role: 'index' | 'manifest' | 'config';
    readonly platform?: string;
  }[];
  /** What each platform's image is made of, so that two digests can be compared when their registry has long forgotten one. */
  readonly images?: readonly ImageFacts[];
};

/** What can be told of one platform's image without keeping a secret that somebody baked in: values of its environment stand by hash. */
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

/** What the policy says of a digest from now on: who signed it, or why it would not be let in. */
export type EvidenceEvent = {
  readonly kind: 'evidence';
  readonly registry: string;
  readonly repository: string;
  readonly digest: string;
  /** `open`: it could not be checked, which is neither yes nor no. */
  readonly outcome: 'allow' | 'warn' | 'deny' | 'open';
  /** `authority: identity`, sorted. */
  readonly signers: readonly string[];
  readonly reason: string;
  /** `sha256:HEX` of the policy that was asked. */
  readonly policy: string;
  /** Who asked: the watcher, about what runs; or the door, and so it came in. */
  readonly source: 'watcher' | 'admission';
} & SnapshotTimes;

/** A workload was brought back and is to stay there, until it is released. */
export type ReleaseEvent = {
  readonly kind: 'release';
  readonly cluster: string | null;
  readonly namespace: string;
  readonly workload: { readonly kind: string; readonly name: string };
  readonly by: string;
};

/** These digests are never to run again: one image, with everything of its closure. */
export type BlockEvent = {
  readonly kind: 'block';
  readonly digests: readonly string[];
  readonly reason: string;
  readonly by: string;
};

/** Somebody went back to what ran before, and said why. */
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
  /** Into files, or into the cluster. */
  readonly way: 'files' | 'cluster';
} & SnapshotTimes;

/** Entries up to here were taken out by retention; what of them still counts is carried by events that follow. */
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

/** An entry of the chain, by its place and its hash. */
export type Link = { readonly seq: number; readonly hash: string };

/** As it is stored. */
export type LedgerEntry = {
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly body: string;
  /** `sha256:HEX` over the one before, seq, at and body. */
  readonly hash: string;
};

/** Before the first one. */
export const GENESIS = `sha256:${'0'.repeat(64)}`;

export function chain(previous: string, seq: number, at: string, body: string): string {
  return `sha256:${createHash('sha256').update(`${previous}\n${seq}\n${at}\n${body}`).digest('hex')}`;
}

/** One text for one event, whatever order its fields were written in. */
export function bodyOf(event: LedgerEvent): string {
  return JSON.stringify(sorted(event));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}
