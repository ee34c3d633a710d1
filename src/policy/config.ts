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
  }[];
  readonly hostsDir?: string | undefined;
  readonly authorities: Readonly<Record<string, Authority>>;
  readonly rules: readonly Rule[];
};

/** Who may sign. One authority counts once, however many of its signatures there are. */
export type Authority = {
  /** Public keys, PEM (SPKI). Any of them speaks for the authority: old and new key while one replaces the other. */
  readonly keys: readonly string[];
  /** Hash of the signature; fixed here and never taken from the signature. */
  readonly hashAlgorithm: 'sha256' | 'sha384' | 'sha512';
  /** How an RSA key signs; other keys have one way only. */
  readonly rsaScheme: 'pkcs1' | 'pss';
  /** Signatures without a transparency log entry are taken; must be said, for nothing then tells when a key was used. */
  readonly transparencyLog: 'ignore';
  /** Annotations that the signature must carry. */
  readonly annotations: Readonly<Record<string, string>>;
};

export type Demand =
  | { readonly all: readonly string[] }
  | { readonly any: readonly string[] }
  | { readonly threshold: number; readonly of: readonly string[] };

/** What images must be like. Every rule that matches an image must be met, so the strictest decides and order never matters. */
export type Rule = {
  readonly name: string;
  /** Canonical repositories: `ghcr.io/org/**`. */
  readonly images: readonly string[];
  /** Tags to which the rule is limited; it also speaks for references without tag, so that none escapes it (T6). */
  readonly tags?: readonly string[] | undefined;
  /** `required`: the reference must be pinned. `resolve`: a tag is taken at the digest it has now. `off`: no demand. */
  readonly digest: 'required' | 'resolve' | 'off';
  readonly signatures?: Demand | undefined;
  readonly platforms: readonly string[];
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
};

/** The different authorities that a demand names. */
export function authoritiesOf(demand: Demand): string[] {
  return [...new Set('all' in demand ? demand.all : 'any' in demand ? demand.any : demand.of)];
}
