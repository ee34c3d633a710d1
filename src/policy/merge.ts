// Several policies as one. Each keeps its own names, and an image must meet the rules of all. The
// policy of a namespace only adds demands there. Pure.
import { Problem } from '../problem.ts';
import type { Authority, Config, Demand, Rule } from './config.ts';

export type Part = {
  /** The prefix of the names of its rules and authorities; empty for tagproof.yaml. */
  readonly name: string;
  /** Set: the policy belongs to this namespace, and only adds demands there. */
  readonly namespace?: string;
  readonly config: Pick<Config, 'authorities' | 'rules' | 'registries' | 'exemptions' | 'find' | 'blocked'>;
};

export type Merged = {
  readonly config: Config;
  /** The authorities of each part, for the check that no two of one part share a key. */
  readonly groups: readonly Readonly<Record<string, Authority>>[];
};

/**
 * @param base settings of the process itself: platforms, hostsDir
 * @throws Problem `conflict` for two different settings of one registry
 */
export function mergePolicies(base: Config, parts: readonly Part[]): Merged {
  const groups = parts.map(({ name, config }) => rename(config.authorities, name));
  const cluster = parts.filter(({ namespace }) => namespace === undefined);
  const byNamespace = Map.groupBy(
    parts.filter(({ namespace }) => namespace !== undefined),
    ({ namespace }) => namespace as string,
  );
  const tightening = new Map([...byNamespace].map(([namespace, group]) => [namespace, group.flatMap(rulesOf)]));
  const blocked = cluster.flatMap((part) => part.config.blocked ?? []);
  const config: Config = {
    ...base,
    authorities: Object.assign({}, ...groups),
    rules: cluster.flatMap(rulesOf),
    registries: registriesOf(cluster),
    exemptions: cluster.flatMap((part) => part.config.exemptions),
    find: { ...base.find, fields: cluster.flatMap((part) => part.config.find.fields) },
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

/**
 * The settings of a registry hold for the whole cluster, so two policies must not differ about
 * them.
 */
function registriesOf(parts: readonly Part[]): Config['registries'] {
  const byHost = new Map<string, Config['registries'][number]>();
  for (const { name, config } of parts) {
    for (const setting of config.registries) {
      const known = byHost.get(setting.host);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(setting))
        throw new Problem(
          'conflict',
          `policy '${name}' and another policy have different settings for the registry ${setting.host}`,
        );
      byHost.set(setting.host, setting);
    }
  }
  return [...byHost.values()];
}
