// An API server in memory for tests: objects and lists by path, scripted failures, and a record of every write.
import type { KubeClient, Patch } from '../src/kube/client.ts';
import type { KubeObject } from '../src/kube/object.ts';
import { Problem } from '../src/problem.ts';

export type Write = { readonly method: string; readonly path: string; readonly body: object };
export type ReviewSpec = { readonly user: string; readonly resourceAttributes: Readonly<Record<string, string>> };

const REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

export class FakeKube {
  readonly access = { server: 'https://fake', headers: async () => ({}), tls: {}, namespace: 'tagproof', name: 'fake' };
  /** What `get` and `find` return, by path. */
  readonly objects = new Map<string, KubeObject>();
  /** What `list` returns, by path; a path without a list is not found. */
  readonly lists = new Map<string, readonly KubeObject[]>();
  /** Thrown by every call with this path. */
  readonly failures = new Map<string, Problem>();
  readonly writes: Write[] = [];
  /** Paths that were read. */
  readonly reads: string[] = [];
  /** Answers SubjectAccessReviews. */
  allows: (spec: ReviewSpec) => boolean = () => true;
  time: number | undefined = Date.now();

  get client(): KubeClient {
    return this as unknown as KubeClient;
  }

  async get(path: string): Promise<KubeObject> {
    this.#read(path);
    const object = this.objects.get(path);
    if (object === undefined) throw new Problem('not-found', `${path} does not exist`);
    return object;
  }

  async find(path: string): Promise<KubeObject | undefined> {
    this.#read(path);
    return this.objects.get(path);
  }

  async list<T = KubeObject>(
    path: string,
    _query = '',
    take = (object: KubeObject) => object as T,
  ): Promise<{ items: readonly T[]; resourceVersion: string }> {
    this.#read(path);
    const items = this.lists.get(path);
    if (items === undefined) throw new Problem('not-found', `${path} does not exist`);
    return { items: items.map(take), resourceVersion: '1' };
  }

  /** Watch events of a path: ended by the signal. */
  readonly #streams = new Map<string, (line: Buffer) => void>();

  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const { readable, writable } = new TransformStream<Buffer, Buffer>();
    const writer = writable.getWriter();
    const key = path.split('?')[0] as string;
    this.#streams.set(key, (line) => void writer.write(line).catch(() => {}));
    signal.addEventListener('abort', () => void writer.abort(signal.reason).catch(() => {}));
    return readable;
  }

  /** Sends a watch event to the watcher of the path. */
  emit(path: string, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void {
    this.#streams.get(path)?.(Buffer.from(`${JSON.stringify({ type, object })}\n`));
  }

  isWatched(path: string): boolean {
    return this.#streams.has(path);
  }

  async create(path: string, body: object): Promise<KubeObject> {
    this.#write('create', path, body);
    if (path !== REVIEWS) return body as KubeObject;
    return { status: { allowed: this.allows((body as { spec: ReviewSpec }).spec) } };
  }

  async replace(path: string, body: object): Promise<KubeObject> {
    this.#write('replace', path, body);
    this.objects.set(path, body as KubeObject);
    return body as KubeObject;
  }

  async patch(path: string, _: Patch, body: object): Promise<KubeObject> {
    this.#write('patch', path, body);
    return body as KubeObject;
  }

  async delete(path: string): Promise<KubeObject> {
    this.#write('delete', path, {});
    return {};
  }

  async clock(): Promise<number | undefined> {
    return this.time;
  }

  #read(path: string): void {
    this.reads.push(path);
    this.#fail(path);
  }

  #write(method: string, path: string, body: object): void {
    this.#fail(path);
    this.writes.push({ method, path, body });
  }

  #fail(path: string): void {
    const failure = this.failures.get(path);
    if (failure !== undefined) throw failure;
  }
}
