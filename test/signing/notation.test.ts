// Notary Project signatures, fault by fault: envelopes, certificates, timestamps and revocation as the specification's writers
// and attackers would make them. The real notation is in test/real.
import assert from 'node:assert/strict';
import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import type { Reference, Verdict } from '../../src/flow.ts';
import { digestOf } from '../../src/image/hash.ts';
import { OCI_MANIFEST } from '../../src/image/media-type.ts';
import { parsePinned } from '../../src/image/reference.ts';
import type { NotationAuthority } from '../../src/policy/config.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { encode, parseDer } from '../../src/verify/der.ts';
import { signatureStructure } from '../../src/verify/notation/cbor.ts';
import { SIGNATURE_TYPE } from '../../src/verify/notation/fetch.ts';
import { readIdentities } from '../../src/verify/notation/identity.ts';
import { loadNotationSigner } from '../../src/verify/notation/signer.ts';
import { verifyNotation } from '../../src/verify/notation/verify.ts';
import * as der from './der.ts';
import { DAY, spkiOf, World } from './sigstore-stack.ts';

const IMAGE = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST }));
const DIGEST = digestOf(IMAGE);
const subject = parsePinned(`registry.test/org/app:1@${DIGEST}`);
const P = 'io.cncf.notary.';
const SCHEME = `${P}signingScheme`;
const WHO = { C: 'US', ST: 'WA', O: 'tagproof', CN: 'release' };
const ROOT = { C: 'US', ST: 'WA', O: 'tagproof', CN: 'root' };
const now = new Date(Math.floor(Date.now() / 1000) * 1000);
const from = new Date(now.getTime() - 10 * DAY);
const to = new Date(now.getTime() + 10 * DAY);
const world = new World(now);
const { EXTENSIONS } = der;
const CODE = '1.3.6.1.5.5.7.3.3';

const rootKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rootOf = (more: Partial<der.Certificate> = {}) =>
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
const root = rootOf();
const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const leafOf = (more: Partial<der.Certificate> = {}) =>
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

type Wish = {
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
function envelope(wish: Wish = {}): Buffer {
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

function cbor(value: unknown): Buffer {
  const head = (major: number, count: number) =>
    count < 24
      ? Buffer.from([(major << 5) | count])
      : count < 256
        ? Buffer.from([(major << 5) | 24, count])
        : count < 65536
          ? Buffer.from([(major << 5) | 25, count >> 8, count & 255])
          : Buffer.from([
              (major << 5) | 26,
              (count >>> 24) & 255,
              (count >> 16) & 255,
              (count >> 8) & 255,
              count & 255,
            ]);
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  if (value instanceof Date) return Buffer.concat([head(6, 1), cbor(Math.floor(value.getTime() / 1000))]);
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([k, v]) => [cbor(k), cbor(v)])]);
  throw new Error(`no CBOR for ${value}`);
}

const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
after(() => client.close());

function verify(
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

const selfSigned = (more: Partial<der.Certificate> = {}) =>
  der.certificate({
    subject: WHO,
    issuer: WHO,
    spki: spkiOf(leafKey.publicKey),
    signer: leafKey.privateKey,
    from,
    to,
    extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes([CODE])],
    ...more,
  });
const alone = selfSigned();
const idle = rootOf({ extensions: [EXTENSIONS.authority(), EXTENSIONS.usage(0x80)] });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const middleKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const middle = der.certificate({
  subject: { ...ROOT, CN: 'middle' },
  issuer: ROOT,
  spki: spkiOf(middleKey.publicKey),
  signer: rootKey.privateKey,
  from,
  to,
  extensions: [EXTENSIONS.authority(0), EXTENSIONS.usage(0x04)],
});
const below = (more: Partial<der.Certificate> = {}) =>
  leafOf({ issuer: { ...ROOT, CN: 'middle' }, signer: middleKey.privateKey, ...more });
const authority = { authenticSigningTime: `${P}authenticSigningTime`, expiry: `${P}expiry` };

