// What is to be known of what is deployed: tags and digests to look at, closures to read, signatures to check. Pure.
import type { PinnedReference, Reference } from '../flow.ts';
import { parseReference, withDigest } from '../image/reference.ts';
import { type DeployedContainer, tagOf } from '../inventory/deployed.ts';
import { Problem } from '../problem.ts';

/** Tags, and the digests that nodes would have to pull again. */
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
  /** With the digest that is to be known. */
  readonly reference: PinnedReference;
  /** Undefined: only who signed it. */
  readonly closure: 'urgent' | 'later' | undefined;
};

/** Closures, first of what differs, so that no index is taken for a drift; signatures of what runs, and of what will run next. */
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
