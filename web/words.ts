// How things are said: short digests, ages, states. Unknown never looks like fine.
import type { Identity, Row } from './api.ts';

export const short = (digest: string) => `${digest.slice(0, 19)}…`;
/** A digest inside a reference, by its beginning. */
export const shortImage = (image: string) => image.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/, '$1…');
export const titleOf = ({ namespace, kind, name }: { namespace: string; kind: string; name: string }) =>
  `${namespace}/${kind}/${name}`;

export function age(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`;
}

export const time = (text: string) => text.slice(0, 16).replace('T', ' ');

export type Tone = 'good' | 'warn' | 'bad' | 'unknown';
type Said = { readonly text: string; readonly tone: Tone; readonly detail?: string };

export function sayPinned({ pinned }: Row): Said {
  if (pinned === 'both') return { text: 'tag and digest', tone: 'good' };
  if (pinned === 'digest') return { text: 'digest', tone: 'good' };
  return pinned === 'tag' ? { text: 'tag only', tone: 'warn' } : { text: 'not a reference', tone: 'bad' };
}

/** The worst of what its pods run. */
export function sayIdentity({ identities, running }: Row): Said {
  if (running.length === 0 || identities.length === 0) return { text: 'nothing runs', tone: 'unknown' };
  const of = <S extends Identity['state']>(state: S) =>
    identities.find((item): item is Extract<Identity, { state: S }> => item.state === state);
  const different = of('different');
  if (different) return { text: 'something else runs', tone: 'bad', detail: `declared ${short(different.declared)}` };
  const moved = of('moved');
  if (moved) return { text: 'tag moved', tone: 'warn', detail: `now ${short(moved.now)}` };
  const unknown = of('unknown');
  if (unknown) return { text: 'not known', tone: 'unknown', detail: unknown.reason };
  return { text: of('exact') ? 'as declared' : 'same as the tag', tone: 'good' };
}

export function sayChecked({ tag }: Row, now: number): string {
  if (tag === undefined) return '';
  if (tag.failure !== null) return `last try failed: ${tag.failure}`;
  return tag.checked === null ? 'not looked at yet' : `looked at ${age(now - tag.checked)}`;
}
