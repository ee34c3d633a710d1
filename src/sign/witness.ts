// The witnesses of a signature: a transparency log (Rekor, version 1 or 2) and a timestamp authority (RFC 3161).
import { createHash, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { Problem } from '../problem.ts';
import type { RegistryResponse } from '../registry/exchange.ts';
import type { Service } from '../registry/service.ts';
import { parseJson } from '../sigstore/json.ts';
import type { Envelope } from './sign.ts';

const MAX_ANSWER = 256 * 1024;
const JSON_TYPE = { 'content-type': 'application/json', accept: 'application/json' };

/** The signer as a log records it: a certificate, or a public key; DER. */
export type LoggedSigner = { readonly kind: 'certificate' | 'key'; readonly der: Buffer };

const EntrySchema = v.object({
  body: v.pipe(v.string(), v.base64()),
  integratedTime: v.number(),
  logID: v.pipe(v.string(), v.hexadecimal()),
  logIndex: v.number(),
  verification: v.object({
    signedEntryTimestamp: v.string(),
    inclusionProof: v.object({
      checkpoint: v.string(),
      hashes: v.array(v.pipe(v.string(), v.hexadecimal())),
      logIndex: v.number(),
      rootHash: v.pipe(v.string(), v.hexadecimal()),
      treeSize: v.number(),
    }),
  }),
});

/** Rekor v1, an entry of kind dsse 0.0.1. rekor openapi.yaml, POST /api/v1/log/entries. */
export async function logInRekor1(rekor: Service, envelope: Envelope, signer: LoggedSigner): Promise<object> {
  const dsse = {
    payload: envelope.payload.toString('base64'),
    payloadType: envelope.payloadType,
    signatures: [{ sig: envelope.signature.toString('base64') }],
  };
  const spec = {
    proposedContent: { envelope: JSON.stringify(dsse), verifiers: [Buffer.from(pemOf(signer)).toString('base64')] },
  };
  const proposal = JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec });
  const answer = await rekor.post('api/v1/log/entries', proposal, JSON_TYPE, MAX_ANSWER);
  if (answer.status !== 201) throw refused(rekor, answer, 'the transparency log');
  const result = v.safeParse(v.record(v.string(), EntrySchema), parseJson(answer.body));
  const entry = result.success ? Object.values(result.output)[0] : undefined;
  if (entry === undefined)
    throw new Problem('protocol', `the transparency log ${rekor.host} did not answer with an entry`);
  const hex = (text: string) => Buffer.from(text, 'hex').toString('base64');
  const { checkpoint, hashes, logIndex, rootHash, treeSize } = entry.verification.inclusionProof;
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: hex(entry.logID) },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(entry.integratedTime),
    inclusionPromise: { signedEntryTimestamp: entry.verification.signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(logIndex),
      rootHash: hex(rootHash),
      treeSize: String(treeSize),
      hashes: hashes.map(hex),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: entry.body,
  };
}

/** Rekor v2, hashedrekord 0.0.2 over the signed bytes. It answers in the bundle's form. rekor-tiles, rekor_service.proto. */
export async function logInRekor2(
  rekor: Service,
  envelope: Envelope,
  signer: LoggedSigner,
  keyDetails: string,
): Promise<object> {
  const rawBytes = signer.der.toString('base64');
  const request = {
    hashedRekordRequestV002: {
      digest: createHash('sha256').update(envelope.signed).digest('base64'),
      signature: {
        content: envelope.signature.toString('base64'),
        verifier: {
          ...(signer.kind === 'certificate' ? { x509Certificate: { rawBytes } } : { publicKey: { rawBytes } }),
          keyDetails,
        },
      },
    },
  };
  const answer = await rekor.post('api/v2/log/entries', JSON.stringify(request), JSON_TYPE, MAX_ANSWER);
  if (answer.status !== 201 && answer.status !== 200) throw refused(rekor, answer, 'the transparency log');
  const entry = parseJson(answer.body);
  if (entry === null || typeof entry !== 'object' || !('inclusionProof' in entry))
    throw new Problem('protocol', `the transparency log ${rekor.host} did not answer with an entry`);
  return entry;
}

/** RFC 3161 2.4.1: SHA-256 of the bytes, a nonce, and a request for the authority's certificate. @returns the response */
export async function stampBytes(authority: Service, bytes: Buffer): Promise<Buffer> {
  const der = (tag: number, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([tag, body.length]), body]); // every part is shorter than 128 bytes
  };
  const sha256 = Buffer.from('300d06096086480165030402010500', 'hex');
  const imprint = der(0x30, sha256, der(0x04, createHash('sha256').update(bytes).digest()));
  const nonce = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const request = der(0x30, der(0x02, Buffer.from([1])), imprint, der(0x02, nonce), der(0x01, Buffer.from([0xff])));
  const headers = { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' };
  const answer = await authority.post('', request, headers, MAX_ANSWER);
  if (answer.status !== 200 && answer.status !== 201) throw refused(authority, answer, 'the timestamp authority');
  return answer.body;
}

function pemOf({ kind, der }: LoggedSigner): string {
  const label = kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY';
  return `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trim()}\n-----END ${label}-----\n`;
}

/** The Problem for a service that did not do what it was asked, with the service's own message. */
export function refused({ host }: Service, { status, body }: RegistryResponse, who: string): Problem {
  const { message } = (parseJson(body) ?? {}) as { message?: unknown };
  const detail = typeof message === 'string' ? `: ${message.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200)}` : '';
  return new Problem(
    status === 401 || status === 403 ? 'denied' : status >= 500 ? 'unreachable' : 'protocol',
    `${who} ${host} answered ${status}${detail}`,
  );
}
