// Refreshes a trust root by TUF: from a pinned root.json, through its rotations, to the bytes that its keys vouch for today. The
// client of The Update Framework verifies; it downloads through our own bounded HTTP client.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BaseFetcher, Updater } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { commitFiles } from '../../commit/commit.ts';
import { readNamed } from '../../file.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { dataFolder, PUBLIC_MIRROR, shippedSeed } from './store.ts';

/** The largest file of a TUF repository that is read, bytes; each has its own smaller bound in the metadata. */
const MAX_FILE = 4 * 1024 * 1024;
const TARGET = 'trusted_root.json';

/**
 * @param mirror URL of the TUF repository
 * @param rootFile its root.json, pinned; tagproof is shipped only with that of the public-good instance
 * @returns the bytes of trusted_root.json
 */
export async function updateRoot(
  client: Pick<RegistryClient, 'service'>,
  mirror: string,
  rootFile: string | undefined,
): Promise<Buffer> {
  const first = rootFile === undefined ? await shippedRoot(mirror) : readNamed(rootFile);
  // Each pin has its own state: metadata that was verified from one pin proves nothing for another.
  const pin = createHash('sha256').update(first).digest('hex').slice(0, 16);
  const folder = join(dataFolder(), 'tuf', `${encodeURIComponent(mirror)}-${pin}`);
  try {
    mkdirSync(join(folder, 'targets'), { recursive: true });
  } catch (error) {
    throw asProblem(error, 'file', { file: folder });
  }
  // A root that is there was verified from an earlier one. An older one never replaces it (T7).
  const { problems } = commitFiles([
    { kind: 'merge', file: join(folder, 'root.json'), merge: (now) => (now === undefined ? first : undefined) },
  ]);
  for (const problem of problems) throw problem;
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: mirror,
    targetDir: join(folder, 'targets'),
    targetBaseUrl: `${mirror}/targets`,
    fetcher: new ServiceFetcher(client.service({ url: mirror })),
  });
  try {
    const target = await updater.getTargetInfo(TARGET);
    if (target === undefined) throw new Error(`it has no ${TARGET}`);
    const file = (await updater.findCachedTarget(target)) ?? (await updater.downloadTarget(target));
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(
      'mismatch',
      `the TUF repository ${mirror} did not verify, nothing was changed: ${(error as Error).message}`,
      {},
      error,
    );
  }
}

async function shippedRoot(mirror: string): Promise<Buffer> {
  if (mirror === PUBLIC_MIRROR) return (await shippedSeed()).tufRoot;
  throw new Problem('usage', `give the root.json of ${mirror} with --root: there is no trust on first use`);
}

/** Our bounded HTTP client behind the TUF client's interface. */
class ServiceFetcher extends BaseFetcher {
  readonly #service: ReturnType<RegistryClient['service']>;

  constructor(service: ReturnType<RegistryClient['service']>) {
    super();
    this.#service = service;
  }

  async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const { status, body } = await this.#service.get(url, '', MAX_FILE);
    if (status !== 200) throw new DownloadHTTPError(`${url} answered ${status}`, status);
    return new Blob([Uint8Array.from(body)]).stream();
  }
}
