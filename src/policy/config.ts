// What tagproof.yaml holds: what to find, what to ignore, how to reach registries, and the policy.
// The reader of the file lies in config-file.ts, because most runs have no such file and need no
// schema.

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
    /** What charts that are not in the tree do with a digest, by name or by the path of their values. */
    readonly charts?:
      | readonly {
          readonly chart?: string | undefined;
          readonly files?: string | undefined;
          readonly digest?: 'full' | 'hex' | undefined;
          readonly tag?: 'image' | undefined;
        }[]
      | undefined;
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
  /** Images that rules do not apply to. Only the policy of the whole cluster may name any (T21). */
  readonly exemptions: readonly Exemption[];
  /** The blocklist: digests that must never run, whatever rules and exemptions say. */
  readonly blocked?: readonly Blocked[] | undefined;
  /** Where the watcher sends alarms. */
  readonly alarms?: AlarmSettings | undefined;
  /**
   * Further rules by namespace. They only add demands: they never admit an image that `rules` deny.
   */
  readonly tightening?: ReadonlyMap<string, readonly Rule[]>;
  /** The folder that paths of authorities begin at, seen from the working directory; undefined: that one. */
  readonly folder?: string;
};

export type Blocked = {
  readonly digest: string;
  /**
   * Canonical. Every tag of this repository is resolved, even for exempt images, so that none leads
   * to the digest.
   */
  readonly repository?: string | undefined;
  readonly reason: string;
  /** Who blocked it, and when; rollback writes both. */
  readonly by?: string | undefined;
  readonly at?: string | undefined;
};

export type AlarmSettings = {
  /** A tag that moves after this many days without a move is remarkable. */
  readonly restDays: number;
  /** Write Kubernetes Events about workloads. */
  readonly events: boolean;
  readonly sinks: readonly {
    readonly name: string;
    readonly kind: 'webhook' | 'slack' | 'teams';
    /** The address, or a file that holds it: for Slack and Teams the address is the secret. */
    readonly url?: string | undefined;
    readonly urlFile?: string | undefined;
    /** For a webhook: the key that signs the body, HMAC-SHA256 in x-tagproof-signature. */
    readonly secretFile?: string | undefined;
    /** Only alarms with these codes; left out: all. */
    readonly codes?: readonly string[] | undefined;
  }[];
};

export type Exemption = {
  /** Canonical repositories; the host is always literal (T27). */
  readonly images: readonly string[];
  readonly namespaces?: readonly string[] | undefined;
  readonly reason: string;
  /** The last day, `2026-12-31` (UTC); after it the rules apply again. */
  readonly until?: string | undefined;
};

/** Who may sign. An authority counts once, however many signatures it made. */
export type Authority = Common & (CosignAuthority | NotaryAuthority | NotationAuthority);

export type AuthorityKind = Authority['kind'];
/** The authorities of one kind. */
export type AuthorityOf<K extends AuthorityKind> = Extract<Authority, { readonly kind: K }>;

type Common = {
  /** Annotations that the signature must carry. */
  readonly annotations: Readonly<Record<string, string>>;
  /**
   * The repository with this authority's signatures, if not the image's own: cosign's
   * COSIGN_REPOSITORY.
   */
  readonly signatureRepository?: string | undefined;
};

/** cosign's signatures: by public keys, or by certificates that name identities. */
export type CosignAuthority = {
  readonly kind: 'cosign';
  /** Public keys, PEM (SPKI). Any of them is enough: the old and the new key during a rotation. */
  readonly keys: readonly string[];
  /** The hash of signatures by keys. The policy fixes it; the signature never chooses it. */
  readonly hashAlgorithm: 'sha256' | 'sha384' | 'sha512';
  /** The padding of RSA signatures; other keys have one scheme only. */
  readonly rsaScheme: 'pkcs1' | 'pss';
  readonly identities: readonly AllowedIdentity[];
  /** `public-good`, or the path of a trusted_root.json. */
  readonly trustRoot: string;
  /**
   * Certificate authorities of an organisation, which replace those of the trust root: PEM, each a
   * chain.
   */
  readonly certificateAuthorities: readonly string[];
  /** `ignore`: signatures need no log entry; then nothing proves when a key was used. */
  readonly transparencyLog: 'required' | 'ignore';
  /** Proof that the certificate itself was logged (SCT). */
  readonly certificateTransparency: 'required' | 'ignore';
  /** RFC 3161 timestamps that exist are always checked; `required`: there must be one. */
  readonly timestamp: 'required' | 'optional';
  /**
   * The signature must name the repository of the image (T8). Only cosign's older layout names one.
   */
  readonly bindRepository: boolean;
};

/**
 * The identity that a certificate must name: exact, or a pattern with `*` in a path segment and
 * `**` across.
 */
export type AllowedIdentity = {
  /** Left out only with `certificateAuthorities`: their certificates may name no issuer. */
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly subjectPattern?: string | undefined;
  /** Fulcio's extensions by name: sourceRepositoryURI, runnerEnvironment, … */
  readonly claims?: Readonly<Record<string, string>> | undefined;
};

