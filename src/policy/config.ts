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
};

export const NO_CONFIG: Config = {
  find: { exclude: [], ignore: [], fields: [], argsAndEnv: false },
  platforms: [],
  registries: [],
};