const company = (O: string, more: object = {}) => leafOf({ subject: { C: 'US', ST: 'WA', O, ...more } });
const cases: [name: string, kind: string, wish: Wish, says?: RegExp | undefined, more?: Partial<NotationAuthority>][] =
  [
    ['in order', 'verified', {}],
    ['with an intermediate', 'verified', { chain: [below(), middle, root] }],
    [
      'one self-signed certificate is legal',
      'verified',
      { chain: [alone] },
      undefined,
      { trustStores: { ca: [der.pem(alone)], signingAuthority: [], tsa: [] } },
    ],
    [
      'an intermediate in the store is enough',
      'verified',
      { chain: [below(), middle, root] },
      undefined,
      { trustStores: { ca: [der.pem(middle)], signingAuthority: [], tsa: [] } },
    ],
    // what is signed
    ['of another digest (T33)', 'invalid', { target: { digest: `sha256:${'e'.repeat(64)}` } }, /not of this image/],
    ['of another size', 'invalid', { target: { size: 1 } }, /size or media type/],
    ['of another media type', 'invalid', { target: { mediaType: 'x' } }, /size or media type/],
    [
      'by another key than the leaf',
      'invalid',
      { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
      /does not match its payload/,
    ],
    // the algorithm is the key's, never the envelope's
    ['algorithm substitution', 'invalid', { alg: 'ES384' }, /signs with ES256, not with ES384/],
    [
      'an algorithm of no use',
      'invalid',
      { alg: 'HS256', header: { alg: 'ES256' }, chain: [leafOf({ spki: spkiOf(p384.publicKey) }), root] },
      /ES384/,
    ],
    // attributes
    ['no critical attribute', 'invalid', { critical: [] }, /critical/],
    [
      'a critical attribute that nobody knows',
      'invalid',
      { critical: [SCHEME, 'x'], header: { x: 1 } },
      /does not know: x/,
    ],
    ['a critical attribute that is not there', 'invalid', { critical: [SCHEME, authority.expiry] }, /is missing/],
    [
      'the scheme not critical',
      'invalid',
      { critical: [authority.expiry], header: { [authority.expiry]: to.toISOString() } },
      /scheme is not marked critical/,
    ],
    [
      'an expiry that is not critical',
      'invalid',
      { header: { [authority.expiry]: to.toISOString() } },
      /not marked critical/,
    ],
    [
      'expired',
      'invalid',
      { critical: [SCHEME, authority.expiry], header: { [authority.expiry]: from.toISOString() } },
      /it expired on/,
    ],
    ['a plugin would have a say', 'invalid', { header: { [`${P}verificationPlugin`]: 'x' } }, /plugin/],
    ['another content type', 'invalid', { header: { cty: 'text/plain' } }, /content type/],
    ['an unknown scheme', 'invalid', { header: { [SCHEME]: 'x' } }, /scheme x/],
    [
      'an authentic time without an authority',
      'invalid',
      {
        critical: [SCHEME, authority.authenticSigningTime],
        header: { [authority.authenticSigningTime]: now.toISOString() },
      },
      /only that scheme/,
    ],
    [
      'a signing authority is looked for in its own store',
      'others',
      {
        critical: [SCHEME, authority.authenticSigningTime],
        header: { [SCHEME]: 'notary.x509.signingAuthority', [authority.authenticSigningTime]: now.toISOString() },
      },
    ],
    [
      '… and found there',
      'verified',
      {
        critical: [SCHEME, authority.authenticSigningTime],
        header: { [SCHEME]: 'notary.x509.signingAuthority', [authority.authenticSigningTime]: now.toISOString() },
      },
      undefined,
      { trustStores: { ca: [], signingAuthority: [der.pem(root)], tsa: [] } },
    ],
    // certificates
    [
      'for servers',
      'invalid',
      { chain: [leafOf({ extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes(['1.3.6.1.5.5.7.3.1'])] }), root] },
      /not for code signing/,
    ],
    [
      'for code and for servers',
      'invalid',
      {
        chain: [
          leafOf({ extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes([CODE, '1.3.6.1.5.5.7.3.1'])] }),
          root,
        ],
      },
      /more than code signing/,
    ],
    [
      'without key usage',
      'invalid',
      { chain: [leafOf({ extensions: [EXTENSIONS.purposes([CODE])] }), root] },
      /not for signatures/,
    ],
    [
      'key usage that is not critical',
      'invalid',
      { chain: [leafOf({ extensions: [EXTENSIONS.usage(0x80, false)] }), root] },
      /not for signatures/,
    ],
    [
      'may issue certificates',
      'invalid',
      { chain: [leafOf({ extensions: [EXTENSIONS.usage(0x84)] }), root] },
      /more than signatures/,
    ],
    [
      'an unknown critical extension',
      'invalid',
      {
        chain: [
          leafOf({ extensions: [EXTENSIONS.usage(0x80), { oid: '1.2.3.4', critical: true, value: der.nothing() }] }),
          root,
        ],
      },
      /1\.2\.3\.4/,
    ],
    ['signed with SHA-1', 'invalid', { chain: [leafOf({ hash: 'sha1' }), root] }, /SHA-1/],
    [
      'an RSA key of 1024 bits',
      'invalid',
      { chain: [leafOf({ spki: spkiOf(weak.publicKey) }), root], key: weak.privateKey, alg: 'PS256' },
    ],
    ['the chain is cut off', 'others', { chain: [leafOf()] }],
    ['the chain is in disorder', 'invalid', { chain: [below(), root, middle] }, /not in order/],
    ['something extra in the chain', 'invalid', { chain: [leafOf(), middle, root] }, /not in order/],
    [
      'an authority that may not issue',
      'invalid',
      { chain: [leafOf(), idle] },
      /not a certificate authority/,
      {
        trustStores: {
          ca: [der.pem(idle)],
          signingAuthority: [],
          tsa: [],
        },
      },
    ],
    ['a leaf that ended', 'invalid', { chain: [leafOf({ to: new Date(now.getTime() - DAY) }), root] }, /is valid from/],
    [
      'a name with a comma',
      'verified',
      { chain: [company('Acme, Inc.'), root] },
      undefined,
      { trustedIdentities: ['x509.subject: C=US, ST=WA, O=Acme\\, Inc.'] },
    ],
    [
      'a name that holds another’s parts',
      'others',
      { chain: [company('evil\nO=tagproof'), root] },
      undefined,
      { trustedIdentities: ['x509.subject: C=US, ST=WA, O=tagproof'] },
    ],
    // timestamps
    ['a timestamp', 'verified', { stamp: (signature) => stamp(signature) }, undefined, clock()],
    ['a timestamp is asked and there is none', 'invalid', {}, /no timestamp/, clock()],
    [
      '… but not before a certificate has ended',
      'verified',
      {},
      undefined,
      { ...clock(), verifyTimestamp: 'afterCertExpiry' },
    ],
    [
      'a timestamp of another signature',
      'invalid',
      { stamp: () => stamp(Buffer.from('x')) },
      /another signature/,
      clock(),
    ],
    [
      'a timestamp by a stranger',
      'invalid',
      { stamp: (signature) => stamp(signature, {}, new World(now)) },
      /not trusted/,
      clock(),
    ],
    [
      'a timestamp that names no certificate',
      'invalid',
      { stamp: (signature) => stamp(signature, { named: null }) },
      /signing-certificate-v2/,
      clock(),
    ],
    [
      'a timestamp that names another certificate',
      'invalid',
      { stamp: (signature) => stamp(signature, { named: root }) },
      /does not include/,
      clock(),
    ],
    [
      'a timestamp from before the certificate',
      'invalid',
      { stamp: (signature) => stamp(signature, { at: new Date(from.getTime() - DAY) }) },
      /is valid from/,
      clock(),
    ],
    [
      'a timestamp with fractions of a second',
      'verified',
      { stamp: (signature) => stamp(signature, { fraction: '.123456' }) },
      undefined,
      clock(),
    ],
  ];
