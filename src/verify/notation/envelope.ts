// The two envelopes of Notary Project signatures, JWS and COSE, in one shape. notaryproject/specifications,
// signature-envelope-jws.md and signature-envelope-cose.md. Nothing here is trusted yet.
import * as v from 'valibot';
import { parseJson } from '../../sigstore/json.ts';
import { type Cbor, type CborMap, readCbor, signatureStructure } from './cbor.ts';

export type Algorithm = 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';
export type SigningScheme = 'notary.x509' | 'notary.x509.signingAuthority';

export type NotationEnvelope = {
  readonly algorithm: Algorithm;
  readonly scheme: SigningScheme;
  /** Only for the scheme signingAuthority. */
  readonly authenticSigningTime?: Date;
  readonly expiry?: Date;
  readonly payload: Buffer;
  /** The bytes that were signed. */
  readonly signed: Buffer;
  /** r‖s for ECDSA. */
  readonly signature: Buffer;
  /** Leaf first, DER. */
  readonly chain: readonly Buffer[];
  /** CMS ContentInfo with a TSTInfo, DER. */
  readonly timestamp?: Buffer;
};

const JWS_TYPE = 'application/jose+json';
const COSE_TYPE = 'application/cose';
const CONTENT_TYPE = 'application/vnd.cncf.notary.payload.v1+json';
const P = 'io.cncf.notary.';
/** Attributes that an envelope may mark critical: those that tagproof understands. Those of plugins are not among them. */
const UNDERSTOOD = new Set([`${P}signingScheme`, `${P}authenticSigningTime`, `${P}expiry`]);
const MAX_CHAIN = 10;
const COSE_ALGORITHMS: Readonly<Record<number, Algorithm>> = {
  [-37]: 'PS256',
  [-38]: 'PS384',
  [-39]: 'PS512',
  [-7]: 'ES256',
  [-35]: 'ES384',
  [-36]: 'ES512',
};

/** @throws for an envelope that is malformed or that tagproof does not fully understand */
export function readEnvelope(bytes: Buffer, mediaType: string): NotationEnvelope {
  if (mediaType === JWS_TYPE) return readJws(bytes);
  if (mediaType === COSE_TYPE) return readCose(bytes);
  throw new Error(`an envelope of the unknown type ${mediaType.slice(0, 80)}`);
}

const base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]*$/, 'not base64url'));
const JwsSchema = v.strictObject({
  payload: base64url,
  protected: base64url,
  signature: base64url,
  header: v.looseObject({ x5c: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(MAX_CHAIN)) }),
});

function readJws(bytes: Buffer): NotationEnvelope {
  const jws = parse(JwsSchema, parseJson(bytes));
  const header = parseJson(Buffer.from(jws.protected, 'base64url'));
  if (header === null || typeof header !== 'object') throw new Error('the protected header is not JSON');
  const attributes = new Map<string | number, unknown>(Object.entries(header));
  const token = jws.header[`${P}timestampSignature`];
  return finish({
    attributes,
    algorithm: attributes.get('alg'),
    contentType: attributes.get('cty'),
    critical: attributes.get('crit'),
    time: (value) => (typeof value === 'string' ? new Date(value) : undefined),
    payload: Buffer.from(jws.payload, 'base64url'),
    signed: Buffer.from(`${jws.protected}.${jws.payload}`),
    signature: Buffer.from(jws.signature, 'base64url'),
    chain: jws.header.x5c.map((text) => Buffer.from(text, 'base64')),
    timestamp: typeof token === 'string' ? Buffer.from(token, 'base64') : undefined,
  });
}

