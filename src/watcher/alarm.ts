// Which alarms the deployed containers, a moved tag and a changed signer give. Pure. Alarms inform;
// they decide nothing.
import { shortDigest } from '../image/digest.ts';
import type { DeployedContainer, EvidenceSummary, RunningImage } from '../inventory/deployed.ts';
import type { Alarm } from '../ledger/alarms.ts';
import type { EvidenceInterval } from '../ledger/statements.ts';
import { ALARM_CODES, type AlarmCode } from '../policy/alarm-codes.ts';

type Add = (code: AlarmCode, message: string) => void;

/**
 * Every alarm that fires in one cluster now.
 * @param hasPolicy whether there are rules: without rules no image can be called unverified
 */
export function firingAlarms(rows: readonly DeployedContainer[], hasPolicy: boolean): Alarm[] {
  return rows.flatMap((row) => {
    const found = new Map<AlarmCode, string>();
    // One alarm for each code and container, however many digests are affected.
    const add: Add = (code, message) => found.set(code, found.get(code) ?? message);
    if (row.pinned === 'tag' || row.pinned === 'invalid') add('unpinned', `declared by tag: ${row.declared[0]}`);
    if (row.mixed)
      add('mixed-replicas', row.running.map((image) => `${nameOf(image)} on ${image.pods} pods`).join(', '));
    if (row.tag?.digest === null) add('tag-gone', `${row.declared[0]} is gone: a new pod cannot start`);
    if (row.missingPlatforms !== null && row.missingPlatforms.length > 0)
      add('platform-missing', `${row.declared[0]} has no ${row.missingPlatforms.join(', ')}`);
    for (const image of row.running) {
      addImageAlarms(image, row, add);
      if (hasPolicy) addPolicyAlarms(image, add);
    }
    return [...found].map(([code, message]) => containerAlarm(code, row, message));
  });
}

function addImageAlarms(image: RunningImage, row: DeployedContainer, add: Add): void {
  const { identity, pullable, blocked, digest } = image;
  if (blocked !== null) add('blocked-image', `${nameOf(image)} must not run: ${blocked}`);
  if (identity.state === 'different')
    add('runs-something-else', `declared ${shortDigest(identity.declared)}, runs ${nameOf(image)}`);
  if (pullable?.served === false)
    add('digest-gone', `${nameOf(image)} is no longer served: a node that does not have it cannot start it`);
  else if (identity.state === 'moved' && row.pinned === 'tag')
    add('digest-going', `${nameOf(image)} has lost its tag, which points to ${shortDigest(identity.now)} now`);
  const { hold } = row;
  if (hold !== undefined && pullable !== null && pullable.digest !== hold.digest && digest !== hold.digest)
    add('hold-broken', `held at ${shortDigest(hold.digest)} (${hold.reason}), runs ${nameOf(image)}`);
}

function addPolicyAlarms(image: RunningImage, add: Add): void {
  const { evidence } = image;
  if (evidence?.outcome === 'deny') add('denied', `${nameOf(image)}: ${evidence.reason}`);
  if (evidence?.outcome === 'open' || evidence?.outcome === 'warn')
    add('unverified', `${nameOf(image)}: ${evidence.reason}`);
}

const nameOf = ({ digest, imageId }: RunningImage) =>
  digest === undefined ? (imageId ?? 'an unknown image') : shortDigest(digest);

function containerAlarm(code: AlarmCode, row: DeployedContainer, message: string): Alarm {
  const { cluster, namespace, kind, name, container, uid } = row;
  const subject = `${namespace}/${kind}/${name} ${container}`;
  return {
    key: `${code} ${cluster} ${subject}`,
    code,
    severity: ALARM_CODES[code].severity,
    subject,
    message,
    about: { cluster, namespace, kind, name, container, uid },
  };
}

export type MovedTag = {
  /** Canonical, with the tag. */
  readonly image: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly restedMs: number;
  /** Summary of what changed, where both images are known. */
  readonly changes?: string | undefined;
};

/**
 * A tag that disappears has an alarm at every container that uses it, and one that comes back needs
 * none: both give undefined here.
 * @param restMs a tag that did not move for this long makes the alarm critical
 */
export function alarmOfMove({ image, from, to, restedMs, changes }: MovedTag, restMs: number): Alarm | undefined {
  if (to === null || from === null) return undefined;
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

/**
 * Compares the signers of two digests of one tag. A digest that could not be checked lost nothing.
 */
export function alarmOfSigners(
  image: string,
  before: Pick<EvidenceInterval, 'digest' | 'signers'>,
  now: Pick<EvidenceSummary, 'signers' | 'outcome'> & { readonly digest: string },
): Alarm | undefined {
  if (before.signers.length === 0 || now.outcome === 'open') return undefined;
  const lost = before.signers.filter((signer) => !now.signers.includes(signer));
  if (lost.length === 0) return undefined;
  const code: AlarmCode = now.signers.length === 0 ? 'signature-lost' : 'signer-changed';
  const signers = now.signers.length === 0 ? 'nobody whom the policy trusts' : now.signers.join(', ');
  return {
    key: `${code} ${image} ${before.digest} ${now.digest} ${now.signers.join()}`,
    code,
    severity: ALARM_CODES[code].severity,
    subject: image,
    message: `${shortDigest(before.digest)} was signed by ${before.signers.join(', ')}; ${shortDigest(now.digest)} by ${signers}`,
    about: { image, from: before.digest, to: now.digest },
  };
}
