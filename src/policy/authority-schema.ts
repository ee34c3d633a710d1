// The schema of one authority in tagproof.yaml, and what it means: exactly one of keys, identities, notary, notation.
import * as v from 'valibot';
import { CLAIM_NAMES } from '../sigstore/claims.ts';
import type { Authority } from './config.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));
const pem = v.pipe(text, v.includes('-----BEGIN PUBLIC KEY-----', 'expected a public key in PEM'));

/** Literal up to the first wildcard, and the wildcard not before there is an owner: `https://github.com/org/…` (T28). */
const subjectPattern = v.pipe(
  text,
  v.check(
    (pattern) => !/^\^|\$$|\.\*|\\|\[.*\]|\(.*\)/.test(pattern),
    'expected a pattern with * and **, not a regular expression: it is anchored by itself, and every other character is literal',
  ),
  v.check(
    isNarrow,
    'too wide: expected a literal host and owner (https://github.com/org/…), or *@ and a literal domain',
  ),
);

const certificates = v.array(v.pipe(text, v.includes('-----BEGIN CERTIFICATE-----', 'expected certificates in PEM')));

const IdentitySchema = v.pipe(
  v.strictObject({
    issuer: v.optional(text),
    subject: v.optional(text),
    subjectPattern: v.optional(subjectPattern),
    claims: v.optional(
      v.pipe(
        v.record(text, v.string()),
        v.check(
          (claims) => Object.keys(claims).every((name) => CLAIM_NAMES.includes(name)),
          `expected claims among ${CLAIM_NAMES.join(', ')}`,
        ),
      ),
    ),
  }),
  v.check(
    ({ subject, subjectPattern: pattern }) => (subject === undefined) !== (pattern === undefined),
    'expected either subject (exact) or subjectPattern',
  ),
);

const repositoryName = v.pipe(
  text,
  v.regex(/^[a-z0-9][a-z0-9.-]*(:\d+)?\/[a-z0-9/._-]+$/, 'expected host/path, as ghcr.io/org/signatures'),
);