function readCose(bytes: Buffer): NotationEnvelope {
  const outer = readCbor(bytes);
  if (!isTagged(outer) || outer.tag !== 18 || !Array.isArray(outer.value) || outer.value.length !== 4)
    throw new Error('expected COSE_Sign1 (tag 18)');
  const [protectedHeader, unprotected, payload, signature] = outer.value as Cbor[];
  if (!Buffer.isBuffer(protectedHeader) || !Buffer.isBuffer(payload) || !Buffer.isBuffer(signature))
    throw new Error('a COSE part that is not a byte string');
  const attributes = readCbor(protectedHeader);
  if (!(attributes instanceof Map) || !(unprotected instanceof Map)) throw new Error('a COSE header that is not a map');
  const algorithm = attributes.get(1);
  const x5chain = (unprotected as CborMap).get(33);
  const chain = Buffer.isBuffer(x5chain) ? [x5chain] : Array.isArray(x5chain) ? x5chain : [];
  if (chain.length === 0 || chain.length > MAX_CHAIN || !chain.every(Buffer.isBuffer))
    throw new Error('the certificate chain is missing or too long');
  const token = (unprotected as CborMap).get(`${P}timestampSignature`);
  return finish({
    attributes,
    algorithm: typeof algorithm === 'number' ? COSE_ALGORITHMS[algorithm] : undefined,
    contentType: attributes.get(3),
    critical: attributes.get(2),
    time: (value) =>
      isTagged(value as Cbor) && (value as { tag: number }).tag === 1
        ? new Date(Number((value as { value: Cbor }).value) * 1000)
        : undefined,
    payload,
    signed: signatureStructure(protectedHeader, payload),
    signature,
    chain: chain as Buffer[],
    timestamp: Buffer.isBuffer(token) ? token : undefined,
  });
}

type Raw = Pick<NotationEnvelope, 'payload' | 'signed' | 'signature' | 'chain'> & {
  readonly attributes: ReadonlyMap<string | number, unknown>;
  readonly algorithm: unknown;
  readonly contentType: unknown;
  readonly critical: unknown;
  readonly time: (value: unknown) => Date | undefined;
  readonly timestamp: Buffer | undefined;
};

/** Rules of both envelopes: every critical attribute known and present, the scheme and its times marked critical. */
function finish(raw: Raw): NotationEnvelope {
  const { attributes, algorithm, contentType, critical, time, timestamp, payload, signed, signature, chain } = raw;
  if (typeof algorithm !== 'string' || !Object.values(COSE_ALGORITHMS).includes(algorithm as Algorithm))
    throw new Error(`the algorithm ${String(algorithm).slice(0, 20)} is not supported`);
  if (contentType !== CONTENT_TYPE) throw new Error(`expected the content type ${CONTENT_TYPE}`);
  if (!Array.isArray(critical) || critical.length === 0) throw new Error('no attribute is marked critical');
  for (const name of critical as unknown[]) {
    if (typeof name !== 'string' || !UNDERSTOOD.has(name))
      throw new Error(`a critical attribute that tagproof does not know: ${String(name).slice(0, 80)}`);
    if (!attributes.has(name)) throw new Error(`the critical attribute ${name} is missing`);
  }
  // A plugin would decide about validity; without it the answer is unknown.
  const plugin = [...attributes.keys()].find(
    (name) => typeof name === 'string' && name.startsWith(`${P}verificationPlugin`),
  );
  if (plugin !== undefined) throw new Error('it requires a verification plugin');
  const scheme = attributes.get(`${P}signingScheme`);
  if (scheme !== 'notary.x509' && scheme !== 'notary.x509.signingAuthority')
    throw new Error(`the signing scheme ${String(scheme).slice(0, 60)} is not supported`);
  const timeOf = (name: string): Date | undefined => {
    if (!attributes.has(name)) return undefined;
    const date = time(attributes.get(name));
    if (date === undefined || Number.isNaN(date.getTime())) throw new Error(`${name} is not a time`);
    if (!critical.includes(name)) throw new Error(`${name} is not marked critical`);
    return date;
  };
  if (!critical.includes(`${P}signingScheme`)) throw new Error('the signing scheme is not marked critical');
  const authenticSigningTime = timeOf(`${P}authenticSigningTime`);
  const expiry = timeOf(`${P}expiry`);
  const bySigningAuthority = scheme === 'notary.x509.signingAuthority';
  if (bySigningAuthority !== (authenticSigningTime !== undefined))
    throw new Error('the scheme signingAuthority requires an authentic signing time, and only that scheme has one');
  return {
    algorithm: algorithm as Algorithm,
    scheme,
    ...(authenticSigningTime !== undefined && { authenticSigningTime }),
    ...(expiry !== undefined && { expiry }),
    payload,
    signed,
    signature,
    chain,
    ...(timestamp !== undefined && { timestamp }),
  };
}

function isTagged(value: Cbor): value is { tag: number; value: Cbor } {
  return typeof value === 'object' && value !== null && 'tag' in value;
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value);
  if (!result.success) throw new Error(`${v.getDotPath(result.issues[0]) ?? 'not JSON'}: ${result.issues[0].message}`);
  return result.output;
}
