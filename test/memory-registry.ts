// A registry client over manifests and blobs in memory, which logs what is asked of it. For tests
// of closures and drift.
import type { Reference } from '../src/flow.ts';
import { digestOf } from '../src/image/hash.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../src/image/media-type.ts';
import { Problem } from '../src/problem.ts';
import type { Descriptor, Manifest } from '../src/registry/descriptor.ts';

const CONFIG = 'application/vnd.oci.image.config.v1+json';

export class MemoryRegistry {
  readonly log: string[] = [];
  /** Tags and digests → manifests. */
  readonly manifests = new Map<string, Manifest>();
  readonly blobs = new Map<string, Buffer>();
  /** Tags and digests that cannot be asked for. */
  readonly unreachable = new Set<string>();

  /** Puts a manifest or an index. @returns its digest */
  put(body: object | string, mediaType: string, tag?: string): string {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const digest = digestOf(bytes);
    const manifest = { bytes, digest, mediaType, size: bytes.length };
    this.manifests.set(digest, manifest);
    if (tag !== undefined) this.manifests.set(tag, manifest);
    return digest;
  }

  /** Puts a plain image with its configuration. */
  image(config: object | string, tag?: string, more: object = {}): string {
    const bytes = Buffer.from(typeof config === 'string' ? config : JSON.stringify(config));
    this.blobs.set(digestOf(bytes), bytes);
    const descriptor = { mediaType: CONFIG, digest: digestOf(bytes), size: bytes.length };
    return this.put({ schemaVersion: 2, config: descriptor, layers: [], ...more }, OCI_MANIFEST, tag);
  }

  /** Puts an index. @param manifests what it says about each: at least the digest */
  index(manifests: readonly object[], tag?: string): string {
    const entries = manifests.map((entry) => ({ mediaType: OCI_MANIFEST, size: 1, ...entry }));
    return this.put({ schemaVersion: 2, manifests: entries }, OCI_INDEX, tag);
  }

  async head(reference: Reference): Promise<Descriptor> {
    const { bytes: _, ...descriptor } = this.#find('HEAD', reference);
    return descriptor;
  }

  async manifest(reference: Reference): Promise<Manifest> {
    return this.#find('GET', reference);
  }

  async blob(reference: Reference, digest: string): Promise<Buffer> {
    this.log.push(`blob ${digest.slice(7, 11)}`);
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) throw new Problem('not-found', 'no such blob', { image: reference.text });
    return bytes;
  }

  #find(method: string, reference: Reference): Manifest {
    const name = reference.digest ?? reference.tag ?? 'latest';
    this.log.push(`${method} ${name.startsWith('sha256:') ? name.slice(7, 11) : name}`);
    if (this.unreachable.has(name)) throw new Problem('unreachable', 'no answer');
    const manifest = this.manifests.get(name);
    if (manifest === undefined) throw new Problem('not-found', 'no such manifest');
    return manifest;
  }
}
