// What the ledger records: events that are only ever added, each chained to the one before by its hash. Pure.
import { createHash } from 'node:crypto';

/** A tag points to another digest than it did, or to none. */
export type TagEvent = {
  readonly kind: 'tag';
  /** Canonical: `docker.io`, `library/nginx`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** Null: the registry says that there is no such tag any more. */
  readonly digest: string | null;
  /** Who saw it: a poll, a registry's hint confirmed by a poll, an admission, an import. */
  readonly source: 'poll' | 'hint' | 'admission' | 'import';
};

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
  /** Who changed it, where that is known: a field manager, a user. */
  readonly actor?: string | undefined;
};

/** What one image is: its index, manifests, configurations. Never changes, and never goes. */
export type ClosureEvent = {
  readonly kind: 'closure';
  readonly root: string;
  readonly members: readonly {
    readonly digest: string;
    readonly role: 'index' | 'manifest' | 'config';
    readonly platform?: string;
  }[];
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
};

export type LedgerEvent = TagEvent | RunEvent | ClosureEvent | RollbackEvent;

/** As it is stored. */
export type Entry = {
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
