// How states are written: short digests, ages, verdicts with a tone. What is unknown never gets the
// tone of what is good.
import type { Evidence, ImageIdentity, Row, RunningImage } from './api.ts';

export const short = (digest: string) => `${digest.slice(0, 19)}…`;
/** A reference with its digest shortened. */
export const shortImage = (image: string) => image.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/, '$1…');
export const titleOf = ({ namespace, kind, name }: { namespace: string; kind: string; name: string }) =>
  `${namespace}/${kind}/${name}`;

/** A duration in one unit. */
export function span(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.round(milliseconds / 1000))} s`;
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
export const age = (milliseconds: number) => (milliseconds < 30_000 ? 'just now' : `${span(milliseconds)} ago`);
export const time = (text: string) => text.slice(0, 16).replace('T', ' ');
export const timeOf = (milliseconds: number) => time(new Date(milliseconds).toISOString());
export const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

export type Tone = 'good' | 'warn' | 'bad' | 'unknown';
export type Verdict = { readonly text: string; readonly tone: Tone; readonly detail?: string };

export function pinnedVerdict({ pinned }: Pick<Row, 'pinned'>): Verdict {
  if (pinned === 'both') return { text: 'tag and digest', tone: 'good' };
  if (pinned === 'digest') return { text: 'digest', tone: 'good' };
  return pinned === 'tag' ? { text: 'tag only', tone: 'warn' } : { text: 'not a reference', tone: 'bad' };
}

/** The worst of what the pods of a container run. */
export function identityVerdict({ running, tag, declared }: Pick<Row, 'running' | 'tag' | 'declared'>): Verdict {
  if (running.length === 0) return { text: 'nothing runs', tone: 'unknown' };
  if (tag?.digest === null) return { text: 'tag gone', tone: 'bad', detail: 'a new pod cannot start' };
  const find = <S extends ImageIdentity['state']>(state: S) =>
    running
      .map(({ identity }) => identity)
      .find((item): item is Extract<ImageIdentity, { state: S }> => item.state === state);
  const different = find('different');
  if (different) return { text: 'runs another image', tone: 'bad', detail: `declared ${short(different.declared)}` };
  const moved = find('moved');
  if (moved) return { text: 'tag moved', tone: 'warn', detail: `now ${short(moved.now)}${sinceMove(tag)}` };
  const unknown = find('unknown');
  if (unknown) return { text: 'unknown', tone: 'unknown', detail: unknown.reason };
  if (running.every(({ identity }) => identity.state === 'same')) return { text: 'same as the tag', tone: 'good' };
  // Under a pin nothing moves; but who reads the tag beside the digest should know where it points.
  const pinned = declared.map((image) => image.slice(image.indexOf('@') + 1));
  if (tag?.digest && !pinned.includes(tag.digest))
    return { text: 'as declared', tone: 'good', detail: `${tag.name} is ${short(tag.digest)} now${sinceMove(tag)}` };
  return { text: 'as declared', tone: 'good' };
}

const sinceMove = (tag: Row['tag']) => (tag && tag.since > 0 ? `, for ${span(Date.now() - tag.since)}` : '');

export function checkedText({ tag }: Pick<Row, 'tag'>, now: number): string {
  if (tag === undefined) return '';
  if (tag.failure !== null) return `last poll failed: ${tag.failure}`;
  return tag.checked === null ? 'not checked yet' : `checked ${age(now - tag.checked)}`;
}

const WORST_FIRST = ['deny', 'open', 'warn', 'allow'] as const;

/** Who signed, and when that was checked; of several digests the worst. */
export function verifiedVerdict({ running }: Pick<Row, 'running'>, hasPolicy: boolean, now: number): Verdict {
  if (!hasPolicy) return { text: 'not checked', tone: 'unknown', detail: 'tagproof.yaml has no rules' };
  const found = running.map(({ evidence }) => evidence);
  const worst = WORST_FIRST.map((outcome) => found.find((evidence) => evidence?.outcome === outcome)).find(Boolean);
  if (!worst || found.includes(null)) return { text: 'not checked yet', tone: 'unknown' };
  const checked = `checked ${age(now - worst.checked)}`;
  const detail = `${worst.reason}; ${checked}`;
  if (worst.outcome === 'deny') return { text: 'would be denied', tone: 'bad', detail };
  if (worst.outcome === 'open') return { text: 'could not check', tone: 'unknown', detail };
  if (worst.outcome === 'warn') return { text: 'allowed with a warning', tone: 'warn', detail };
  return worst.signers.length > 0
    ? { text: worst.signers.join(', '), tone: 'good', detail: checked }
    : { text: 'allowed without a signature', tone: 'warn', detail };
}

/** Could a node pull it again? */
export function pullableVerdict(
  { running, missingPlatforms }: Pick<Row, 'running' | 'missingPlatforms'>,
  now: number,
): Verdict {
  const found = running.map(({ pullable }) => pullable);
  const gone = found.find((pullable) => pullable?.served === false);
  if (gone) return { text: 'gone', tone: 'bad', detail: `${short(gone.digest)} is no longer served` };
  if (missingPlatforms !== null && missingPlatforms.length > 0)
    return { text: 'platform missing', tone: 'bad', detail: missingPlatforms.join(', ') };
  const served = found.filter((pullable) => pullable !== null && pullable.served !== null);
  if (found.length === 0 || served.length < found.length)
    return {
      text: 'unknown',
      tone: 'unknown',
      detail: found.includes(null) ? 'it has no name to pull it by' : 'not checked yet',
    };
  const oldest = Math.min(...served.map((pullable) => pullable?.checked ?? 0));
  return { text: 'pullable', tone: 'good', detail: `checked ${age(now - oldest)}` };
}

/** What the policy says of one image that runs. */
export function evidenceVerdict(evidence: RunningImage['evidence'], now: number): Verdict {
  if (evidence === null) return { text: 'signatures not checked yet', tone: 'unknown' };
  const signers = evidence.signers.length > 0 ? `signed by ${evidence.signers.join(', ')}; ` : '';
  const text = `${signers}${evidence.reason}; checked ${age(now - evidence.checked)}`;
  return { text, tone: toneOf(evidence) };
}

/** Whether one image that runs could be pulled again. */
export function servedVerdict(pullable: RunningImage['pullable'], now: number): Verdict {
  const checked = pullable?.checked == null ? '' : `, checked ${age(now - pullable.checked)}`;
  if (pullable?.served === true) return { text: `can be pulled${checked}`, tone: 'good' };
  if (pullable?.served === false) return { text: `can no longer be pulled${checked}`, tone: 'bad' };
  return { text: `unknown whether it can be pulled${checked}`, tone: 'unknown' };
}

export const toneOf = ({ outcome }: Pick<Evidence, 'outcome'>): Tone =>
  outcome === 'allow' ? 'good' : outcome === 'deny' ? 'bad' : 'unknown';

export const imageName = ({ digest, imageId }: RunningImage) => digest ?? imageId ?? 'not reported yet';
