// How things are said: short digests, ages, states. Unknown never looks like fine.
import type { ImageIdentity, Row, RunningImage } from './api.ts';

export const short = (digest: string) => `${digest.slice(0, 19)}…`;
/** A digest inside a reference, by its beginning. */
export const shortImage = (image: string) => image.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/, '$1…');
export const titleOf = ({ namespace, kind, name }: { namespace: string; kind: string; name: string }) =>
  `${namespace}/${kind}/${name}`;

/** How long, in one unit. */
export function span(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.round(milliseconds / 1000))} s`;
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
export const age = (milliseconds: number) => (milliseconds < 30_000 ? 'just now' : `${span(milliseconds)} ago`);

export const time = (text: string) => text.slice(0, 16).replace('T', ' ');

export type Tone = 'good' | 'warn' | 'bad' | 'unknown';
export type Said = { readonly text: string; readonly tone: Tone; readonly detail?: string };

export function sayPinned({ pinned }: Row): Said {
  if (pinned === 'both') return { text: 'tag and digest', tone: 'good' };
  if (pinned === 'digest') return { text: 'digest', tone: 'good' };
  return pinned === 'tag' ? { text: 'tag only', tone: 'warn' } : { text: 'not a reference', tone: 'bad' };
}

/** The worst of what its pods run. */
export function sayIdentity({ running, tag, declared }: Row): Said {
  if (running.length === 0) return { text: 'nothing runs', tone: 'unknown' };
  if (tag?.digest === null) return { text: 'tag gone', tone: 'bad', detail: 'a new pod cannot start' };
  const of = <S extends ImageIdentity['state']>(state: S) =>
    running
      .map(({ identity }) => identity)
      .find((item): item is Extract<ImageIdentity, { state: S }> => item.state === state);
  const different = of('different');
  if (different) return { text: 'something else runs', tone: 'bad', detail: `declared ${short(different.declared)}` };
  const moved = of('moved');
  if (moved) return { text: 'tag moved', tone: 'warn', detail: `now ${short(moved.now)}${sayMoved(tag)}` };
  const unknown = of('unknown');
  if (unknown) return { text: 'not known', tone: 'unknown', detail: unknown.reason };
  if (!of('exact')) return { text: 'same as the tag', tone: 'good' };
  // What stands before a digest is words: nothing moves under a pin, and who reads it should know.
  const pinned = declared.map((image) => image.slice(image.indexOf('@') + 1));
  if (tag?.digest && !pinned.includes(tag.digest))
    return { text: 'as declared', tone: 'good', detail: `${tag.name} is ${short(tag.digest)} now${sayMoved(tag)}` };
  return { text: 'as declared', tone: 'good' };
}

const sayMoved = (tag: Row['tag']) => (tag && tag.since > 0 ? `, for ${span(Date.now() - tag.since)}` : '');

export const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

export function sayChecked({ tag }: Row, now: number): string {
  if (tag === undefined) return '';
  if (tag.failure !== null) return `last try failed: ${tag.failure}`;
  return tag.checked === null ? 'not looked at yet' : `looked at ${age(now - tag.checked)}`;
}

const ORDER = ['deny', 'open', 'warn', 'allow'] as const;

/** By whom, and when it was checked; of several digests the worst. */
export function sayVerified({ running }: Row, hasPolicy: boolean, now: number): Said {
  if (!hasPolicy) return { text: 'not checked', tone: 'unknown', detail: 'tagproof.yaml has no rules' };
  const found = running.map(({ evidence }) => evidence);
  if (found.length === 0 || found.some((evidence) => evidence === null))
    return { text: 'not checked yet', tone: 'unknown' };
  const worst = ORDER.map((outcome) => found.find((evidence) => evidence?.outcome === outcome)).find(Boolean);
  if (!worst) return { text: 'not checked yet', tone: 'unknown' };
  const checked = `checked ${age(now - worst.checked)}`;
  if (worst.outcome === 'deny') return { text: 'would be denied', tone: 'bad', detail: `${worst.reason}; ${checked}` };
  if (worst.outcome === 'open')
    return { text: 'could not check', tone: 'unknown', detail: `${worst.reason}; ${checked}` };
  if (worst.outcome === 'warn') return { text: 'warned about', tone: 'warn', detail: `${worst.reason}; ${checked}` };
  return worst.signers.length > 0
    ? { text: worst.signers.join(', '), tone: 'good', detail: checked }
    : { text: 'allowed, by nobody’s signature', tone: 'warn', detail: `${worst.reason}; ${checked}` };
}

/** Could a node pull it again? */
export function sayPullable({ running, missingPlatforms }: Row, now: number): Said {
  const looks = running.map(({ pullable }) => pullable);
  const gone = looks.find((look) => look?.served === false);
  if (gone) return { text: 'gone', tone: 'bad', detail: `${short(gone.digest)} is not served any more` };
  if (missingPlatforms !== null && missingPlatforms.length > 0)
    return { text: 'no longer for its nodes', tone: 'bad', detail: missingPlatforms.join(', ') };
  const unseen = looks.length === 0 || looks.some((look) => look === null || look.served === null);
  if (unseen)
    return {
      text: 'not known',
      tone: 'unknown',
      detail: looks.includes(null) ? 'nobody can say by what name' : 'not looked at yet',
    };
  const oldest = Math.min(...looks.map((look) => look?.checked ?? 0));
  return { text: 'pullable', tone: 'good', detail: `looked at ${age(now - oldest)}` };
}

export const nameOfSeen = ({ digest, imageId }: RunningImage) => digest ?? imageId ?? 'not known yet';
