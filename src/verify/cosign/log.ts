// A log entry must be about this very signer, and its log must have been in office. Closes gap 4 of the engine (engine.ts):
// cosign's CVE-2026-22703 was an entry that nothing bound to the signer (T33). Rekor: pkg/types/{hashedrekord,dsse,intoto}.
import { createHash, createPublicKey } from 'node:crypto';
import { parseJson } from '../../sigstore/json.ts';
import { parseDer, publicKeyOf } from '../der.ts';
import type { LogEntry } from './material.ts';

/** @param spki the public key that verified the signature, DER; @param certificate the signer's, if it has one */
export function checkLogSigner(
  { canonicalizedBody }: LogEntry,
  spki: Buffer,
  certificate?: Buffer,
): string | undefined {
  const logged = signersOf(parseJson(canonicalizedBody));
  if (logged.length === 0) return 'its log entry names no signer';
  for (const signer of logged) {
    const wrong =
      signer.kind === 'key'
        ? !signer.der.equals(spki)
        : certificate === undefined
          ? !publicKeyOf(parseDer(signer.der)).equals(spki)
          : !signer.der.equals(certificate);
    if (wrong) return 'its log entry is about another signer';
  }
  return undefined;
}

type LoggedSigner = { readonly kind: 'key' | 'certificate'; readonly der: Buffer };

/** Every signer that an entry's body names, whatever its kind. */
function signersOf(body: unknown): LoggedSigner[] {
  const { kind, apiVersion, spec } = (body ?? {}) as { kind?: unknown; apiVersion?: unknown; spec?: object };
  const pem = (text: unknown): LoggedSigner[] => {
    const decoded = Buffer.from(String(text ?? ''), 'base64').toString('utf8');
    const [, label, base64] = /-----BEGIN (CERTIFICATE|PUBLIC KEY)-----([A-Za-z0-9+/=\s]+)-----END/.exec(decoded) ?? [];
    if (label === undefined) return [];
    const der = Buffer.from(base64 as string, 'base64');
    // Reading and exporting the key makes two encodings of one key equal.
    return label === 'CERTIFICATE'
      ? [{ kind: 'certificate', der }]
      : [{ kind: 'key', der: createPublicKey(decoded).export({ type: 'spki', format: 'der' }) }];
  };
  // biome-ignore lint/suspicious/noExplicitAny: untrusted JSON; a missing part is undefined and results in "no signer"
  const s = (spec ?? {}) as any;
  if (kind === 'hashedrekord' && apiVersion === '0.0.2') {
    const { x509Certificate, publicKey } = s.hashedRekordV002?.signature?.verifier ?? {};
    const raw = (part: { rawBytes?: unknown } | undefined) => Buffer.from(String(part?.rawBytes ?? ''), 'base64');
    if (x509Certificate !== undefined) return [{ kind: 'certificate', der: raw(x509Certificate) }];
    return publicKey === undefined ? [] : [{ kind: 'key', der: raw(publicKey) }];
  }
  if (kind === 'hashedrekord') return pem(s.signature?.publicKey?.content);
  if (kind === 'dsse') return list(s.signatures).flatMap((signature) => pem(signature?.verifier));
  if (kind === 'intoto') return list(s.content?.envelope?.signatures).flatMap((signature) => pem(signature?.publicKey));
  return [];
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.slice(0, 16) : [];
}

/**
 * The engine checks a log key's term of office only where the log itself states a time. An entry with only a proof (Rekor v2)
 * states none: one of the verified times must lie in its log's term. Without any, the term must have begun.
 */
export function checkLogTerm(
  entry: LogEntry,
  logs: readonly { logID: Buffer; validFor: { start: Date; end: Date } }[],
  times: readonly Date[],
  now: Date,
): string | undefined {
  if (entry.inclusionPromise !== undefined) return undefined;
  const candidates = logs.filter(({ logID }) => logID.equals(entry.logId.keyId));
  const inOffice =
    times.length === 0
      ? candidates.some(({ validFor }) => validFor.start <= now)
      : candidates.some(({ validFor }) => times.some((time) => validFor.start <= time && time <= validFor.end));
  return inOffice ? undefined : 'its log was not in office when it was signed';
}

/** Is the stated digest that of these bytes? Its length decides the algorithm. */
export function sameDigest(stated: Buffer, bytes: Buffer): boolean {
  const algorithm = { 32: 'sha256', 48: 'sha384', 64: 'sha512' }[stated.length];
  return algorithm !== undefined && createHash(algorithm).update(bytes).digest().equals(stated);
}
