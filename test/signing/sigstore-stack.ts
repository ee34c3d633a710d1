// A whole sigstore on one page, for tests: certificate authority, certificate log, Rekor 1 and 2, timestamp authority. Every
// part can be told to fail in its own way. Formats: facts of the specifications named in src/verify/cosign.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { IN_TOTO, preAuthentication, SIGN_PREDICATE, statementOf } from '../../src/sigstore/statement.ts';
import * as der from './der.ts';

const { EXTENSIONS } = der;
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const FULCIO = '1.3.6.1.4.1.57264.1';
const SCT = '1.3.6.1.4.1.11129.2.4.2';
export const DAY = 86_400_000;
export const MINUTE = 60_000;

export const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
export const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });

export type LeafWish = {
  issuer?: string;
  names?: Buffer[];
  claims?: Record<number, string>;
  extensions?: der.Extension[];
  /** Leave these extensions out, by OID. */
  without?: string[];
  from?: Date;
  to?: Date;
  /** How many certificate log entries it proves. */
  scts?: number;
  /** The log's key, if not the trusted one. */
  sctKey?: KeyObject;
};

export type BundleWish = LeafWish & {
  digest: string;
  at?: Date;
  predicateType?: string;
  predicate?: unknown;
  annotations?: Record<string, string>;
  log?: 'rekor1' | 'rekor2' | 'none';
  stamp?: boolean;
  /** Sign with this key instead of a fresh one with a certificate. */
  key?: { publicKey: KeyObject; privateKey: KeyObject };
  /** What the log entry is about, if not this. */
  entry?: { signature?: Buffer; signed?: Buffer; payload?: Buffer; signer?: Buffer };
};

export class World {
  readonly now: Date;
  readonly root = pair();
  readonly intermediate = pair();
  readonly ct = pair();
  readonly rekor1 = pair();
  readonly rekor2 = generateKeyPairSync('ed25519');
  readonly tsa = pair();
  readonly rootCertificate: Buffer;
  readonly issuerCertificate: Buffer;
  readonly tsaCertificate: Buffer;
  readonly tsaSerial = 77;
  /** Leaves of the log's tree. */
  readonly #tree: Buffer[] = [];

