// Several policies as one: each keeps its own names, all of their rules must be met. One that belongs to a namespace only adds
// demands there.
import { Problem } from '../problem.ts';
import type { Authority, Config, Demand, Rule } from './config.ts';

export type Part = {
  /** Stands before the names of its rules and authorities; empty for the file. */
  readonly name: string;
  /** It only tightens what holds there. */
  readonly namespace?: string;
  readonly config: Pick<Config, 'authorities' | 'rules' | 'registries' | 'exemptions' | 'find' | 'blocked'>;
};

export type Merged = {
  readonly config: Config;
  /** The authorities of each part. */
  readonly groups: readonly Readonly<Record<string, Authority>>[];
};

/** @param base settings that are the process's own: platforms, hostsDir; @throws Problem `conflict` for two words about one registry */
export function mergePolicies(base: Config, parts: readonly Part[]): Merged {
  const groups = parts.map(({ name, config }) => rename(config.authorities, name));
  const wide = parts.filter(({ namespace }) => namespace === undefined);
  const narrow = Map.groupBy(
    parts.filter(({ namespace }) => namespace !== undefined),
    ({ namespace }) => namespace as string,
  );
  const tightening = new Map([...narrow].map(([namespace, own]) => [namespace, own.flatMap(rulesOf)]));
  const blocked = wide.flatMap((part) => part.config.blocked ?? []);
  const config: Config = {
    ...base,
    authorities: Object.assign({}, ...groups),
    rules: wide.flatMap(rulesOf),
    registries: registriesOf(wide),
    exemptions: wide.flatMap((part) => part.config.exemptions),
    find: { ...base.find, fields: wide.flatMap((part) => part.config.find.fields) },
    ...(blocked.length > 0 && { blocked }),
    ...(tightening.size > 0 && { tightening }),
  };
  return { config, groups };
}

const within = (part: string, name: string) => (part === '' ? name : `${part}/${name}`);

function rename(authorities: Config['authorities'], part: string): Record<string, Authority> {
  return Object.fromEntries(Object.entries(authorities).map(([name, authority]) => [within(part, name), authority]));
}

function rulesOf({ name: part, config }: Part): Rule[] {
  return config.rules.map((rule) => ({
    ...rule,
    name: within(part, rule.name),
    ...(rule.signatures !== undefined && { signatures: demandOf(rule.signatures, part) }),
    attestations: rule.attestations.map((demand) => ({ ...demand, by: demandOf(demand.by, part) })),
  }));
}

function demandOf(demand: Demand, part: string): Demand {
  const names = (list: readonly string[]) => list.map((name) => within(part, name));
  if ('all' in demand) return { all: names(demand.all) };
  if ('any' in demand) return { any: names(demand.any) };
  return { threshold: demand.threshold, of: names(demand.of) };
}

/** How a host is reached is one truth for the whole cluster. */
function registriesOf(parts: readonly Part[]): Config['registries'] {
  const byHost = new Map<string, Config['registries'][number]>();
  for (const { name, config } of parts) {
    for (const setting of config.registries) {
      const known = byHost.get(setting.host);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(setting))
        throw new Problem(
          'conflict',
          `policy '${name}' says something else about the registry ${setting.host} than another does`,
        );
      byHost.set(setting.host, setting);
    }
  }
  return [...byHost.values()];
}
