// The closure of an image with its configurations, which some runtimes report in the place of what was pulled.
import type { Reference } from '../flow.ts';
import { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { readClosure, readConfig } from '../resolve/closure.ts';
import type { ImageClosure } from './identity.ts';

/** @param reference with its digest; @throws Problem where any part of it cannot be read */
export async function readImageClosure(
  client: Pick<RegistryClient, 'manifest' | 'blob'>,
  reference: Reference,
): Promise<ImageClosure> {
  if (reference.digest === undefined) throw new Problem('usage', 'expected a digest', { image: reference.text });
  const { root, children, config } = await readClosure(client, reference);
  const members = new Map<string, { role: 'index' | 'manifest' | 'config'; platform?: string }>();
  members.set(root.digest, { role: children.length > 0 ? 'index' : 'manifest' });
  if (config !== undefined) members.set(config.configDigest, { role: 'config', platform: config.platform });
  for (const { digest, platform, attachment } of children) {
    if (attachment) continue;
    const at = platform === undefined ? {} : { platform };
    members.set(digest, { role: 'manifest', ...at });
    members.set((await readConfig(client, reference, digest)).configDigest, { role: 'config', ...at });
  }
  return { root: root.digest, members };
}