  constructor(now = new Date(Math.floor(Date.now() / 1000) * 1000)) {
    this.now = now;
    const from = new Date(now.getTime() - 365 * DAY);
    const to = new Date(now.getTime() + 365 * DAY);
    const rootName = { CN: 'test root', O: 'tagproof' };
    this.rootCertificate = der.certificate({
      subject: rootName,
      issuer: rootName,
      spki: spkiOf(this.root.publicKey),
      signer: this.root.privateKey,
      from,
      to,
      extensions: [EXTENSIONS.authority(), EXTENSIONS.usage(0x04)],
    });
    this.issuerCertificate = der.certificate({
      subject: { CN: 'test issuer', O: 'tagproof' },
      issuer: rootName,
      spki: spkiOf(this.intermediate.publicKey),
      signer: this.root.privateKey,
      from,
      to,
      extensions: [EXTENSIONS.authority(0), EXTENSIONS.usage(0x04), EXTENSIONS.purposes([CODE_SIGNING])],
    });
    this.tsaCertificate = der.certificate({
      subject: { CN: 'test clock', O: 'tagproof' },
      issuer: rootName,
      spki: spkiOf(this.tsa.publicKey),
      signer: this.root.privateKey,
      from,
      to,
      serial: this.tsaSerial,
      extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes(['1.3.6.1.5.5.7.3.8'], true)],
    });
  }

  /** trusted_root.json. @param change mends or breaks it before it is written */
  trustedRoot(change: (root: Record<string, unknown[]>) => void = () => {}): Buffer {
    const validFor = { start: new Date(this.now.getTime() - 300 * DAY).toISOString() };
    const log = (baseUrl: string, key: KeyObject, keyDetails: string) => ({
      baseUrl,
      hashAlgorithm: 'SHA2_256',
      publicKey: { rawBytes: spkiOf(key).toString('base64'), keyDetails, validFor: { ...validFor } },
      logId: { keyId: sha256(spkiOf(key)).toString('base64') },
    });
    const chain = (...certificates: Buffer[]) => ({
      certificates: certificates.map((bytes) => ({ rawBytes: bytes.toString('base64') })),
    });
    const root = {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [
        log('https://rekor1.test', this.rekor1.publicKey, 'PKIX_ECDSA_P256_SHA_256'),
        {
          ...log('https://rekor2.test', this.rekor2.publicKey, 'PKIX_ED25519'),
          logId: { keyId: this.#rekor2Id().toString('base64') },
        },
      ],
      ctlogs: [log('https://ct.test', this.ct.publicKey, 'PKIX_ECDSA_P256_SHA_256')],
      certificateAuthorities: [
        {
          uri: 'https://fulcio.test',
          certChain: chain(this.issuerCertificate, this.rootCertificate),
          validFor: { ...validFor },
        },
      ],
      timestampAuthorities: [
        {
          uri: 'https://tsa.test',
          certChain: chain(this.tsaCertificate, this.rootCertificate),
          validFor: { ...validFor },
        },
      ],
    };
    change(root as unknown as Record<string, unknown[]>);
    return Buffer.from(JSON.stringify(root));
  }

  /** A code-signing certificate for a key. */
  leaf(key: KeyObject, wish: LeafWish = {}, at = this.now): Buffer {
    const {
      issuer = 'https://issuer.test',
      names = [der.uri('https://git.test/org/app/.ci/release.yml@refs/heads/main')],
    } = wish;
    const claims = Object.entries(wish.claims ?? {}).map(([number, text]) => ({
      oid: `${FULCIO}.${number}`,
      value: Number(number) < 7 ? Buffer.from(text) : der.utf8(text),
    }));
    const extensions = [
      EXTENSIONS.usage(0x80),
      EXTENSIONS.purposes([CODE_SIGNING]),
      EXTENSIONS.names(...names),
      { oid: `${FULCIO}.8`, value: der.utf8(issuer) },
      ...claims,
      ...(wish.extensions ?? []),
    ].filter(({ oid }) => !wish.without?.includes(oid));
    const wanted: der.Certificate = {
      subject: {},
      issuer: { CN: 'test issuer', O: 'tagproof' },
      spki: spkiOf(key),
      signer: this.intermediate.privateKey,
      from: wish.from ?? new Date(at.getTime() - MINUTE),
      to: wish.to ?? new Date(at.getTime() + 9 * MINUTE),
      extensions,
    };
    const tbs = der.tbsCertificate(wanted);
    const scts = Array.from({ length: wish.scts ?? 1 }, () => this.#sct(tbs, at, wish.sctKey ?? this.ct.privateKey));
    if (scts.length > 0) {
      const list = Buffer.concat(scts.map((sct) => Buffer.concat([uint(2, sct.length), sct])));
      wanted.extensions = [...extensions, { oid: SCT, value: der.octets(Buffer.concat([uint(2, list.length), list])) }];
    }
    return der.certificate(wanted);
  }

  /** RFC 6962 3.2. */
  #sct(tbs: Buffer, at: Date, key: KeyObject): Buffer {
    const head = Buffer.concat([Buffer.from([0, 0]), uint(8, at.getTime())]); // version 1, certificate timestamp
    const entry = Buffer.concat([
      uint(2, 1),
      sha256(spkiOf(this.intermediate.publicKey)),
      uint(3, tbs.length),
      tbs,
      uint(2, 0),
    ]);
    const signature = sign('sha256', Buffer.concat([head, entry]), key);
    const id = sha256(spkiOf(this.ct.publicKey));
    return Buffer.concat([
      Buffer.from([0]),
      id,
      uint(8, at.getTime()),
      uint(2, 0),
      Buffer.from([4, 3]),
      uint(2, signature.length),
      signature,
    ]);
  }

  stamp(stamped: Buffer, at = this.now): Buffer {
    return der.timeStampResponse({
      stamped,
      at,
      certificate: this.tsaCertificate,
      issuer: { CN: 'test root', O: 'tagproof' },
      serial: this.tsaSerial,
      key: this.tsa.privateKey,
    });
  }

  /** A bundle as cosign 3 writes it, in JSON. */
  bundle(wish: BundleWish): Record<string, unknown> & {
    verificationMaterial: Record<string, unknown>;
    dsseEnvelope: Record<string, unknown>;
  } {
    const at = wish.at ?? this.now;
    const payload = statementOf(
      wish.digest,
      wish.predicateType ?? SIGN_PREDICATE,
      wish.predicate ?? {},
      wish.annotations,
    );
    const signed = preAuthentication(IN_TOTO, payload);
    const { signature, certificate, content } = this.#signed(wish, signed, payload, at);
    const log = wish.log ?? 'rekor1';
    const stamps = wish.stamp ? [{ signedTimestamp: this.stamp(signature, at).toString('base64') }] : [];
    return {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        ...(certificate === undefined
          ? { publicKey: { hint: 'x' } }
          : { certificate: { rawBytes: certificate.toString('base64') } }),
        tlogEntries:
          log === 'none'
            ? []
            : [log === 'rekor1' ? this.rekor1Entry(dsseBody(content), at) : this.rekor2Entry(recordBody2(content))],
        ...(stamps.length > 0 && { timestampVerificationData: { rfc3161Timestamps: stamps } }),
      },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType: IN_TOTO,
        signatures: [{ sig: signature.toString('base64'), keyid: '' }],
      },
    };
  }

  /** Annotations of a layer in the old layout, and the payload's bytes. */
  layer(wish: BundleWish & { repository?: string }): { payload: Buffer; annotations: Record<string, string> } {
    const at = wish.at ?? this.now;
    const payload = Buffer.from(
      JSON.stringify({
        critical: {
          identity: { 'docker-reference': wish.repository ?? 'registry.test/org/app' },
          image: { 'docker-manifest-digest': wish.digest },
          type: 'cosign container image signature',
        },
        optional: wish.annotations ?? null,
      }),
    );
    const { signature, certificate, content } = this.#signed(wish, payload, payload, at);
    const annotations: Record<string, string> = { 'dev.cosignproject.cosign/signature': signature.toString('base64') };
    if (certificate !== undefined) {
      annotations['dev.sigstore.cosign/certificate'] = der.pem(certificate);
      annotations['dev.sigstore.cosign/chain'] = der.pem(this.issuerCertificate) + der.pem(this.rootCertificate);
    }
    if ((wish.log ?? 'rekor1') === 'rekor1') {
      const entry = this.rekor1Entry(recordBody1(content), at);
      annotations['dev.sigstore.cosign/bundle'] = JSON.stringify({
        SignedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
        Payload: {
          body: entry.canonicalizedBody,
          integratedTime: Number(entry.integratedTime),
          logIndex: Number(entry.logIndex),
          logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
        },
      });
    }
    if (wish.stamp)
      annotations['dev.sigstore.cosign/rfc3161timestamp'] = JSON.stringify({
        SignedRFC3161Timestamp: this.stamp(signature, at).toString('base64'),
      });
    return { payload, annotations };
  }

  /** Signs, with the wished key or a fresh one that gets a certificate; and what a log would be told of it. */
  #signed(wish: BundleWish, signed: Buffer, payload: Buffer, at: Date) {
    const signer = wish.key ?? pair();
    const signature = sign('sha256', signed, signer.privateKey);
    const certificate = wish.key === undefined ? this.leaf(signer.publicKey, wish, at) : undefined;
    const content: Content = {
      signature,
      signed,
      payload,
      signer: certificate ?? spkiOf(signer.publicKey),
      isCertificate: certificate !== undefined,
      ...wish.entry,
    };
    return { signature, certificate, content };
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

  #rekor2Id(): Buffer {
    const raw = spkiOf(this.rekor2.publicKey).subarray(-32);
    return sha256(Buffer.from('rekor2.test\n'), Buffer.from([1]), raw);
  }

  /** Rekor 2: proof and checkpoint only, no time. */
  rekor2Entry(body: object) {
    const text = Buffer.from(JSON.stringify(body));
    const id = this.#rekor2Id();
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

type Content = { signature: Buffer; signed: Buffer; payload: Buffer; signer: Buffer; isCertificate: boolean };
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

function uint(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
}

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
