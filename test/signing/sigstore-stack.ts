// A whole sigstore for tests, with faults on request. Formats: the specifications that src/verify/cosign names.
import { type KeyObject, sign } from 'node:crypto';
import { IN_TOTO, preAuthentication, SIGN_PREDICATE, statementOf } from '../../src/sigstore/statement.ts';
import * as der from './der.ts';
import { DAY, MINUTE, pair, sha256, spkiOf } from './keys.ts';
import { type Content, dsseBody, recordBody1, recordBody2, TestLog } from './test-log.ts';

const { EXTENSIONS } = der;
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const FULCIO = '1.3.6.1.4.1.57264.1';
const SCT = '1.3.6.1.4.1.11129.2.4.2';
export type LeafWish = {
  issuer?: string;
  names?: Buffer[];
  claims?: Record<number, string>;
  extensions?: der.Extension[];
  /** Leave these of the usual extensions out, by OID. */
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
  /** What the log entry is about, if not this one. */
  entry?: { signature?: Buffer; signed?: Buffer; payload?: Buffer; signer?: Buffer };
};

export class SigstoreStack {
  readonly now: Date;
  readonly root = pair();
  readonly intermediate = pair();
  readonly ct = pair();
  readonly log: TestLog;
  readonly tsa = pair();
  readonly rootCertificate: Buffer;
  readonly issuerCertificate: Buffer;
  readonly tsaCertificate: Buffer;
  readonly tsaSerial = 77;

  constructor(now = new Date(Math.floor(Date.now() / 1000) * 1000)) {
    this.now = now;
    this.log = new TestLog(now);
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

  /** trusted_root.json. @param change alters it before it is written */
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
        log('https://rekor1.test', this.log.rekor1.publicKey, 'PKIX_ECDSA_P256_SHA_256'),
        {
          ...log('https://rekor2.test', this.log.rekor2.publicKey, 'PKIX_ED25519'),
          logId: { keyId: this.log.rekor2Id().toString('base64') },
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
    ]
      .filter(({ oid }) => !wish.without?.includes(oid))
      .concat(wish.extensions ?? []);
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
            : [
                log === 'rekor1'
                  ? this.log.rekor1Entry(dsseBody(content), at)
                  : this.log.rekor2Entry(recordBody2(content)),
              ],
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
      const entry = this.log.rekor1Entry(recordBody1(content), at);
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
}

function uint(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
}
