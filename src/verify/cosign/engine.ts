// Verifies everything about material but its claim. @sigstore/verify is the engine: it checks timestamps, chain, SCTs, log
// inclusion and log body. It is not a complete verifier. It leaves seven gaps, each closed here or in the file named:
//   1 extended key usage, 2 key usage, 3 unknown critical extensions (certificate.ts);
//   4 a log entry about another signer (log.ts);
//   5 only the first of several names is compared (certificate.ts, identity.ts);
//   6 the claim: digest and predicate type (verify-material.ts);
//   7 a term of office without a start counts as unlimited (trust/root.ts).
import { RFC3161Timestamp, X509Certificate } from '@sigstore/core';
import { type SignedEntity, type TrustMaterial, Verifier } from '@sigstore/verify';
import { type Key, keyOfCertificate } from './key.ts';
import { checkLogSigner, checkLogTerm, sameDigest } from './log.ts';
import type { LogEntry, Material } from './material.ts';

export type Thresholds = {
  /** Log entries that must be present. Those that are present are always checked. */
  readonly logEntries: 0 | 1;
  /** Signed certificate timestamps. */
  readonly certificateTimestamps: 0 | 1;
  /** RFC 3161 timestamps. */
  readonly timestamps: 0 | 1;
};

/** What is proven once the engine and the checks around it have passed. */
export type Proven = {
  readonly key: Key;
  /** Verified times: from log promises and timestamp authorities. */
  readonly times: readonly Date[];
  readonly logIndex?: string;
};
export type Wrong = { readonly wrong: string };

export type ProofRequest = {
  readonly material: Material;
  readonly trust: TrustMaterial;
  readonly thresholds: Thresholds;
  readonly now: Date;
  /** The policy's key that verified the signature; undefined for identities. */
  readonly policyKey: Key | undefined;
};

/** Verifies everything about the material but its claim. */
export function prove(request: ProofRequest): Proven | Wrong {
  try {
    return proveOrThrow(request);
  } catch (error) {
    // Whatever the engine throws, also about malformed input, means: not verified.
    return { wrong: `its proofs do not hold: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function proveOrThrow({ material, trust, thresholds, now, policyKey }: ProofRequest): Proven | Wrong {
  const { certificate, logEntries, timestamps } = material;
  const stamps = timestamps.map((der) => RFC3161Timestamp.parse(der as Buffer<ArrayBuffer>));
  if (stamps.length < thresholds.timestamps) return { wrong: 'it has no timestamp by a timestamp authority' };
  const key = policyKey ?? (certificate === undefined ? undefined : keyOfCertificate(certificate));
  if (key === undefined) return { wrong: 'it has no certificate, and no key of the policy made it' };
  const wrongSigner = logEntries.map((entry) => checkLogSigner(entry, key.spki, certificate)).find(Boolean);
  if (wrongSigner !== undefined) return { wrong: wrongSigner };

  const promised = logEntries.filter(({ inclusionPromise }) => inclusionPromise !== undefined);
  const times = [
    ...promised.map(({ integratedTime }) => new Date(Number(integratedTime) * 1000)),
    ...stamps.map(({ signingTime }) => signingTime),
  ];
  // A log without promises (Rekor v2) states no time, so a timestamp authority must (T35).
  if (certificate !== undefined && logEntries.length > 0 && times.length === 0)
    return { wrong: 'nothing says when it was signed: its log states no time, and it has no timestamp' };
  new Verifier(trust, {
    tlogThreshold: thresholds.logEntries,
    ctlogThreshold: certificate === undefined ? 0 : thresholds.certificateTimestamps,
    timestampThreshold: 0,
  }).verify(entityOf(material, { stamps, times, key, now }));
  const wrongTerm = logEntries.map((entry) => checkLogTerm(entry, trust.tlogs, times, now)).find(Boolean);
  if (wrongTerm !== undefined) return { wrong: wrongTerm };
  const logIndex = logEntries[0]?.logIndex;
  return { key, times, ...(logIndex !== undefined && { logIndex }) };
}

type EntityContext = {
  readonly stamps: readonly RFC3161Timestamp[];
  readonly times: readonly Date[];
  readonly key: Key;
  readonly now: Date;
};

/** Our material in the engine's shape. The signature is verified by our key, because the engine knows only some algorithms. */
function entityOf(
  { signed, payload, signature, stamped, form, certificate, logEntries }: Material,
  { stamps, times, key, now }: EntityContext,
): SignedEntity {
  const timestamps: SignedEntity['timestamps'] = [
    ...logEntries
      .filter(({ inclusionPromise }) => inclusionPromise !== undefined)
      .map((tlogEntry) => ({ $case: 'transparency-log' as const, tlogEntry })),
    ...stamps.map((timestamp) => ({ $case: 'timestamp-authority' as const, timestamp })),
  ];
  // The engine checks a chain at each time that it is given, and not at all without one: then the chain must be valid now.
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

/** Makes the engine check the chain at a moment of our choice. It reads only the time; this is no log entry of the signature. */
function atTime(moment: Date): LogEntry {
  return {
    integratedTime: String(Math.floor(moment.getTime() / 1000)),
    inclusionPromise: { signedEntryTimestamp: Buffer.alloc(0) },
    logId: { keyId: Buffer.alloc(0) },
  } as LogEntry;
}