/** Docker Content Trust. */
export type NotaryAuthority = {
  readonly kind: 'notary';
  /** `https://notary.example.com`; default: the host of the registry, as in docker. */
  readonly server?: string | undefined;
  /** The CA of the server: path of a PEM file. */
  readonly ca?: string | undefined;
  /** Root keys or root certificates, PEM, pinned: there is no trust on first use. */
  readonly roots: readonly string[];
  /** Delegations that must all list the tag with the same digest: `alice` is targets/alice. */
  readonly signers: readonly string[];
};

/** Notation, of the Notary Project. */
export type NotationAuthority = {
  readonly kind: 'notation';
  readonly level: 'strict' | 'permissive' | 'audit';
  /** PEM texts by type of trust store. */
  readonly trustStores: {
    readonly ca: readonly string[];
    readonly signingAuthority: readonly string[];
    readonly tsa: readonly string[];
  };
  /** `*`, or `x509.subject: C=…, ST=…, O=…`. */
  readonly trustedIdentities: readonly string[];
  readonly verifyTimestamp: 'always' | 'afterCertExpiry';
  /**
   * OCSP and CRL. `enforce` fails when it cannot check, `log` notes it and goes on, `skip` checks
   * nothing.
   */
  readonly revocation: 'enforce' | 'log' | 'skip';
};

export type Demand =
  | { readonly all: readonly string[] }
  | { readonly any: readonly string[] }
  | { readonly threshold: number; readonly of: readonly string[] };

/** An attestation that an image must have: of which type, by whom, and what must be true in it. */
export type AttestationDemand = {
  /** Predicate type: a URI, resolved from cosign's short names. */
  readonly type: string;
  readonly by: Demand;
  /** CEL over `predicate`, `predicateType` and `annotations`; it must be true. */
  readonly condition?: string | undefined;
};

/** What images must meet. An image must meet every rule that matches it, so order never matters. */
export type Rule = {
  readonly name: string;
  /**
   * Why the demands of this rule are unknown: its policy could not be read. No image meets the
   * rule.
   */
  readonly unusable?: string;
  /** Canonical repositories: `ghcr.io/org/**`. */
  readonly images: readonly string[];
  /**
   * Namespaces and kinds to which the rule is limited. Where they are unknown, the rule applies
   * too.
   */
  readonly namespaces?: readonly string[] | undefined;
  readonly kinds?: readonly string[] | undefined;
  /**
   * Tags to which the rule is limited. It also applies to a digest without a tag, so that none
   * escapes it (T6).
   */
  readonly tags?: readonly string[] | undefined;
  /**
   * `required`: the reference must be pinned. `resolve`: a tag is resolved to its digest now.
   * `off`: no demand.
   */
  readonly digest: 'required' | 'resolve' | 'off';
  readonly signatures?: Demand | undefined;
  /**
   * What must be signed of an index: the index (default), the manifest of each platform, or both
   * (T9).
   */
  readonly signed: 'digest' | 'platforms' | 'both';
  readonly attestations: readonly AttestationDemand[];
  /** The image must come from one of these hosts; no request goes to any other. */
  readonly registries?: readonly string[] | undefined;
  readonly platforms: readonly string[];
  /**
   * The tag of `name:tag@digest` must resolve to that digest (T5). A pin that is not kept fresh
   * fails this.
   */
  readonly tagAgrees: boolean;
  /** A tag must not return to a digest that it was seen to leave (T7). */
  readonly noRollback: boolean;
  /** Days between the first sight of the digest, as the lock records it, and its first run. */
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

/** The settings of a rule that are no demand: they name it, limit it, or refine a demand. */
type RuleSetting = 'name' | 'unusable' | 'images' | 'namespaces' | 'kinds' | 'tags' | 'signed' | 'mode';
/**
 * Every other setting is a demand. Tables with this key do not compile until a new demand has its
 * row.
 */
export type DemandName = Exclude<keyof Rule, RuleSetting>;

/**
 * Whether a rule makes a demand that only the digest can answer. The reference alone answers
 * `required`.
 */
const NEEDS_DIGEST: Readonly<Record<DemandName, (rule: Rule) => boolean>> = {
  registries: () => false,
  digest: ({ digest }) => digest === 'resolve',
  signatures: ({ signatures }) => signatures !== undefined,
  attestations: ({ attestations }) => attestations.length > 0,
  platforms: ({ platforms }) => platforms.length > 0,
  tagAgrees: ({ tagAgrees }) => tagAgrees,
  noRollback: ({ noRollback }) => noRollback,
  minimumAgeDays: ({ minimumAgeDays }) => minimumAgeDays > 0,
};

export function ruleNeedsDigest(rule: Rule): boolean {
  return Object.values(NEEDS_DIGEST).some((needs) => needs(rule));
}

/** Every authority that a rule names, for signatures or attestations. */
export function authoritiesOfRule({ signatures, attestations }: Pick<Rule, 'signatures' | 'attestations'>): string[] {
  const demands = [...(signatures === undefined ? [] : [signatures]), ...attestations.map(({ by }) => by)];
  return [...new Set(demands.flatMap(authoritiesOf))];
}

/** The distinct authorities that a demand names. */
export function authoritiesOf(demand: Demand): string[] {
  return [...new Set('all' in demand ? demand.all : 'any' in demand ? demand.any : demand.of)];
}
