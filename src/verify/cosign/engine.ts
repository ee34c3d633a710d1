// @sigstore/verify is the engine: timestamps, chain, SCTs, log inclusion, log body. It is not a complete verifier; what it
// leaves open (facts/signatures, "Gaps") is closed here and in certificate.ts, log.ts, identity.ts, trust root.
import { RFC3161Timestamp, X509Certificate } from '@sigstore/core';
import { type SignedEntity, type TrustMaterial, Verifier } from '@sigstore/verify';
import { type Key, keyOfCertificate } from './key.ts';
import { checkLogSigner, checkLogTerm, sameDigest } from './log.ts';
import type { LogEntry, Material } from './material.ts';

export type Thresholds = {
  /** Log entries that are demanded; those that are there are checked in any case. */
  readonly logEntries: 0 | 1;
  /** Signed certificate timestamps. */
  readonly certificateTimestamps: 0 | 1;
  /** RFC 3161 timestamps. */
  readonly timestamps: 0 | 1;
};

/** What stands proven once the engine and the checks around it have passed. */
export type Proven = {
  readonly key: Key;
  /** Verified times: of log promises and of timestamp authorities. */
  readonly times: readonly Date[];
  readonly logIndex?: string;
};
export type Wrong = { readonly wrong: string };

/**
 * Verifies everything about the material but its claim.
 * @param trust whom to believe; `key`: the policy's key that verified the signature, absent for identities
 */
export function prove(
  material: Material,
  trust: TrustMaterial,
  thresholds: Thresholds,
  now: Date,
  key: Key | undefined,
): Proven | Wrong {
  try {
    return proveOrThrow(material, trust, thresholds, now, key);
  } catch (error) {
    // Whatever the engine throws, about malformed input too, means: not verified.
    return { wrong: `its proofs do not hold: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function proveOrThrow(
  material: Material,
  trust: TrustMaterial,
  thresholds: Thresholds,
  now: Date,
  policyKey: Key | undefined,
): Proven | Wrong {
  const { certificate, logEntries, timestamps } = material;
  const stamps = timestamps.map((der) => RFC3161Timestamp.parse(der as Buffer<ArrayBuffer>));
  if (stamps.length < thresholds.timestamps) return { wrong: 'it has no timestamp by a timestamp authority' };
  const key = policyKey ?? (certificate === undefined ? undefined : keyOfCertificate(certificate));
  if (key === undefined) return { wrong: 'it came without a certificate, and no key of the policy made it' };
  const wrongSigner = logEntries.map((entry) => checkLogSigner(entry, key.spki, certificate)).find(Boolean);
  if (wrongSigner !== undefined) return { wrong: wrongSigner };

  const promised = logEntries.filter(({ inclusionPromise }) => inclusionPromise !== undefined);
  const times = [
    ...promised.map(({ integratedTime }) => new Date(Number(integratedTime) * 1000)),
    ...stamps.map(({ signingTime }) => signingTime),
  ];
  // A log without promises (Rekor v2) states no time: somebody else must (T35).
  if (certificate !== undefined && logEntries.length > 0 && times.length === 0)
    return { wrong: 'nothing says when it was signed: its log states no time and there is no timestamp' };
  new Verifier(trust, {
    tlogThreshold: thresholds.logEntries,
    ctlogThreshold: certificate === undefined ? 0 : thresholds.certificateTimestamps,
    timestampThreshold: 0,
  }).verify(entityOf(material, stamps, times, key, now));
  const wrongTerm = logEntries.map((entry) => checkLogTerm(entry, trust.tlogs, times, now)).find(Boolean);
  if (wrongTerm !== undefined) return { wrong: wrongTerm };
  const logIndex = logEntries[0]?.logIndex;
  return { key, times, ...(logIndex !== undefined && { logIndex }) };
}

/** Our material in the engine's shape; the signature's algorithm stays ours, for the engine knows only some. */
function entityOf(
  { signed, payload, signature, stamped, form, certificate, logEntries }: Material,
  stamps: readonly RFC3161Timestamp[],
  times: readonly Date[],
  key: Key,
  now: Date,
): SignedEntity {
  const timestamps: SignedEntity['timestamps'] = [
    ...logEntries
      .filter(({ inclusionPromise }) => inclusionPromise !== undefined)
      .map((tlogEntry) => ({ $case: 'transparency-log' as const, tlogEntry })),
    ...stamps.map((timestamp) => ({ $case: 'timestamp-authority' as const, timestamp })),
  ];
  // The engine checks a chain at each time it is given, and without any not at all: then it must hold now.
  if (times.length === 0 && certificate !== undefined)
    timestamps.push({ $case: 'transparency-log', tlogEntry: atTime(now) });
  return {
    signature: {
      signature: stamped,
      compareSignature: (other) => other.equals(signature),
      compareDigest: (digest) => sameDigest(digest, form === 'statement' ? payload : signed),
      compareSignedDigest: (digest) => sameDigest(digest, signed),
      verifySignature: () => key.verifies(signed, signature),
    },
    key:
      certificate === undefined
        ? { $case: 'public-key', hint: '' }
        : { $case: 'certificate', certificate: X509Certificate.parse(certificate as Buffer<ArrayBuffer>) },
    tlogEntries: [...logEntries],
    timestamps,
  };
}

/** Stands for a moment that we name ourselves; only its time is read, and it is no log entry of the signature. */
function atTime(moment: Date): LogEntry {
  return {
    integratedTime: String(Math.floor(moment.getTime() / 1000)),
    inclusionPromise: { signedEntryTimestamp: Buffer.alloc(0) },
    logId: { keyId: Buffer.alloc(0) },
  } as LogEntry;
}
