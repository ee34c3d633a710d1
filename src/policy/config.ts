// What tagproof.yaml says: what to look for, what to leave alone, how to reach registries. The file's reader is apart
// (config-file.ts), for most runs have no such file and need no schema.

export type Config = {
  readonly find: {
    readonly exclude: readonly string[];
    readonly ignore: readonly { readonly image: string; readonly reason: string }[];
    readonly fields: readonly {
      readonly group?: string | undefined;
      readonly kinds?: readonly string[] | undefined;
      readonly paths: readonly string[];
    }[];
    readonly argsAndEnv: boolean;
  };
  readonly platforms: readonly string[];
  readonly registries: readonly {
    readonly host: string;
    readonly plainHttp?: boolean | undefined;
    readonly skipTlsVerify?: boolean | undefined;
    readonly ca?: string | undefined;
    readonly tokenHost?: string | undefined;
    /** The identity of the cloud that tagproof runs in, for a registry of that cloud. */
    readonly credentials?: 'google' | 'azure' | 'amazon' | undefined;
  }[];
  readonly hostsDir?: string | undefined;
  readonly authorities: Readonly<Record<string, Authority>>;
  readonly rules: readonly Rule[];
  /** Images that the rules are not asked about. Only a cluster's own policy may name any (T21). */
  readonly exemptions: readonly Exemption[];
  /** Digests that must never run, whatever rules say. */
  readonly blocked?: readonly Blocked[] | undefined;
  /** Whom the watcher tells. */
  readonly alarms?: AlarmSettings | undefined;
  /** Further rules by namespace, from policies that may only tighten: they never make an image pass that `rules` deny. */
  readonly tightening?: ReadonlyMap<string, readonly Rule[]>;
};

export type Blocked = {
  readonly digest: string;
  /** Canonical: there tags are resolved, whoever is exempt, so that none of them leads to it. */
  readonly repository?: string | undefined;
  readonly reason: string;
  /** Who said so, and when; as rollback writes it. */
  readonly by?: string | undefined;
  readonly at?: string | undefined;
};

export type AlarmSettings = {
  /** A tag that moves after so many days of rest is remarkable. */
  readonly restDays: number;
  /** Kubernetes Events about workloads. */
  readonly events: boolean;
  readonly sinks: readonly {
    readonly name: string;
    readonly kind: 'webhook' | 'slack' | 'teams';
    /** Its address, or a file that holds it: for many of them it is their secret. */
    readonly url?: string | undefined;
    readonly urlFile?: string | undefined;
    /** Of a webhook: signs the body, HMAC-SHA256 in x-tagproof-signature. */
    readonly secretFile?: string | undefined;
    /** Only these; left out: all. */
    readonly codes?: readonly string[] | undefined;
  }[];
};

export type Exemption = {
  /** Canonical repositories; the host is always literal (T27). */
  readonly images: readonly string[];
  readonly namespaces?: readonly string[] | undefined;
  readonly reason: string;
  /** The last day, `2026-12-31` (UTC); afterwards the rules are asked again. */
  readonly until?: string | undefined;
};

/** Who may sign. One authority counts once, however many of its signatures there are. */
export type Authority = Common & (CosignAuthority | NotaryAuthority | NotationAuthority);

export type AuthorityKind = Authority['kind'];
/** The authorities of one kind. */
export type AuthorityOf<K extends AuthorityKind> = Extract<Authority, { readonly kind: K }>;

type Common = {
  /** Annotations that the signature must carry. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Where this authority's signatures are, if not beside the image: cosign's COSIGN_REPOSITORY. */
  readonly signatureRepository?: string | undefined;
};

/** cosign's signatures: by public keys, or by certificates that speak for identities. */
export type CosignAuthority = {
  readonly kind: 'cosign';
  /** Public keys, PEM (SPKI). Any of them speaks for the authority: old and new key while one replaces the other. */
  readonly keys: readonly string[];
  /** Hash of a key's signatures; fixed here and never taken from the signature. */
  readonly hashAlgorithm: 'sha256' | 'sha384' | 'sha512';
  /** How an RSA key signs; other keys have one way only. */
  readonly rsaScheme: 'pkcs1' | 'pss';
  readonly identities: readonly AllowedIdentity[];
  /** `public-good`, or the path of a trusted_root.json. */
  readonly trustRoot: string;
  /** An organisation's own certificate authorities in place of the trust root's: PEM, each a chain. */
  readonly certificateAuthorities: readonly string[];
  /** `ignore`: signatures without a log entry are taken; nothing then tells when a key was used. */
  readonly transparencyLog: 'required' | 'ignore';
  /** Proof that the certificate itself was logged (SCT). */
  readonly certificateTransparency: 'required' | 'ignore';
  /** RFC 3161 timestamps are always checked where there are some; `required`: there must be one. */
  readonly timestamp: 'required' | 'optional';
  /** The repository that the signature names must be the image's own (T8). Only the older form names one. */
  readonly bindRepository: boolean;
};

