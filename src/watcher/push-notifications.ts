// Reads push notifications of registries: of distribution, of Harbor, and a plain form. A
// notification is never believed: it only makes the poll of a watched tag due now. Pure.
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';

export const HINT_KINDS = ['distribution', 'harbor', 'generic'] as const;
export type HintKind = (typeof HINT_KINDS)[number];

/** Images of one message that are read. */
const MAX_IMAGES = 1000;

type Loose = { readonly [key: string]: unknown };
const isLoose = (value: unknown): value is Loose => typeof value === 'object' && value !== null;
const listOf = (value: unknown): Loose[] => (Array.isArray(value) ? value.filter(isLoose) : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * @param body JSON as it was received
 * @param registry the host under which images name the registry, where the registry itself uses another
 * @returns references with tags; whatever has no tag, or is not understood, is left out
 */
export function hintsOf(kind: HintKind, body: unknown, registry: string | undefined): Reference[] {
  if (!isLoose(body)) throw new Problem('usage', 'expected a JSON object');
  const texts = READERS[kind](body, registry).slice(0, MAX_IMAGES);
  return texts.flatMap((text) => {
    const reference = parseReference(text);
    if (reference instanceof Problem || reference.tag === undefined) return [];
    const { digest: _, ...tagged } = reference;
    return [tagged];
  });
}

const READERS: Record<HintKind, (body: Loose, registry: string | undefined) => string[]> = {
  // distribution.github.io, "Working with notifications": an envelope of events.
  distribution: (body, registry) =>
    listOf(body['events']).flatMap(({ action, target, request }) => {
      if (!isLoose(target) || (action !== 'push' && action !== 'delete')) return [];
      const host = registry ?? textOf(isLoose(request) ? request['host'] : '');
      return target['tag'] === undefined ? [] : [`${host}/${textOf(target['repository'])}:${textOf(target['tag'])}`];
    }),
  // goharbor.io, "Configure Webhook Notifications": the default form, and CloudEvents with the same
  // content under `data`.
  harbor: (body, registry) => {
    const data = [body['event_data'], body['data']].find(isLoose) ?? {};
    const repository = isLoose(data['repository']) ? textOf(data['repository']['repo_full_name']) : '';
    return listOf(data['resources']).map(({ resource_url, tag }) =>
      registry === undefined ? textOf(resource_url) : `${registry}/${repository}:${textOf(tag)}`,
    );
  },
  generic: ({ image, images }) => [textOf(image), ...(Array.isArray(images) ? images.map(textOf) : [])].filter(Boolean),
};
