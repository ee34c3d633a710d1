// Notary v1 metadata for tests, with any fault: keys, signed roles bound to each other, and a server in memory.
import { createHash, type KeyObject, sign } from 'node:crypto';
import { canonicalJson } from '../../src/verify/notary/canonical.ts';
import type { SignatureClient } from '../../src/verify/verifier.ts';
import * as der from './der.ts';
import { DAY, pair, spkiOf } from './keys.ts';

export const GUN = 'registry.test/org/app';
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

export type TestKey = {
  id: string;
  json: { keytype: 'ecdsa' | 'ecdsa-x509'; keyval: { private: null; public: string } };
  pem: string;
  privateKey: KeyObject;
};

const named = (keytype: TestKey['json']['keytype'], bytes: Buffer, pem: string, privateKey: KeyObject): TestKey => {
  const json = { keytype, keyval: { private: null, public: bytes.toString('base64') } };
  return { id: sha256(Buffer.from(canonicalJson(json))).toString('hex'), json, pem, privateKey };
};

export function keyOf({ publicKey, privateKey } = pair()): TestKey {
  return named('ecdsa', spkiOf(publicKey), publicKey.export({ type: 'spki', format: 'pem' }) as string, privateKey);
}

/** A root key: a self-signed certificate for the repository's name. */
export function rootKeyOf(more: Partial<der.Certificate> = {}): TestKey {
  const { publicKey, privateKey } = pair();
  const certificate = der.certificate({
    subject: { CN: GUN },
    issuer: { CN: GUN },
    spki: spkiOf(publicKey),
    signer: privateKey,
    from: new Date(Date.now() - DAY),
    to: new Date(Date.now() + DAY),
    extensions: [],
    ...more,
  });
  const text = der.pem(certificate);
  return named('ecdsa-x509', Buffer.from(text), text, privateKey);
}

export type Role = 'root' | 'timestamp' | 'snapshot' | 'targets' | `targets/${string}`;
// biome-ignore lint/suspicious/noExplicitAny: tests change any part of the metadata
export type Signed = any;

export function signRole(signed: Signed, keys: readonly TestKey[]): Buffer {
  const bytes = Buffer.from(canonicalJson(signed));
  const signatures = keys.map(({ id, privateKey }) => ({
    keyid: id,
    method: 'ecdsa',
    sig: sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64'),
  }));
  return Buffer.from(JSON.stringify({ signed, signatures }));
}

const metaOf = (bytes: Buffer) => ({ length: bytes.length, hashes: { sha256: sha256(bytes).toString('base64') } });

export type RepositoryWish = {
  version?: number;
  /** Which digest each tag has; hex. */
  tags?: Record<string, string>;
  delegations?: Record<string, { key: TestKey; paths?: string[]; tags: Record<string, string>; unlisted?: boolean }>;
  /** Changes a role before it is signed. */
  change?: (role: Role, signed: Signed) => void;
  /** Other signers of a role than its keys. */
  signers?: Partial<Record<Role, TestKey[]>>;
  /** Replaces a file after the others are bound to it. */
  replace?: (role: Role, bytes: Buffer) => Buffer;
};

/** The keys of one repository; `files` is what its server has. */
export class TestNotary {
  readonly root = rootKeyOf();
  readonly timestamp = keyOf();
  readonly snapshot = keyOf();
  readonly targets = keyOf();

  rootData(version = 1, root = [this.root]): Signed {
    const { timestamp, snapshot, targets } = this;
    const keys = [...root, timestamp, snapshot, targets];
    const role = (...of: TestKey[]) => ({ keyids: of.map(({ id }) => id), threshold: 1 });
    return {
      _type: 'Root',
      ...commonOf(version),
      consistent_snapshot: false,
      keys: Object.fromEntries(keys.map(({ id, json }) => [id, json])),
      roles: { root: role(...root), timestamp: role(timestamp), snapshot: role(snapshot), targets: role(targets) },
    };
  }

  files({ version = 1, tags = {}, delegations = {}, change, signers = {}, replace }: RepositoryWish = {}) {
    const files = new Map<string, Buffer>();
    const add = (role: Role, signed: Signed, keys: TestKey[]) => {
      change?.(role, signed);
      const bytes = signRole(signed, signers[role] ?? keys);
      const meta = metaOf(bytes);
      const bound = role === 'root' || role === 'timestamp' ? role : `${role}.${hexOf(meta.hashes.sha256)}`;
      files.set(bound, replace?.(role, bytes) ?? bytes);
      return meta;
    };
    const entries = (of: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(of).map(([tag, hex]) => [
          tag,
          { length: 1, hashes: { sha256: Buffer.from(hex, 'hex').toString('base64') } },
        ]),
      );
    const meta: Record<string, object> = {};
    meta['root'] = add('root', this.rootData(version), [this.root]);
    for (const [name, { key, tags: own, unlisted }] of Object.entries(delegations)) {
      const signed = { _type: 'Targets', ...commonOf(version), targets: entries(own), delegations: null };
      const made = add(`targets/${name}`, signed, [key]);
      if (!unlisted) meta[`targets/${name}`] = made;
    }
    const roles = Object.entries(delegations).map(([name, { key, paths = [''] }]) => ({
      name: `targets/${name}`,
      keyids: [key.id],
      threshold: 1,
      paths,
    }));
    const keys = Object.fromEntries(Object.values(delegations).map(({ key }) => [key.id, key.json]));
    const targets = { _type: 'Targets', ...commonOf(version), targets: entries(tags), delegations: { keys, roles } };
    meta['targets'] = add('targets', targets, [this.targets]);
    const snapshot = add('snapshot', { _type: 'Snapshot', ...commonOf(version), meta }, [this.snapshot]);
    add('timestamp', { _type: 'Timestamp', ...commonOf(version), meta: { snapshot } }, [this.timestamp]);
    return files;
  }
}

const hexOf = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
const commonOf = (version: number) => ({ version, expires: new Date(Date.now() + DAY).toISOString() });

/** A client of a server that has these files; a number is another status. */
export function notaryClient(files: ReadonlyMap<string, Buffer | number>): Pick<SignatureClient, 'service'> {
  const get = async (path: string) => {
    const name = /_trust\/tuf\/(.*)\.json$/.exec(path)?.[1] ?? '';
    const file = files.get(name);
    if (Buffer.isBuffer(file)) return { status: 200, headers: {}, body: file };
    const body = file === undefined ? JSON.stringify({ errors: [{ code: 'METADATA_NOT_FOUND' }] }) : '';
    return { status: file ?? 404, headers: {}, body: Buffer.from(body) };
  };
  return { service: () => ({ host: 'notary.test', get }) } as unknown as Pick<SignatureClient, 'service'>;
}
