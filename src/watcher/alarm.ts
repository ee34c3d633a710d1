// What is worth telling somebody: of what is deployed now, and of a tag that has moved. Pure. Alarms tell; they decide nothing.
import { shortDigest } from '../image/digest.ts';
import type { DeployedContainer, EvidenceSummary, RunningImage } from '../inventory/deployed.ts';
import type { Alarm } from '../ledger/alarms.ts';
import type { EvidenceInterval } from '../ledger/statements.ts';
import { ALARM_CODES, type AlarmCode } from '../policy/alarm-codes.ts';

/** Everything that stands in one cluster. @param judged whether there are rules: without, nothing can be said to be unverified */
export function firingAlarms(rows: readonly DeployedContainer[], evaluation: boolean): Alarm[] {
  return rows.flatMap((row) => {
    const found = new Map<AlarmCode, string>();
    // One line for each kind of thing and container, however many digests are concerned.
    const say = (code: AlarmCode, message: string) => found.set(code, found.get(code) ?? message);
    if (row.pinned === 'tag' || row.pinned === 'invalid') say('unpinned', `declared by tag: ${row.declared[0]}`);
    if (row.mixed)
      say('mixed-replicas', `${row.running.map((seen) => `${nameOf(seen)} on ${seen.pods} pods`).join(', ')}`);
    if (row.tag?.digest === null) say('tag-gone', `${row.declared[0]} is gone: a new pod cannot start`);
    if (row.missingPlatforms !== null && row.missingPlatforms.length > 0)
      say('platform-missing', `${row.declared[0]} has no ${row.missingPlatforms.join(', ')}`);
    for (const seen of row.running) sayOf(seen, row, evaluation, say);
    return [...found].map(([code, message]) => alarmOf(code, row, message));
  });
}

function sayOf(
  seen: RunningImage,
  row: DeployedContainer,
  evaluation: boolean,
  say: (code: AlarmCode, message: string) => void,
): void {
  const { identity, evidence, pullable, blocked: never } = seen;
  if (never !== null) say('blocked-image', `${nameOf(seen)} must not run: ${never}`);
  if (identity.state === 'different')
    say('runs-something-else', `declared ${shortDigest(identity.declared)}, runs ${nameOf(seen)}`);
  if (pullable?.served === false)
    say('digest-gone', `${nameOf(seen)} is not served any more: a node that lacks it cannot start this`);
  else if (identity.state === 'moved' && row.pinned === 'tag')
    say('digest-going', `${nameOf(seen)} has lost its tag, which is ${shortDigest(identity.now)} now`);
  if (
    row.hold !== undefined &&
    pullable !== null &&
    pullable.digest !== row.hold.digest &&
    seen.digest !== row.hold.digest
  )
    say('hold-broken', `held at ${shortDigest(row.hold.digest)} (${row.hold.reason}), runs ${nameOf(seen)}`);
  if (!evaluation) return;
  if (evidence?.outcome === 'deny') say('denied', `${nameOf(seen)}: ${evidence.reason}`);
  if (evidence?.outcome === 'open' || evidence?.outcome === 'warn')
    say('unverified', `${nameOf(seen)}: ${evidence.reason}`);
}

const nameOf = ({ digest, imageId }: RunningImage) =>
  digest === undefined ? (imageId ?? 'nothing known') : shortDigest(digest);

function alarmOf(code: AlarmCode, row: DeployedContainer, message: string): Alarm {
  const { cluster, namespace, kind, name, container } = row;
  const subject = `${namespace}/${kind}/${name} ${container}`;
  return {
    key: `${code} ${cluster} ${subject}`,
    code,
    severity: ALARM_CODES[code].severity,
    subject,
    message,
    about: { cluster, namespace, kind, name, container, uid: row.uid },
  };
}

export type MovedTag = {
  /** Canonical, with the tag. */
  readonly image: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly restedMs: number;
  /** In a few words, where it is known. */
  readonly changes?: string | undefined;
};

/** @param restMs a rest that makes a move remarkable */
export function alarmOfMove({ image, from, to, restedMs, changes }: MovedTag, restMs: number): Alarm | undefined {
  if (to === null || from === null) return undefined; // gone: that stands at whoever uses it; back: no news
  const code: AlarmCode = restedMs >= restMs ? 'tag-moved-after-rest' : 'tag-moved';
  const days = Math.floor(restedMs / 86_400_000);
  const rest = days >= 1 ? `after ${days} days` : `after ${Math.round(restedMs / 3_600_000)} hours`;
  return {
    key: `${code} ${image} ${from} ${to}`,
    code,
    severity: ALARM_CODES[code].severity,
    subject: image,
    message: `${shortDigest(from)} → ${shortDigest(to)}, ${rest}${changes === undefined ? '' : `: ${changes}`}`,
    about: { image, from, to },
  };
}

/** Two digests of one tag, and who speaks for them. */
export function alarmOfSigners(
  image: string,
  before: Pick<EvidenceInterval, 'digest' | 'signers'>,
  now: Pick<EvidenceSummary, 'signers' | 'outcome'> & { readonly digest: string },
): Alarm | undefined {
  if (before.signers.length === 0 || now.outcome === 'open') return undefined; // not checked is not lost
  const lost = before.signers.filter((signer) => !now.signers.includes(signer));
  if (lost.length === 0) return undefined;
  const code: AlarmCode = now.signers.length === 0 ? 'signature-lost' : 'signer-changed';
  const words = now.signers.length === 0 ? 'nobody whom the policy trusts' : now.signers.join(', ');
  return {
    key: `${code} ${image} ${before.digest} ${now.digest} ${now.signers.join()}`,
    code,
    severity: 'critical',
    subject: image,
    message: `${shortDigest(before.digest)} was signed by ${before.signers.join(', ')}; ${shortDigest(now.digest)} by ${words}`,
    about: { image, from: before.digest, to: now.digest },
  };
}
