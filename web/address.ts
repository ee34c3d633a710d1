// What the page shows is in its address, so that it can be sent to someone else.
import type { Filter } from './api.ts';

/** Every filter of the server has a label: a new one without a label does not compile. */
export const FILTER_LABELS: Readonly<Record<Filter, string>> = {
  unpinned: 'Not pinned',
  unverified: 'Not verified',
  moved: 'Tag moved',
  mixed: 'Mixed replicas',
  unrecoverable: 'Not pullable',
  different: 'Unexpected image',
  gone: 'Tag gone',
  missingPlatform: 'Platform missing',
  held: 'Held',
  unknown: 'Unknown',
};

export const VIEWS = {
  deployed: 'What is deployed',
  moves: 'Tag moves',
  alarms: 'Alarms',
  polls: 'Freshness',
} as const;
export type View = keyof typeof VIEWS;

export type Shown = { readonly view: View; readonly filter: Filter | ''; readonly q: string };

/** @param hash with or without its `#`; what is not understood is the default */
export function parseAddress(hash: string): Shown {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const [view, filter] = [given.get('view') ?? '', given.get('filter') ?? ''];
  return {
    view: Object.hasOwn(VIEWS, view) ? (view as View) : 'deployed',
    filter: Object.hasOwn(FILTER_LABELS, filter) ? (filter as Filter) : '',
    q: given.get('q') ?? '',
  };
}

export function printAddress({ view, filter, q }: Shown): string {
  const address = { ...(view !== 'deployed' && { view }), ...(filter && { filter }), ...(q && { q }) };
  return `#${new URLSearchParams(address)}`;
}
