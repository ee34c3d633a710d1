// A finding about a reference at its place in a file: the one shape that check, scan, pin and unpin report.
import type { Found, Skipped } from '../../flow.ts';
import { postureOf } from '../../image/reference.ts';
import type { Finding, Level } from '../../report/report.ts';
import type { RuleId } from '../../report/rules.ts';

export function findingAt(
  { file, line, column, start, end, reference }: Found,
  rule: RuleId,
  level: Level,
  message: string,
): Finding {
  return { rule, level, message, file, line, column, endColumn: column + end - start, image: reference.text };
}

/** Values where an image belongs that are no valid reference: a node refuses to run them (P11). */
export function invalidFindings(skipped: readonly Skipped[]): Finding[] {
  return skipped
    .filter(({ reason }) => reason === 'invalid')
    .map(({ file, line, column, start, end, text, detail }) => {
      const place = { file, line, column, endColumn: column + end - start };
      return { rule: 'invalid-reference', level: 'error', message: detail, image: text, ...place };
    });
}

export function unpinnedFinding(found: Found): Finding {
  const { slot, reference } = found;
  if (slot.blocked !== undefined)
    return findingAt(found, 'not-pinnable', 'error', `not pinned, and it cannot be here: ${slot.blocked}`);
  const posture = postureOf(reference);
  const why =
    posture === 'tag'
      ? `the tag ${reference.tag} can be moved`
      : posture === 'latest'
        ? 'latest moves with every release'
        : 'without a tag it means latest';
  return findingAt(found, 'unpinned', 'error', `not pinned to a digest: ${why}`);
}
