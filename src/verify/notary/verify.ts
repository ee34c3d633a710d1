// Docker Content Trust: which digest do a repository's signers give this tag? Notary v1, from a pinned root; the order of
// steps is facts/signatures 5.2. Nothing is trusted on first use, and everything is bound to what came before it.
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Proof, Reference, Verdict } from '../../flow.ts';
import { repositoryOf } from '../../image/reference.ts';
import type { Authority, NotaryAuthority } from '../../policy/config.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { RegistryResponse } from '../../registry/exchange.ts';
import { parseJson } from '../../sigstore/json.ts';
import type { TufKey } from './key.ts';
import {
  checkBytes,
  checkRole,
  Disorder,
  type FileMetaData,
  keysOf,
  type RoleFile,
  Root,
  readRole,
  Snapshot,
  Targets,
  type TargetsData,
  Timestamp,
} from './metadata.ts';
import { type Pins, trustRoot } from './root.ts';
import { keepVersions, readVersions } from './state.ts';

export type NotarySigner = Pins & {
  readonly kind: 'notary';
  readonly name: string;
  readonly server: string | undefined;
  readonly ca: string | undefined;
  readonly signers: readonly string[];
};

/** One file of metadata, bytes. */
const MAX_METADATA = 1024 * 1024;
const HUB = 'notary.docker.io';
const RETIRED =
  'Docker retires Docker Content Trust: notary.docker.io is shut down on 8 December 2026. Ask for a cosign or Notation signature of this image instead, or sign your own copy of it (tagproof sign) and name that authority in tagproof.yaml';

export function loadNotarySigner(
  name: string,
  { server, ca, roots, signers }: Authority & NotaryAuthority,
): NotarySigner {
  const certificates: X509Certificate[] = [];
  const keys: KeyObject[] = [];
  for (const [index, pem] of roots.entries()) {
    try {
      if (pem.includes('CERTIFICATE')) certificates.push(new X509Certificate(pem));
      else keys.push(createPublicKey(pem));
    } catch (error) {
      throw new Problem('usage', `notary.roots[${index}]: expected a public key or a certificate in PEM`, {}, error);
    }
  }
  return {
    kind: 'notary',
    name,
    server,
    ca,
    keys: new Set(keys.map((key) => key.export({ type: 'spki', format: 'der' }).toString('hex'))),
    certificates,
    signers,
  };
}

