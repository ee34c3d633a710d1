// Docker Content Trust: which digest do a repository's signers assign to this tag? Notary v1, from a pinned root. Nothing is
// trusted on first use, and every file is bound to the one before it. The steps:
//   1 root: leads back to a pin (root.ts)        2 timestamp: signed, not expired
//   3 snapshot: bound by the timestamp           4 root and targets: bound by the snapshot
//   5 delegations: bound by the snapshot, keys from targets, limited to their paths
//   6 no version is older than one seen before (state.ts)
import type { PinnedReference, Proof, Verdict } from '../../flow.ts';
import { repositoryOf } from '../../image/reference.ts';
import type { AuthorityOf } from '../../policy/config.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Verifier } from '../verifier.ts';
import type { TufKey } from './key.ts';
import {
  checkBytes,
  checkRole,
  Disorder,
  type FileMetaData,
  keysOf,
  type RoleFile,
  type RoleKeys,
  Root,
  readRole,
  Snapshot,
  Targets,
  type TargetsData,
  Timestamp,
} from './metadata.ts';
import { trustRoot } from './root.ts';
import { NotaryServer, RETIRED } from './server.ts';
import { loadNotarySigner, type NotarySigner } from './signer.ts';
import { keepVersions, readVersions, type Versions } from './state.ts';

export const NOTARY_VERIFIER: Verifier<AuthorityOf<'notary'>, NotarySigner> = {
  load: loadNotarySigner,
  verify:
    ({ client, subject, now }) =>
    async (signer) => ({ verdict: await verifyNotary(client, subject, signer, now) }),
  describe: () => ({ keyIds: [], recordedBy: 'other' }),
};

export async function verifyNotary(
  client: Pick<RegistryClient, 'service'>,
  subject: PinnedReference,
  signer: NotarySigner,
  now: Date,
): Promise<Verdict> {
  try {
    return await new Walk(client, subject, signer, now).verdict();
  } catch (error) {
    if (error instanceof Disorder) return { kind: 'invalid', reasons: [error.message] };
    const problem = asProblem(error, 'unreachable', { image: subject.text });
    return { kind: 'unchecked', problem };
  }
}

/** A delegation's targets file, and the keys that may sign it. */
type Delegation = { readonly file: RoleFile<TargetsData>; readonly keys: readonly TufKey[] };

/** One walk from the pinned root to the tag; holds what the steps share. */
class Walk {
  readonly #signer: NotarySigner;
  readonly #subject: PinnedReference;
  readonly #gun: string;
  readonly #url: string;
  readonly #server: NotaryServer;
  readonly #now: Date;
  readonly #seen: Record<string, number> = {};

