// The schema of one authority in tagproof.yaml: exactly one of keys, identities, notary, notation.
// Pure.
import * as v from 'valibot';
import type { Authority, CosignAuthority, NotaryAuthority, NotationAuthority } from './config.ts';
import { IdentitySchema } from './identity-schema.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));
const pem = v.pipe(text, v.includes('-----BEGIN PUBLIC KEY-----', 'expected a public key in PEM'));
const certificates = v.array(v.pipe(text, v.includes('-----BEGIN CERTIFICATE-----', 'expected certificates in PEM')));
const repositoryName = v.pipe(
  text,
  v.regex(/^[a-z0-9][a-z0-9.-]*(:\d+)?\/[a-z0-9/._-]+$/, 'expected host/path, as ghcr.io/org/signatures'),
);

const COSIGN = {
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
} satisfies Record<Exclude<keyof CosignAuthority, 'kind'>, v.GenericSchema>;

const NOTARY = {
  server: v.optional(v.pipe(text, v.regex(/^https?:\/\/[^/?#]+\/?$/, 'expected https://host'))),
  ca: v.optional(text),
  roots: v.pipe(
    v.array(v.pipe(text, v.regex(/-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/, 'expected a key or certificate in PEM'))),
    v.nonEmpty('expected at least one root key: there is no trust on first use'),
  ),
  signers: v.optional(
    v.array(v.pipe(text, v.regex(/^[-a-z0-9_]+$/, 'expected the name of a signer: alice for targets/alice'))),
    [],
  ),
} satisfies Record<Exclude<keyof NotaryAuthority, 'kind'>, v.GenericSchema>;

const NOTATION = {
  level: v.optional(v.picklist(['strict', 'permissive', 'audit']), 'strict'),
  trustStores: v.strictObject({
    ca: v.optional(certificates, []),
    signingAuthority: v.optional(certificates, []),
    tsa: v.optional(certificates, []),
  } satisfies Record<keyof NotationAuthority['trustStores'], v.GenericSchema>),
  trustedIdentities: v.pipe(
    v.array(v.pipe(text, v.regex(/^(\*|x509\.subject:.+)$/, "expected '*' or 'x509.subject: C=…, ST=…, O=…'"))),
    v.nonEmpty('expected at least one identity'),
    v.check((list) => !list.includes('*') || list.length === 1, "'*' must be the only identity"),
  ),
  verifyTimestamp: v.optional(v.picklist(['always', 'afterCertExpiry']), 'always'),
  revocation: v.optional(v.picklist(['enforce', 'log', 'skip'])),
} satisfies Record<Exclude<keyof NotationAuthority, 'kind'>, v.GenericSchema>;

const NotationSchema = v.pipe(
  v.strictObject(NOTATION),
  v.check(
    ({ trustStores: { ca, signingAuthority } }) => ca.length + signingAuthority.length > 0,
    'expected certificates in trustStores.ca or trustStores.signingAuthority',
  ),
  // What each level does when a check is not possible: trust-store-trust-policy.md, "signature
  // verification levels".
  v.transform(({ revocation, level, ...rest }) => ({
    ...rest,
    level,
    revocation: revocation ?? (level === 'strict' ? ('enforce' as const) : ('log' as const)),
  })),
);

const SettingsSchema = v.strictObject({
  ...COSIGN,
  notary: v.optional(v.strictObject(NOTARY)),
  notation: v.optional(NotationSchema),
  annotations: v.optional(v.record(text, v.string()), {}),
  signatureRepository: v.optional(repositoryName),
});
type Settings = v.InferOutput<typeof SettingsSchema>;
type Kind = Authority['kind'];

/** The settings that each kind of authority may have. A kind without a row does not compile. */
const ALLOWED: Readonly<Record<Kind, readonly (keyof Settings)[]>> = {
  cosign: [...(Object.keys(COSIGN) as (keyof typeof COSIGN)[]), 'annotations', 'signatureRepository'],
  notary: ['notary'],
  notation: ['notation', 'annotations', 'signatureRepository'],
};

const kindOf = ({ notary, notation }: Settings): Kind =>
  notary !== undefined ? 'notary' : notation !== undefined ? 'notation' : 'cosign';

/** Settings that would be ignored, and would look as if they were checked. */
function foreignSettings(settings: Settings): string[] {
  const allowed: readonly string[] = ALLOWED[kindOf(settings)];
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined && !(typeof value === 'object' && Object.keys(value).length === 0))
    .map(([name]) => name)
    .filter((name) => !allowed.includes(name));
}

export const AuthoritySchema = v.pipe(
  SettingsSchema,
  v.check(
    (a) => [a.keys, a.identities, a.notary, a.notation].filter((part) => part !== undefined).length === 1,
    'expected exactly one of keys, identities, notary, notation',
  ),
  v.check(
    ({ identities = [], certificateAuthorities }) =>
      certificateAuthorities !== undefined || identities.every(({ issuer }) => issuer !== undefined),
    'expected an issuer with every identity: without one, any issuer could vouch for this mail address or URL',
  ),
  v.check(
    (a) => a.identities !== undefined || (a.certificateAuthorities ?? a.certificateTransparency) === undefined,
    'certificateAuthorities and certificateTransparency are for identities',
  ),
  v.check(
    (settings) => foreignSettings(settings).length === 0,
    ({ input }) => `${foreignSettings(input).join(', ')} cannot be set with ${kindOf(input)}`,
  ),
  v.transform((settings) => TO_AUTHORITY[kindOf(settings)](settings)),
);

const common = ({ annotations, signatureRepository }: Settings) => ({
  annotations,
  ...(signatureRepository !== undefined && { signatureRepository }),
});

/**
 * Defaults are strict: a log entry is required, and for Fulcio's certificates a proof of
 * certificate transparency.
 */
const TO_AUTHORITY: Readonly<Record<Kind, (settings: Settings) => Authority>> = {
  cosign: (settings) => ({
    ...common(settings),
    kind: 'cosign',
    keys: settings.keys ?? [],
    hashAlgorithm: settings.hashAlgorithm ?? 'sha256',
    rsaScheme: settings.rsaScheme ?? 'pkcs1',
    identities: settings.identities ?? [],
    trustRoot: settings.trustRoot ?? 'public-good',
    certificateAuthorities: settings.certificateAuthorities ?? [],
    transparencyLog: settings.transparencyLog ?? 'required',
    certificateTransparency:
      settings.certificateTransparency ?? (settings.certificateAuthorities === undefined ? 'required' : 'ignore'),
    timestamp: settings.timestamp ?? 'optional',
    bindRepository: settings.bindRepository ?? false,
  }),
  notary: (settings) => ({
    ...common(settings),
    kind: 'notary',
    ...(settings.notary as NonNullable<Settings['notary']>),
  }),
  notation: (settings) => ({
    ...common(settings),
    kind: 'notation',
    ...(settings.notation as NonNullable<Settings['notation']>),
  }),
};