export async function verifyNotary(
  client: Pick<RegistryClient, 'service'>,
  subject: Reference,
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

/** One walk from the pinned root to the tag: holds what the steps share. */
class Walk {
  readonly #signer: NotarySigner;
  readonly #subject: Reference;
  readonly #gun: string;
  readonly #server: string;
  readonly #service: ReturnType<RegistryClient['service']>;
  readonly #now: Date;
  readonly #seen: Record<string, number> = {};

  constructor(client: Pick<RegistryClient, 'service'>, subject: Reference, signer: NotarySigner, now: Date) {
    if (signer.server === undefined && subject.registry === 'docker.io') throw new Problem('refused', RETIRED);
    this.#signer = signer;
    this.#subject = subject;
    this.#gun = repositoryOf(subject);
    this.#server = signer.server ?? `https://${subject.registry}`;
    this.#now = now;
    this.#service = client.service({ url: this.#server, ca: signer.ca, registry: subject.registry });
  }

  async verdict(): Promise<Verdict> {
    const latest = await this.#fetch('root', true);
    if (latest === undefined) return { kind: 'unsigned' };
    const before = readVersions(this.#server, this.#gun);
    const root = await trustRoot(readRole(latest, Root, 'root'), this.#signer, this.#gun, this.#now, (version) =>
      this.#fetch(`${version}.root`, true),
    );
    if (root === undefined) return { kind: 'others', count: 1 };
    const role = (name: 'timestamp' | 'snapshot' | 'targets') => ({
      keys: keysOf(root.data.keys, root.data.roles[name]),
      threshold: root.data.roles[name].threshold,
    });
    const timestamp = readRole(await this.#needed('timestamp'), Timestamp, 'timestamp');
    checkRole(timestamp, role('timestamp').keys, role('timestamp').threshold, 'timestamp', this.#now);
    const snapshot = readRole(await this.#bound('snapshot', timestamp.data.meta.snapshot), Snapshot, 'snapshot');
    checkRole(snapshot, role('snapshot').keys, role('snapshot').threshold, 'snapshot', this.#now);
    const { root: rootMeta, targets: targetsMeta } = snapshot.data.meta;
    if (rootMeta === undefined || targetsMeta === undefined)
      throw new Disorder('snapshot: names no root or no targets');
    checkBytes(root.bytes, rootMeta, 'root');
    const targets = readRole(await this.#bound('targets', targetsMeta), Targets, 'targets');
    checkRole(targets, role('targets').keys, role('targets').threshold, 'targets', this.#now);
    Object.assign(this.#seen, {
      root: root.data.version,
      timestamp: timestamp.data.version,
      snapshot: snapshot.data.version,
      targets: targets.data.version,
    });
    const verdict = await this.#find(targets, snapshot.data.meta, role('targets').keys);
    for (const [name, version] of Object.entries(this.#seen)) {
      if (version < (before[name] ?? 0))
        throw new Disorder(
          `${name} has version ${version}, but version ${before[name]} was seen before: rolled back (T7)`,
        );
    }
    keepVersions(this.#server, this.#gun, this.#seen);
    return verdict;
  }

  /** Every named signer must give the tag this digest; without names the releases role speaks, then targets. */
  async #find(
    targets: RoleFile<TargetsData>,
    meta: Record<string, FileMetaData>,
    targetsKeys: readonly TufKey[],
  ): Promise<Verdict> {
    const { signers } = this.#signer;
    if (signers.length > 0) {
      const proofs: Proof[] = [];
      for (const name of signers) {
        const delegated = await this.#delegation(targets.data, meta, `targets/${name}`);
        const answer = delegated && this.#lookUp(delegated.file, delegated.keys, `targets/${name}`);
        if (answer === undefined) return { kind: 'others', count: 1 };
        if (answer.kind !== 'verified') return answer;
        proofs.push(answer);
      }
      const [first, ...rest] = proofs as [Proof, ...Proof[]];
      return { kind: 'verified', ...first, by: [first, ...rest].map(({ by }) => by).join(', ') };
    }
    const releases = await this.#delegation(targets.data, meta, 'targets/releases');
    return (
      (releases && this.#lookUp(releases.file, releases.keys, 'targets/releases')) ??
      this.#lookUp(targets, targetsKeys, 'targets') ?? { kind: 'unsigned' }
    );
  }

  /** undefined: the role does not speak of this tag. Without a tag, any tag with this digest will do. */
  #lookUp({ data, signedBy }: RoleFile<TargetsData>, keys: readonly TufKey[], role: string): Verdict | undefined {
    const { tag, digest } = this.#subject;
    const hex = (meta: FileMetaData) => Buffer.from(meta.hashes['sha256'] ?? '', 'base64').toString('hex');
    const entries = Object.entries(data.targets ?? {});
    const mine =
      tag !== undefined
        ? entries.find(([name]) => name === tag)
        : entries.find(([, meta]) => `sha256:${hex(meta)}` === digest);
    if (mine === undefined) return undefined;
    if (`sha256:${hex(mine[1])}` !== digest)
      return { kind: 'invalid', reasons: [`${role} gives ${this.#gun}:${mine[0]} the digest sha256:${hex(mine[1])}`] };
    const [id = ''] = signedBy(keys);
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
   * A delegation with its keys from targets. undefined: there is none, it has signed nothing yet, or it must not speak of this
   * tag. One that is listed and not in order throws: skipping it would let a server choose which of two answers counts.
   */
  async #delegation(
    targets: TargetsData,
    meta: Record<string, FileMetaData>,
    name: string,
  ): Promise<{ file: RoleFile<TargetsData>; keys: TufKey[] } | undefined> {
    const role = targets.delegations?.roles?.find((item) => item.name === name);
    const stated = meta[name];
    if (role === undefined || stated === undefined) return undefined;
    const { tag } = this.#subject;
    if (tag !== undefined && !(role.paths ?? []).some((prefix) => tag.startsWith(prefix))) return undefined;
    const keys = keysOf(targets.delegations?.keys ?? {}, role);
    const file = readRole(await this.#bound(name, stated), Targets, name);
    checkRole(file, keys, role.threshold, name, this.#now);
    this.#seen[name] = file.data.version;
    return { file, keys };
  }

  async #needed(role: string): Promise<Buffer> {
    const bytes = await this.#fetch(role, false);
    return bytes as Buffer;
  }

  /** By its hash, so that what is read is what the file before it named. */
  async #bound(role: string, meta: FileMetaData): Promise<Buffer> {
    if (meta.length > MAX_METADATA)
      throw new Disorder(`${role} would be ${meta.length} bytes: more than tagproof reads`);
    const sha256 = meta.hashes['sha256'];
    const name = sha256 === undefined ? role : `${role}.${Buffer.from(sha256, 'base64').toString('hex')}`;
    const bytes = await this.#needed(name);
    checkBytes(bytes, meta, role);
    return bytes;
  }

  /** @param optional undefined where the server says that it has no such metadata */
  async #fetch(name: string, optional: boolean): Promise<Buffer | undefined> {
    const retired = this.#service.host === HUB ? `. ${RETIRED}` : '';
    const path = `v2/${this.#gun}/_trust/tuf/${name}.json`;
    let answer: RegistryResponse;
    try {
      answer = await this.#service.get(path, this.#gun, MAX_METADATA);
    } catch (error) {
      const problem = asProblem(error, 'unreachable');
      throw new Problem(problem.code, problem.message + retired, problem.where, error);
    }
    const { status, body } = answer;
    if (status === 200) return body;
    const { errors } = (parseJson(body) ?? {}) as { errors?: { code?: unknown }[] };
    // A 404 in the server's own words; any other page of "not found" is not an answer about this repository.
    const absent = status === 404 && Array.isArray(errors) && errors.some((e) => e?.code === 'METADATA_NOT_FOUND');
    if (absent && optional) return undefined;
    if (absent) throw new Disorder(`the Notary server has no ${name}`);
    const code = status === 401 || status === 403 ? 'denied' : status === 429 ? 'rate-limited' : 'unreachable';
    throw new Problem(code, `the Notary server ${this.#service.host} answered ${status} for ${name}${retired}`);
  }
}
