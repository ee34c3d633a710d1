// The closure of an image with its configurations, which some runtimes report in the place of what was pulled; and what it is made of.
import type { Reference } from '../flow.ts';
import type { ImageFacts } from '../ledger/event.ts';
import { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { type ImageConfig, readClosure, readImageConfig } from '../resolve/closure.ts';
import { factsOf } from './image-facts.ts';
import type { ImageClosure } from './image-identity.ts';

/** @param reference with its digest; @throws Problem where any part of it cannot be read */
export async function readImageClosure(
  client: Pick<RegistryClient, 'manifest' | 'blob'>,
  reference: Reference,
): Promise<ImageClosure & { readonly images: readonly ImageFacts[] }> {
  if (reference.digest === undefined) throw new Problem('usage', 'expected a digest', { image: reference.text });
  const { root, children, config } = await readClosure(client, reference);
  const members = new Map<string, { role: 'index' | 'manifest' | 'config'; platform?: string }>();
  const images: ImageFacts[] = [];
  const add = (own: ImageConfig) => {
    members.set(own.configDigest, { role: 'config', platform: own.platform });
    images.push(factsOf(own));
  };
  members.set(root.digest, { role: children.length > 0 ? 'index' : 'manifest' });
  if (config !== undefined) {
    members.set(root.digest, { role: 'manifest', platform: config.platform });
    add(config);
  }
  for (const { digest, platform, attachment } of children) {
    if (attachment) continue;
    members.set(digest, { role: 'manifest', ...(platform !== undefined && { platform }) });
    add(await readImageConfig(client, reference, digest));
  }
  return { root: root.digest, members, images };
}