  constructor(client: Pick<RegistryClient, 'service'>, subject: PinnedReference, signer: NotarySigner, now: Date) {
    if (signer.server === undefined && subject.registry === 'docker.io') throw new Problem('refused', RETIRED);
    this.#signer = signer;
    this.#subject = subject;
    this.#gun = repositoryOf(subject);
    this.#url = signer.server ?? `https://${subject.registry}`;
    this.#now = now;
    const service = client.service({ url: this.#url, ca: signer.ca, registry: subject.registry });
    this.#server = new NotaryServer(service, this.#gun);
  }

  async verdict(): Promise<Verdict> {
    const latest = await this.#server.find('root');
    if (latest === undefined) return { kind: 'unsigned' };
    const before = readVersions(this.#url, this.#gun);
    const root = await trustRoot(readRole(latest, Root, 'root'), {
      pins: this.#signer,
      gun: this.#gun,
      now: this.#now,
      fetchVersion: (version) => this.#server.find(`${version}.root`),
    });
    if (root === undefined) return { kind: 'others', count: 1 };
    const keysFor = (name: 'timestamp' | 'snapshot' | 'targets') => ({
      keys: keysOf(root.data.keys, root.data.roles[name]),
      threshold: root.data.roles[name].threshold,
    });
    const timestamp = readRole(await this.#server.get('timestamp'), Timestamp, 'timestamp');
    this.#check(timestamp, 'timestamp', keysFor('timestamp'));
    const snapshotBytes = await this.#server.getBound('snapshot', timestamp.data.meta.snapshot);
    const snapshot = readRole(snapshotBytes, Snapshot, 'snapshot');
    this.#check(snapshot, 'snapshot', keysFor('snapshot'));
    const { root: rootMeta, targets: targetsMeta } = snapshot.data.meta;
    if (rootMeta === undefined || targetsMeta === undefined)
      throw new Disorder('snapshot: names no root or no targets');
    checkBytes(root.bytes, rootMeta, 'root');
    const targets = readRole(await this.#server.getBound('targets', targetsMeta), Targets, 'targets');
    this.#check(targets, 'targets', keysFor('targets'));
    this.#seen['root'] = root.data.version;
    const verdict = await this.#find({ file: targets, keys: keysFor('targets').keys }, snapshot.data.meta);
    this.#checkVersions(before);
    return verdict;
  }

  /** @throws Disorder unless enough keys of the role signed the file and it has not expired */
  #check(file: RoleFile<{ expires: string; version: number }>, role: string, keys: RoleKeys): void {
    checkRole(file, { ...keys, role, now: this.#now });
    this.#seen[role] = file.data.version;
  }

  /** Older metadata, though validly signed, is a rollback (T7). */
  #checkVersions(before: Versions): void {
    for (const [name, version] of Object.entries(this.#seen)) {
      if (version < (before[name] ?? 0))
        throw new Disorder(
          `${name} has version ${version}, but version ${before[name]} was seen before: rolled back (T7)`,
        );
    }
    keepVersions(this.#url, this.#gun, this.#seen);
  }

  /** Every named signer must assign this digest to the tag. Without names the releases role decides, then targets. */
  async #find(targets: Delegation, meta: Record<string, FileMetaData>): Promise<Verdict> {
    const { signers } = this.#signer;
    if (signers.length > 0) {
      const proofs: Proof[] = [];
      for (const name of signers) {
        const delegation = await this.#delegation(targets.file.data, meta, `targets/${name}`);
        const answer = delegation && this.#lookUp(delegation, `targets/${name}`);
        if (answer === undefined) return { kind: 'others', count: 1 };
        if (answer.kind !== 'verified') return answer;
        proofs.push(answer);
      }
      const [first, ...rest] = proofs as [Proof, ...Proof[]];
      return { kind: 'verified', ...first, by: [first, ...rest].map(({ by }) => by).join(', ') };
    }
    const releases = await this.#delegation(targets.file.data, meta, 'targets/releases');
    return (
      (releases && this.#lookUp(releases, 'targets/releases')) ??
      this.#lookUp(targets, 'targets') ?? { kind: 'unsigned' }
    );
  }

  /** undefined: the role has no entry for this tag. Without a tag, any tag with this digest counts. */
  #lookUp({ file, keys }: Delegation, role: string): Verdict | undefined {
    const { tag, digest } = this.#subject;
    const hex = (meta: FileMetaData) => Buffer.from(meta.hashes['sha256'] ?? '', 'base64').toString('hex');
    const entries = Object.entries(file.data.targets ?? {});
    const entry =
      tag !== undefined
        ? entries.find(([name]) => name === tag)
        : entries.find(([, meta]) => `sha256:${hex(meta)}` === digest);
    if (entry === undefined) return undefined;
    const [name, meta] = entry;
    if (`sha256:${hex(meta)}` !== digest)
      return { kind: 'invalid', reasons: [`${role} gives ${this.#gun}:${name} the digest sha256:${hex(meta)}`] };
    const [id = ''] = file.signedBy(keys);
    return {
      kind: 'verified',
      by: `${role}, key ${id.slice(0, 12)}`,
      layout: 'notary',
      keyId: id,
      times: [],
      annotations: {},
    };
  }

  /**
   * A delegation with its keys from targets. undefined: it does not exist, has signed nothing yet, or may not sign this tag.
   * One that is listed and invalid throws: skipping it would let a server choose which of two answers counts.
   */
  async #delegation(
    targets: TargetsData,
    meta: Record<string, FileMetaData>,
    name: string,
  ): Promise<Delegation | undefined> {
    const role = targets.delegations?.roles?.find((item) => item.name === name);
    const stated = meta[name];
    if (role === undefined || stated === undefined) return undefined;
    const { tag } = this.#subject;
    if (tag !== undefined && !(role.paths ?? []).some((prefix) => tag.startsWith(prefix))) return undefined;
    const keys = keysOf(targets.delegations?.keys ?? {}, role);
    const file = readRole(await this.#server.getBound(name, stated), Targets, name);
    this.#check(file, name, { keys, threshold: role.threshold });
    return { file, keys };
  }
}
