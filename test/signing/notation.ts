// Notary Project signatures for tests: certificates, envelopes and timestamps with any fault, and one authority's verdict.

import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { after, test } from 'node:test';
import type { Reference, Verdict } from '../../src/flow.ts';
import { digestOf } from '../../src/image/hash.ts';
import { OCI_MANIFEST } from '../../src/image/media-type.ts';
import { parsePinned } from '../../src/image/reference.ts';
import type { NotationAuthority } from '../../src/policy/config.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { signatureStructure } from '../../src/verify/notation/cbor.ts';
import { SIGNATURE_TYPE } from '../../src/verify/notation/fetch.ts';
import { loadNotationSigner } from '../../src/verify/notation/signer.ts';
import { verifyNotation } from '../../src/verify/notation/verify.ts';
import { cbor } from './cbor.ts';
import * as der from './der.ts';
import { DAY, spkiOf } from './keys.ts';
import { SigstoreStack } from './sigstore-stack.ts';

export const IMAGE = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST }));
export const DIGEST = digestOf(IMAGE);
export const subject = parsePinned(`registry.test/org/app:1@${DIGEST}`);
export const P = 'io.cncf.notary.';
export const SCHEME = `${P}signingScheme`;
export const WHO = { C: 'US', ST: 'WA', O: 'tagproof', CN: 'release' };
export const ROOT = { C: 'US', ST: 'WA', O: 'tagproof', CN: 'root' };
export const now = new Date(Math.floor(Date.now() / 1000) * 1000);
export const from = new Date(now.getTime() - 10 * DAY);
export const to = new Date(now.getTime() + 10 * DAY);
export const stack = new SigstoreStack(now);
const { EXTENSIONS } = der;
export const CODE = '1.3.6.1.5.5.7.3.3';

export const rootKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const rootOf = (more: Partial<der.Certificate> = {}) =>
  der.certificate({
    subject: ROOT,
    issuer: ROOT,
    spki: spkiOf(rootKey.publicKey),
    signer: rootKey.privateKey,
    from,
    to,
    serial: 1,
    extensions: [EXTENSIONS.authority(), EXTENSIONS.usage(0x04)],
    ...more,
  });
export const root = rootOf();
export const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const leafOf = (more: Partial<der.Certificate> = {}) =>
  der.certificate({
    subject: WHO,
    issuer: ROOT,
    spki: spkiOf(leafKey.publicKey),
    signer: rootKey.privateKey,
    from,
    to,
    serial: 2,
    extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes([CODE])],
    ...more,
  });

export type Wish = {
  format?: 'jws' | 'cose';
  chain?: Buffer[];
  key?: KeyObject;
  alg?: string;
  target?: object;
  header?: Record<string, unknown>;
  critical?: string[];
  stamp?: (signature: Buffer) => Buffer;
};

/** An envelope as notation would write it, with the wished fault. */
export function envelope(wish: Wish = {}): Buffer {
  const chain = wish.chain ?? [leafOf(), root];
  const target = { mediaType: OCI_MANIFEST, digest: DIGEST, size: IMAGE.length, ...wish.target };
  const payload = Buffer.from(JSON.stringify({ targetArtifact: target }));
  const header: Record<string, unknown> = {
    alg: wish.alg ?? 'ES256',
    cty: 'application/vnd.cncf.notary.payload.v1+json',
    crit: wish.critical ?? [SCHEME],
    [SCHEME]: 'notary.x509',
    [`${P}signingTime`]: now.toISOString(),
    ...wish.header,
  };
  const make = (bytes: Buffer) =>
    sign(`sha${header['alg']?.toString().slice(2)}`, bytes, signingKey(wish.key ?? leafKey.privateKey));
  if (wish.format !== 'cose') {
    const text = Buffer.from(JSON.stringify(header)).toString('base64url');
    const signature = make(Buffer.from(`${text}.${payload.toString('base64url')}`));
    const unprotected = {
      x5c: chain.map((bytes) => bytes.toString('base64')),
      ...(wish.stamp && { [`${P}timestampSignature`]: wish.stamp(signature).toString('base64') }),
    };
    return Buffer.from(
      JSON.stringify({
        payload: payload.toString('base64url'),
        protected: text,
        header: unprotected,
        signature: signature.toString('base64url'),
      }),
    );
  }
  const labels: Record<string, number> = { alg: 1, crit: 2, cty: 3 };
  const algorithms: Record<string, number> = { ES256: -7, ES384: -35, PS256: -37 };
  const attributes = new Map<string | number, unknown>(
    Object.entries(header).map(([name, value]) => [
      labels[name] ?? name,
      name === 'alg'
        ? (algorithms[value as string] ?? -999)
        : /Time|expiry/.test(name)
          ? new Date(value as string)
          : value,
    ]),
  );
  const protectedHeader = cbor(attributes);
  const signature = make(signatureStructure(protectedHeader, payload));
  const unprotected = new Map<string | number, unknown>([
    [33, chain],
    ...(wish.stamp ? [[`${P}timestampSignature`, wish.stamp(signature)] as const] : []),
  ]);
  return Buffer.concat([Buffer.from([0xd2]), cbor([protectedHeader, unprotected, payload, signature])]);
}

