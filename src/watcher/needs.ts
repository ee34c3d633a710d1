// What must be looked up about the deployed containers: tags and digests to poll, closures to read,
// signatures to check. Pure.
import type { PinnedReference, Reference } from '../flow.ts';
import { parseReference, withDigest } from '../image/reference.ts';
import { type DeployedContainer, tagOf } from '../inventory/deployed.ts';
import { Problem } from '../problem.ts';

/** The tags in use, and the digests that a node would have to pull again. */
export function* polledReferences(rows: readonly DeployedContainer[]): Generator<Reference> {
  for (const row of rows) {
    for (const text of row.declared) {
      const reference = parseReference(text);
      if (reference instanceof Problem) continue;
      const tagged = tagOf(reference);
      if (tagged !== undefined) yield tagged;
      if (reference.digest !== undefined) yield reference;
    }
    for (const { image, pullable } of row.running) {
      const reference = parseReference(image);
      if (pullable !== null && !(reference instanceof Problem)) yield withDigest(reference, pullable.digest);
    }
  }
}

export type Need = {
  readonly row: DeployedContainer;
  /** The digest whose closure and signatures are needed. */
  readonly reference: PinnedReference;
  /** Undefined: only the signatures. */
  readonly closure: 'urgent' | 'later' | undefined;
};

/**
 * Closures and signatures of what runs, and of what the next pod will run. A closure is urgent where
 * the running digest differs from the declared one: it may only be a manifest of the declared index.
 */
export function* needsOf(
  rows: readonly DeployedContainer[],
  digestOf: (tag: Reference) => string | null | undefined,
): Generator<Need> {
  for (const row of rows)
    for (const { image, digest, pullable } of row.running) {
      const reference = parseReference(image);
      if (reference instanceof Problem) continue;
      const tagged = tagOf(reference);
      const declared = reference.digest ?? (tagged && digestOf(tagged));
      const differs = digest !== undefined && digest !== declared;
      if (typeof declared === 'string')
        yield { row, reference: withDigest(reference, declared), closure: differs ? 'urgent' : 'later' };
      if (pullable !== null && pullable.digest !== declared)
        yield { row, reference: withDigest(reference, pullable.digest), closure: undefined };
    }
}
