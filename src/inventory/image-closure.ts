// Reads the closure of an image and the facts about it. Configurations are part of the closure,
// because some runtimes report them in place of the manifest that was pulled.
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
  const addConfig = (image: ImageConfig) => {
    members.set(image.configDigest, { role: 'config', platform: image.platform });
    images.push(factsOf(image));
  };
  members.set(root.digest, { role: children.length > 0 ? 'index' : 'manifest' });
  if (config !== undefined) {
    members.set(root.digest, { role: 'manifest', platform: config.platform });
    addConfig(config);
  }
  for (const { digest, platform, attachment } of children) {
    if (attachment) continue;
    members.set(digest, { role: 'manifest', ...(platform !== undefined && { platform }) });
    addConfig(await readImageConfig(client, reference, digest));
  }
  return { root: root.digest, members, images };
}