/** Whose certificate it must be. Exact, or a pattern: `*` within a path segment, `**` across. */
export type AllowedIdentity = {
  /** Left out only with own certificate authorities, whose certificates name none. */
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly subjectPattern?: string | undefined;
  /** Fulcio's extensions by name: sourceRepositoryURI, runnerEnvironment, … */
  readonly claims?: Readonly<Record<string, string>> | undefined;
};

/** Docker Content Trust. */
export type NotaryAuthority = {
  readonly kind: 'notary';
  /** `https://notary.example.com`; default: the registry's own host, as docker does it. */
  readonly server?: string | undefined;
  /** The server's CA, path of a PEM file. */
  readonly ca?: string | undefined;
  /** Root keys or root certificates, PEM, pinned: there is no trust on first use. */
  readonly roots: readonly string[];
  /** Delegations that must all carry the tag with the same digest: `alice` for targets/alice. */
  readonly signers: readonly string[];
};

/** Notary Project's notation. */
export type NotationAuthority = {
  readonly kind: 'notation';
  readonly level: 'strict' | 'permissive' | 'audit';
  /** PEM texts by kind of store. */
  readonly trustStores: {
    readonly ca: readonly string[];
    readonly signingAuthority: readonly string[];
    readonly tsa: readonly string[];
  };
  /** `*`, or `x509.subject: C=…, ST=…, O=…`. */
  readonly trustedIdentities: readonly string[];
  readonly verifyTimestamp: 'always' | 'afterCertExpiry';
  /** OCSP and CRL: `enforce` fails when it cannot check, `log` says so and goes on, `skip` does not ask. */
  readonly revocation: 'enforce' | 'log' | 'skip';
};

export type Demand =
  | { readonly all: readonly string[] }
  | { readonly any: readonly string[] }
  | { readonly threshold: number; readonly of: readonly string[] };

/** A statement about the image, by somebody, of some type, and what must be true in it. */
export type AttestationDemand = {
  /** Predicate type: a URI, resolved from cosign's short names. */
  readonly type: string;
  readonly by: Demand;
  /** CEL over `predicate`, `predicateType` and `annotations`; must be true. */
  readonly condition?: string | undefined;
};

/** What images must be like. Every rule that matches an image must be met, so the strictest decides and order never matters. */
export type Rule = {
  readonly name: string;
  /** Why nobody can say what it asks: its policy could not be read. Nothing meets it. */
  readonly unusable?: string;
  /** Canonical repositories: `ghcr.io/org/**`. */
  readonly images: readonly string[];
  /** Kubernetes namespaces and kinds to which the rule is limited; where none is known it speaks too. */
  readonly namespaces?: readonly string[] | undefined;
  readonly kinds?: readonly string[] | undefined;
  /** Tags to which the rule is limited; it also speaks for references without tag, so that none escapes it (T6). */
  readonly tags?: readonly string[] | undefined;
  /** `required`: the reference must be pinned. `resolve`: a tag is taken at the digest it has now. `off`: no demand. */
  readonly digest: 'required' | 'resolve' | 'off';
  readonly signatures?: Demand | undefined;
  /** Which digest of an index must be signed: the one that is written (default), every platform's, or both (T9). */
  readonly signed: 'digest' | 'platforms' | 'both';
  readonly attestations: readonly AttestationDemand[];
  /** The image must come from one of these hosts; asked before anything is sent to it. */
  readonly registries?: readonly string[] | undefined;
  readonly platforms: readonly string[];
  /** Of `name:tag@digest`, the tag must resolve to that digest (T5): for pins that nobody keeps fresh it will not. */
  readonly tagAgrees: boolean;
  /** A tag must not come back to a digest that it was seen to leave (T7). */
  readonly noRollback: boolean;
  /** Days since the digest was first seen (lock), before it may run. */
  readonly minimumAgeDays: number;
  readonly mode: 'enforce' | 'warn' | 'audit';
};

export const NO_CONFIG: Config = {
  find: { exclude: [], ignore: [], fields: [], argsAndEnv: false },
  platforms: [],
  registries: [],
  authorities: {},
  rules: [],
  exemptions: [],
};

/** Does a rule ask anything that only the digest can answer? `required` is answered by the reference alone. */
export function asksForDigest(rule: Rule): boolean {
  const { digest, signatures, attestations, platforms, minimumAgeDays, tagAgrees, noRollback } = rule;
  const statements = signatures !== undefined || attestations.length > 0;
  return digest === 'resolve' || statements || platforms.length > 0 || minimumAgeDays > 0 || tagAgrees || noRollback;
}

/** Every authority that a rule asks, for signatures or attestations. */
export function askedBy({ signatures, attestations }: Pick<Rule, 'signatures' | 'attestations'>): string[] {
  const demands = [...(signatures === undefined ? [] : [signatures]), ...attestations.map(({ by }) => by)];
  return [...new Set(demands.flatMap(authoritiesOf))];
}

/** The different authorities that a demand names. */
export function authoritiesOf(demand: Demand): string[] {
  return [...new Set('all' in demand ? demand.all : 'any' in demand ? demand.any : demand.of)];
}