function stamp(signature: Buffer, more: Partial<der.Stamp> = {}, by = world): Buffer {
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
function clock(): Partial<NotationAuthority> {
  return { trustStores: { ca: [der.pem(root)], signingAuthority: [], tsa: [der.pem(world.rootCertificate)] } };
}
test('notation: a timestamp by a certificate whose hash happens to read as DER', async () => {
  // One of some hundred: worlds are made until there is one.
  const isOdd = ({ tsaCertificate }: World) =>
    parseDer(encode(0x04, createHash('sha256').update(tsaCertificate).digest())).subs.length > 0;
  let odd = new World(now);
  for (let i = 0; i < 20_000 && !isOdd(odd); i++) odd = new World(now);
  assert.ok(isOdd(odd));
  const given = { trustStores: { ca: [der.pem(root)], signingAuthority: [], tsa: [der.pem(odd.rootCertificate)] } };
  const verdict = await verify(envelope({ stamp: (signature) => stamp(signature, {}, odd) }), given);
  assert.equal(verdict.kind, 'verified', JSON.stringify(verdict));
});
for (const format of ['jws', 'cose'] as const) {
  for (const [name, kind, wish, says, more] of cases) {
    test(`notation, ${format}: ${name}`, async () => {
      const verdict = await verify(envelope({ ...wish, format }), more, { format });
      assert.equal(verdict.kind, kind, JSON.stringify(verdict));
      if (says !== undefined) assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : '', says);
    });
  }

  test(`notation, ${format}: flip any byte: it verifies no more, or proves the very same`, async () => {
    const good = envelope({ format });
    const before = await verify(good, {}, { format });
    for (let i = 0; i < good.length; i++) {
      const flipped = Buffer.from(good);
      flipped[i] = (flipped[i] as number) ^ 1;
      const verdict = await verify(flipped, {}, { format });
      if (verdict.kind === 'verified') assert.deepEqual(verdict, before, `byte ${i}`);
    }
  });
}