const signingKey = (key: KeyObject) =>
  key.asymmetricKeyType === 'rsa'
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key, dsaEncoding: 'ieee-p1363' as const };

const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
after(() => client.close());

export function verify(
  bytes: Buffer,
  more: Partial<NotationAuthority> = {},
  { format = 'jws', named = DIGEST, at = now }: { format?: 'jws' | 'cose'; named?: string; at?: Date } = {},
): Promise<Verdict> {
  const type = format === 'jws' ? 'application/jose+json' : 'application/cose';
  const manifest = Buffer.from(
    JSON.stringify({
      artifactType: SIGNATURE_TYPE,
      config: { mediaType: 'application/vnd.oci.empty.v1+json' },
      layers: [{ mediaType: type, digest: digestOf(bytes) }],
      subject: { digest: named },
    }),
  );
  const reader = {
    referrers: async () => [{ digest: digestOf(manifest), mediaType: OCI_MANIFEST, artifactType: SIGNATURE_TYPE }],
    manifest: async (reference: Reference) => {
      const body = reference.digest === DIGEST ? IMAGE : manifest;
      return { digest: digestOf(body), mediaType: OCI_MANIFEST, bytes: body };
    },
    blob: async () => bytes,
    service: (setting: Parameters<RegistryClient['service']>[0]) => client.service({ ...setting, answered: false }),
  };
  const signer = loadNotationSigner('corp', {
    kind: 'notation',
    annotations: {},
    level: 'strict',
    trustStores: { ca: [der.pem(root)], signingAuthority: [], tsa: [] },
    trustedIdentities: ['x509.subject: C=US, ST=WA, O=tagproof'],
    verifyTimestamp: 'always',
    revocation: 'skip',
    ...more,
  });
  return verifyNotation(reader, subject, signer, at);
}

/** A timestamp token over an envelope's signature, with the wished fault. */
export function stamp(signature: Buffer, more: Partial<der.Stamp> = {}, by = stack): Buffer {
  return der.timeStampToken({
    stamped: signature,
    at: now,
    certificate: by.tsaCertificate,
    issuer: { CN: 'test root', O: 'tagproof' },
    serial: by.tsaSerial,
    key: by.tsa.privateKey,
    ...more,
  });
}
/** Requires timestamps by the authority of `stack`. */
export function clock(): Partial<NotationAuthority> {
  return { trustStores: { ca: [der.pem(root)], signingAuthority: [], tsa: [der.pem(stack.rootCertificate)] } };
}

export type NotationCase = [
  name: string,
  kind: Verdict['kind'],
  wish: Wish,
  says?: RegExp | undefined,
  more?: Partial<NotationAuthority>,
];

/** One test for each case and each of the two envelopes. */
export function testNotation(cases: readonly NotationCase[]): void {
  for (const format of ['jws', 'cose'] as const)
    for (const [name, kind, wish, says, more] of cases)
      test(`notation, ${format}: ${name}`, async () => {
        const verdict = await verify(envelope({ ...wish, format }), more, { format });
        assert.equal(verdict.kind, kind, JSON.stringify(verdict));
        if (says !== undefined) assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : '', says);
      });
}