const NotarySchema = v.strictObject({
  server: v.optional(v.pipe(text, v.regex(/^https?:\/\/[^/?#]+\/?$/, 'expected https://host'))),
  ca: v.optional(text),
  roots: v.pipe(
    v.array(v.pipe(text, v.regex(/-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/, 'expected a key or certificate in PEM'))),
    v.nonEmpty('expected at least one root key: there is no trust on first use'),
  ),
  signers: v.optional(
    v.array(v.pipe(text, v.regex(/^[-a-z0-9_]+$/, 'expected a signer’s name: alice for targets/alice'))),
    [],
  ),
});

const NotationSchema = v.pipe(
  v.strictObject({
    level: v.optional(v.picklist(['strict', 'permissive', 'audit']), 'strict'),
    trustStores: v.strictObject({
      ca: v.optional(certificates, []),
      signingAuthority: v.optional(certificates, []),
      tsa: v.optional(certificates, []),
    }),
    trustedIdentities: v.pipe(
      v.array(v.pipe(text, v.regex(/^(\*|x509\.subject:.+)$/, "expected '*' or 'x509.subject: C=…, ST=…, O=…'"))),
      v.nonEmpty('expected at least one identity'),
      v.check((list) => !list.includes('*') || list.length === 1, "'*' stands alone"),
    ),
    verifyTimestamp: v.optional(v.picklist(['always', 'afterCertExpiry']), 'always'),
    revocation: v.optional(v.picklist(['enforce', 'log', 'skip'])),
  }),
  v.check(
    ({ trustStores: { ca, signingAuthority } }) => ca.length + signingAuthority.length > 0,
    'expected certificates in trustStores.ca or trustStores.signingAuthority',
  ),
  // What each level does with what it cannot check: trust-store-trust-policy.md, "signature verification levels".
  v.transform(({ revocation, level, ...rest }) => ({
    ...rest,
    level,
    revocation: revocation ?? (level === 'strict' ? ('enforce' as const) : ('log' as const)),
  })),
);

export const AuthoritySchema = v.pipe(
  v.strictObject({
    keys: v.optional(v.pipe(v.array(pem), v.nonEmpty('expected at least one key'))),
    hashAlgorithm: v.optional(v.picklist(['sha256', 'sha384', 'sha512'])),
    rsaScheme: v.optional(v.picklist(['pkcs1', 'pss'])),
    identities: v.optional(v.pipe(v.array(IdentitySchema), v.nonEmpty('expected at least one identity'))),
    trustRoot: v.optional(text),
    certificateAuthorities: v.optional(v.pipe(certificates, v.nonEmpty('expected at least one chain'))),
    transparencyLog: v.optional(v.picklist(['required', 'ignore'])),
    certificateTransparency: v.optional(v.picklist(['required', 'ignore'])),
    timestamp: v.optional(v.picklist(['required', 'optional'])),
    bindRepository: v.optional(v.boolean()),
    notary: v.optional(NotarySchema),
    notation: v.optional(NotationSchema),
    annotations: v.optional(v.record(text, v.string()), {}),
    signatureRepository: v.optional(repositoryName),
  }),
  v.check(
    (a) => [a.keys, a.identities, a.notary, a.notation].filter((part) => part !== undefined).length === 1,
    'expected exactly one of keys, identities, notary, notation',
  ),
  v.check(
    ({ identities = [], certificateAuthorities }) =>
      certificateAuthorities !== undefined || identities.every(({ issuer }) => issuer !== undefined),
    'expected an issuer with every identity: anybody may have a mail address or a URL vouched for by somebody',
  ),
  v.check(
    (a) => a.identities !== undefined || (a.certificateAuthorities ?? a.certificateTransparency) === undefined,
    'certificateAuthorities and certificateTransparency are for identities',
  ),
  v.check(
    (a) =>
      (a.notary ?? a.notation) === undefined ||
      [a.hashAlgorithm, a.rsaScheme, a.trustRoot, a.transparencyLog, a.timestamp, a.bindRepository].every(
        (part) => part === undefined,
      ),
    'settings of cosign do not go with notary or notation',
  ),
  v.check(
    (a) => a.notary === undefined || (a.signatureRepository === undefined && Object.keys(a.annotations).length === 0),
    'signatureRepository and annotations do not go with notary',
  ),
  v.transform(toAuthority),
);

type Given = {
  keys?: string[] | undefined;
  hashAlgorithm?: 'sha256' | 'sha384' | 'sha512' | undefined;
  rsaScheme?: 'pkcs1' | 'pss' | undefined;
  identities?: v.InferOutput<typeof IdentitySchema>[] | undefined;
  trustRoot?: string | undefined;
  certificateAuthorities?: string[] | undefined;
  transparencyLog?: 'required' | 'ignore' | undefined;
  certificateTransparency?: 'required' | 'ignore' | undefined;
  timestamp?: 'required' | 'optional' | undefined;
  bindRepository?: boolean | undefined;
  notary?: v.InferOutput<typeof NotarySchema> | undefined;
  notation?: v.InferOutput<typeof NotationSchema> | undefined;
  annotations: Record<string, string>;
  signatureRepository?: string | undefined;
};

/** What is left out is strict: a log is required, and for Fulcio's certificates their own log too. */
function toAuthority({ annotations, signatureRepository, notary, notation, ...cosign }: Given): Authority {
  const common = { annotations, ...(signatureRepository !== undefined && { signatureRepository }) };
  if (notary !== undefined) return { ...common, kind: 'notary', ...notary };
  if (notation !== undefined) return { ...common, kind: 'notation', ...notation };
  const own = cosign.certificateAuthorities !== undefined;
  return {
    ...common,
    kind: 'cosign',
    keys: cosign.keys ?? [],
    hashAlgorithm: cosign.hashAlgorithm ?? 'sha256',
    rsaScheme: cosign.rsaScheme ?? 'pkcs1',
    identities: cosign.identities ?? [],
    trustRoot: cosign.trustRoot ?? 'public-good',
    certificateAuthorities: cosign.certificateAuthorities ?? [],
    transparencyLog: cosign.transparencyLog ?? 'required',
    certificateTransparency: cosign.certificateTransparency ?? (own ? 'ignore' : 'required'),
    timestamp: cosign.timestamp ?? 'optional',
    bindRepository: cosign.bindRepository ?? false,
  };
}

/** Does a pattern name somebody? A literal scheme, host and owner, or a literal mail domain (T28). */
function isNarrow(pattern: string): boolean {
  const literal = pattern.slice(0, pattern.indexOf('*') < 0 ? undefined : pattern.indexOf('*'));
  if (pattern.includes('://'))
    return /^[a-z+]+:\/\/[^/*]+\/[^/*]+\//.test(`${literal}${literal === pattern ? '/' : ''}`);
  const domain = pattern.slice(pattern.lastIndexOf('@') + 1);
  return pattern.includes('@') && !domain.includes('*') && domain.includes('.');
}
