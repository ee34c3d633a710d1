// A transparency log for tests: Rekor 1 (promise, proof, checkpoint) and Rekor 2 (proof and checkpoint) over one Merkle tree.
import { generateKeyPairSync, sign } from 'node:crypto';
import * as der from './der.ts';
import { pair, sha256, spkiOf } from './keys.ts';

export class TestLog {
  readonly now: Date;
  readonly rekor1 = pair();
  readonly rekor2 = generateKeyPairSync('ed25519');
  /** Leaves of the log's tree. */
  readonly #tree: Buffer[] = [];

  constructor(now: Date) {
    this.now = now;
  }

  /** Rekor 1: promise (SET), proof and checkpoint. */
  rekor1Entry(body: object, at = this.now) {
    const text = Buffer.from(JSON.stringify(body));
    const id = sha256(spkiOf(this.rekor1.publicKey));
    const leaf = this.#append(text);
    const { index, size, root } = leaf;
    const globalIndex = index + 5000; // the shard's index is another one
    const integratedTime = Math.floor(at.getTime() / 1000);
    const promised = `{"body":"${text.toString('base64')}","integratedTime":${integratedTime},"logID":"${id.toString('hex')}","logIndex":${globalIndex}}`;
    const note = `rekor1.test - 1234\n${size}\n${root.toString('base64')}\n`;
    const checkpoint = this.#note(note, 'rekor1.test', id, sign('sha256', Buffer.from(note), this.rekor1.privateKey));
    return {
      logIndex: String(globalIndex),
      logId: { keyId: id.toString('base64') },
      kindVersion: { kind: (body as { kind: string }).kind, version: (body as { apiVersion: string }).apiVersion },
      integratedTime: String(integratedTime),
      inclusionPromise: {
        signedEntryTimestamp: sign('sha256', Buffer.from(promised), this.rekor1.privateKey).toString('base64'),
      },
      inclusionProof: inclusionProof(leaf, checkpoint),
      canonicalizedBody: text.toString('base64'),
    };
  }

  rekor2Id(): Buffer {
    const raw = spkiOf(this.rekor2.publicKey).subarray(-32);
    return sha256(Buffer.from('rekor2.test\n'), Buffer.from([1]), raw);
  }

  /** Rekor 2: proof and checkpoint only, no time. */
  rekor2Entry(body: object) {
    const text = Buffer.from(JSON.stringify(body));
    const id = this.rekor2Id();
    const leaf = this.#append(text);
    const { index, size, root } = leaf;
    const note = `rekor2.test\n${size}\n${root.toString('base64')}\n`;
    const own = this.#note(note, 'rekor2.test', id, sign(null, Buffer.from(note), this.rekor2.privateKey));
    const checkpoint = `${own}— witness.test ${Buffer.concat([Buffer.alloc(4, 7), Buffer.alloc(64, 9)]).toString('base64')}\n`;
    return {
      logIndex: String(index),
      logId: { keyId: id.toString('base64') },
      kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
      integratedTime: '0',
      inclusionProof: inclusionProof(leaf, checkpoint),
      canonicalizedBody: text.toString('base64'),
    };
  }

  #note(text: string, signer: string, id: Buffer, signature: Buffer): string {
    return `${text}\n— ${signer} ${Buffer.concat([id.subarray(0, 4), signature]).toString('base64')}\n`;
  }

  /** Appends a leaf. RFC 6962 2.1. */
  #append(body: Buffer): Leaf {
    this.#tree.push(sha256(Buffer.from([0]), body));
    const size = this.#tree.length;
    return { index: size - 1, proof: path(size - 1, this.#tree), size, root: treeHash(this.#tree) };
  }
}

/** A leaf of the log's tree, and the way from it to the root. */
type Leaf = { index: number; proof: Buffer[]; size: number; root: Buffer };

/** As a bundle has it. */
const inclusionProof = ({ index, proof, size, root }: Leaf, checkpoint: string) => ({
  logIndex: String(index),
  rootHash: root.toString('base64'),
  treeSize: String(size),
  hashes: proof.map((hash) => hash.toString('base64')),
  checkpoint: { envelope: checkpoint },
});

export type Content = { signature: Buffer; signed: Buffer; payload: Buffer; signer: Buffer; isCertificate: boolean };
const signerPem = ({ signer, isCertificate }: Content) =>
  Buffer.from(der.pem(signer, isCertificate ? 'CERTIFICATE' : 'PUBLIC KEY')).toString('base64');

export const dsseBody = (c: Content) => ({
  apiVersion: '0.0.1',
  kind: 'dsse',
  spec: {
    envelopeHash: { algorithm: 'sha256', value: 'e'.repeat(64) },
    payloadHash: { algorithm: 'sha256', value: sha256(c.payload).toString('hex') },
    signatures: [{ signature: c.signature.toString('base64'), verifier: signerPem(c) }],
  },
});

export const recordBody1 = (c: Content) => ({
  apiVersion: '0.0.1',
  kind: 'hashedrekord',
  spec: {
    data: { hash: { algorithm: 'sha256', value: sha256(c.signed).toString('hex') } },
    signature: { content: c.signature.toString('base64'), publicKey: { content: signerPem(c) } },
  },
});

export const recordBody2 = (c: Content) => ({
  apiVersion: '0.0.2',
  kind: 'hashedrekord',
  spec: {
    hashedRekordV002: {
      data: { algorithm: 'SHA2_256', digest: sha256(c.signed).toString('base64') },
      signature: {
        content: c.signature.toString('base64'),
        verifier: {
          // Keys in order: the log hashes the canonical form (RFC 8785).
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          [c.isCertificate ? 'x509Certificate' : 'publicKey']: { rawBytes: c.signer.toString('base64') },
        },
      },
    },
  },
});

function split(count: number): number {
  let k = 1;
  while (k * 2 < count) k *= 2;
  return k;
}

function treeHash(leaves: Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer;
  const k = split(leaves.length);
  return sha256(Buffer.from([1]), treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

function path(index: number, leaves: Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...path(index, leaves.slice(0, k)), treeHash(leaves.slice(k))]
    : [...path(index - k, leaves.slice(k)), treeHash(leaves.slice(0, k))];
}