test('a referrer of something else, a manifest with a foreign subject', async () => {
  assert.match(JSON.stringify(await verify(envelope(), {}, { named: `sha256:${'e'.repeat(64)}` })), /another subject/);
});

test('identities: parts, escapes, what is too little or overlaps', () => {
  const wrong: [texts: string[], message: RegExp][] = [
    [['x509.subject: C=US, O=x'], /has no ST/],
    [['x509.subject: C=US, ST=WA, O=x, O=y'], /O occurs twice/],
    [['x509.subject: nonsense'], /expected x509.subject/],
    [['x509.subject: C=US, ST=WA, O=x', 'x509.subject: C=US, ST=WA, O=x, OU=y'], /overlap/],
  ];
  for (const [texts, message] of wrong) assert.throws(() => readIdentities(texts), message);
  assert.equal(readIdentities(['x509.subject: C=US, ST=WA, O=x\\, y'])[0]?.get('O'), 'x, y');
});

// --- revocation ---

let answer: (path: string, body: Buffer) => Buffer | number = () => 500;
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = answer(request.url as string, Buffer.concat(chunks));
  if (typeof body === 'number') response.writeHead(body).end();
  else response.writeHead(200).end(body);
});
after(() => server.close());

const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
const signedBy = (content: Buffer, key = rootKey.privateKey) =>
  der.sequence(content, algorithm, der.bits(sign('sha256', content, key)));

function crl(
  serials: number[],
  {
    until = to,
    key = rootKey.privateKey,
    issuer = ROOT,
  }: { until?: Date; key?: KeyObject; issuer?: Record<string, string> } = {},
): Buffer {
  const entries = serials.map((serial) => der.sequence(der.integer(serial), der.time(from)));
  return signedBy(
    der.sequence(
      der.integer(1),
      algorithm,
      der.name(issuer),
      der.time(from),
      der.time(until),
      ...(entries.length > 0 ? [der.sequence(...entries)] : []),
    ),
    key,
  );
}

