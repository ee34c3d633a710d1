// check --online: what registries say about each pin, and whether they confirm what the lock does not know.
import type { Found } from '../../flow.ts';
import { isPinned, printReference, tagKey } from '../../image/reference.ts';
import { entryOf, tagsOfDigest } from '../../lock/digests.ts';
import type { Lock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Finding } from '../../report/report.ts';
import { type Drift, findDrift } from '../../resolve/drift.ts';
import type { Context } from '../shared/command.ts';
import { findingAt } from '../shared/finding.ts';
import { isUnknown, type PinnedPlace } from './adopt.ts';
import { confirmedUpdate, disagreement, REMEDY } from './lock-findings.ts';

type OnlineCheck = {
  readonly client: RegistryClient;
  readonly found: readonly Found[];
  readonly lock: Lock;
  /** Platforms that each image must have. */
  readonly required: readonly string[];
};

export async function checkOnline(
  { client, found, lock, required }: OnlineCheck,
  { progress }: Context,
): Promise<{ findings: Finding[]; problems: Problem[] }> {
  const pinned = found.filter((place): place is PinnedPlace => isPinned(place.reference));
  const groups = Map.groupBy(pinned, ({ reference }) => printReference(reference));
  const pins = [...groups.values()] as [PinnedPlace, ...PinnedPlace[]][];
  client.expect(pins.map(([{ reference }]) => reference));
  const findings: Finding[] = [];
  const problems: Problem[] = [];
  let done = 0;
  await Promise.all(
    pins.map(async (places) => {
      const [first] = places;
      const { reference } = first;
      // A pin without tag came from `latest` if the lock says so; else its tag is unknown.
      const tagged = reference.tag !== undefined || entryOf(lock, reference) !== undefined ? reference : undefined;
      const drifts = await findDrift(client, reference, tagged, required);
      for (const drift of drifts) {
        if (drift instanceof Problem)
          problems.push(drift.at({ file: first.file, line: first.line, column: first.column }));
        else findings.push(...places.map((place) => driftFinding(place, drift, lock)));
      }
      findings.push(...places.flatMap((place) => answeredDoubt(place, drifts, lock)));
      progress.show(`checked ${++done} of ${pins.length} images`);
    }),
  );
  return { findings, problems };
}

/** What the lock alone would say against this pin, now that the registry has answered. */
function answeredDoubt(place: PinnedPlace, drifts: readonly (Drift | Problem)[], lock: Lock): Finding[] {
  if (lock.size === 0 || !isUnknown(place, lock)) return [];
  const speaks = drifts.filter((drift) => drift instanceof Problem || drift.kind !== 'missing-platform');
  if (speaks.length === 0) return [confirmedUpdate(place, lock)];
  // driftFinding says it, and with the registry's own answer.
  if (speaks.some((drift) => !(drift instanceof Problem) && drift.kind === 'moved')) return [];
  return disagreement(place, lock, REMEDY);
}

function driftFinding(found: PinnedPlace, drift: Drift, lock: Lock): Finding {
  const { reference } = found;
  switch (drift.kind) {
    case 'moved': {
      const [was] = tagsOfDigest(lock, reference);
      if (was !== undefined)
        return findingAt(
          found,
          'tag-digest-disagree',
          'error',
          `${reference.tag} is ${drift.to}, not ${drift.from}; that digest was ${was}`,
        );
      const pinnedHere = entryOf(lock, reference);
      const locked = lock.get(tagKey(reference));
      if (pinnedHere === undefined && reference.tag !== undefined && locked !== undefined)
        return findingAt(
          found,
          'tag-digest-disagree',
          'error',
          `${reference.tag} is ${drift.to}, tagproof.lock has ${locked.digest}, and nobody confirms ${drift.from}; ${REMEDY}`,
        );
      const when = pinnedHere === undefined ? '' : `, pinned ${pinnedHere.firstSeen.slice(0, 10)}`;
      return findingAt(
        found,
        'tag-moved',
        'warning',
        `${reference.tag ?? 'latest'} moved from ${drift.from} to ${drift.to}${when}`,
      );
    }
    case 'gone':
      return findingAt(found, 'digest-gone', 'error', `${reference.registry} no longer serves ${drift.digest}`);
    case 'untagged':
      return findingAt(
        found,
        'tag-gone',
        'warning',
        `${reference.registry} no longer has the tag ${reference.tag ?? 'latest'}; the digest is still served`,
      );
    case 'child':
      return findingAt(
        found,
        'single-platform',
        'warning',
        `pins only ${drift.platform} of an image with several platforms; the index is ${drift.of}`,
      );
    case 'missing-platform':
      return findingAt(
        found,
        'platform-missing',
        'error',
        `has no ${drift.platform}, only ${drift.has.join(', ') || 'none that it names'}`,
      );
  }
}