function ocsp(
  status: 'good' | 'revoked' | 'unknown',
  { until = to, key = rootKey.privateKey, serial = 2 }: { until?: Date; key?: KeyObject; serial?: number } = {},
): Buffer {
  const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest();
  const bits = spkiOf(rootKey.publicKey).subarray(-65);
  const id = der.sequence(
    der.sequence(der.oid('1.3.14.3.2.26'), der.nothing()),
    der.octets(sha1(der.name(ROOT))),
    der.octets(sha1(bits)),
    der.integer(serial),
  );
  const state = { good: encode(0x80), revoked: encode(0xa1, der.time(from)), unknown: encode(0x82) }[status];
  const single = der.sequence(id, state, der.time(from), der.context(0, der.time(until)));
  const data = der.sequence(der.context(1, der.name(ROOT)), der.time(now), der.sequence(single));
  return der.sequence(
    encode(0x0a, Buffer.from([0])),
    der.context(0, der.sequence(der.oid('1.3.6.1.5.5.7.48.1.1'), der.octets(signedBy(data, key)))),
  );
}

test('revocation: OCSP, then the list; taken back, could not check, and what each setting makes of it', async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const points = (path: string): der.Extension => ({
    oid: '2.5.29.31',
    value: der.sequence(der.sequence(der.context(0, der.context(0, der.uri(`${url}/${path}`))))),
  });
  const access: der.Extension = {
    oid: '1.3.6.1.5.5.7.1.1',
    value: der.sequence(der.sequence(der.oid('1.3.6.1.5.5.7.48.1'), der.uri(`${url}/ocsp`))),
  };
  const usual = [EXTENSIONS.usage(0x80), EXTENSIONS.purposes([CODE])];
  const both = envelope({ chain: [leafOf({ extensions: [...usual, access, points('crl')] }), root] });
  const list = envelope({ chain: [leafOf({ extensions: [...usual, points('crl')] }), root] });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const old = new Date(now.getTime() - DAY);
  const runs: [
    name: string,
    bytes: Buffer,
    ocsp: Buffer | number,
    crl: Buffer | number,
    kind: string,
    says?: RegExp,
  ][] = [
    ['OCSP: good', both, ocsp('good'), 500, 'verified'],
    ['OCSP: revoked', both, ocsp('revoked'), crl([]), 'invalid', /was revoked/],
    ['OCSP does not know, the list does', both, ocsp('unknown'), crl([]), 'verified'],
    [
      'OCSP by a stranger, the list says revoked',
      both,
      ocsp('good', { key: other }),
      crl([2]),
      'invalid',
      /was revoked/,
    ],
    ['OCSP about another certificate', both, ocsp('good', { serial: 9 }), 404, 'unchecked', /another certificate/],
    ['OCSP out of date', both, ocsp('good', { until: old }), 404, 'unchecked', /out of date/],
    ['the list: not in it', list, 500, crl([7]), 'verified'],
    ['the list: in it', list, 500, crl([7, 2]), 'invalid', /was revoked/],
    ['the list by a stranger', list, 500, crl([], { key: other }), 'unchecked', /not signed by the issuer/],
    ['the list of another issuer', list, 500, crl([], { issuer: WHO }), 'unchecked', /another issuer/],
    ['the list out of date', list, 500, crl([], { until: old }), 'unchecked', /out of date/],
    ['garbage', list, 500, Buffer.from('garbage'), 'unchecked'],
    ['names no address', envelope(), 500, 500, 'unchecked', /names neither/],
  ];
  for (const [name, bytes, byOcsp, byList, kind, says] of runs) {
    answer = (path) => (path === '/ocsp' ? byOcsp : byList);
    const verdict = await verify(bytes, { revocation: 'enforce' });
    assert.equal(verdict.kind, kind, `${name}: ${JSON.stringify(verdict)}`);
    if (says !== undefined)
      assert.match(
        JSON.stringify({ ...verdict, problem: verdict.kind === 'unchecked' ? String(verdict.problem) : '' }),
        says,
        name,
      );
    const logged = await verify(bytes, { revocation: 'log' });
    assert.equal(logged.kind, 'verified', name);
    assert.equal(
      logged.kind === 'verified' && (logged.notes?.length ?? 0) > 0,
      kind === 'unchecked' || kind === 'invalid',
      `${name}: said in a note`,
    );
  }
});
