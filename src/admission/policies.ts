// Reads policy objects as the parts of one policy. An unusable generation does not replace the
// usable one before it. If there was none, every image that the object might apply to is denied.
import type { KubeObject } from '../kube/object.ts';
import { type Config, NO_CONFIG, type Rule } from '../policy/config.ts';
import { lintPolicy } from '../policy/lint.ts';
import type { Part } from '../policy/merge.ts';
import { type PolicyKind, type PolicySpec, readPolicy } from '../policy/object.ts';
import { asProblem } from '../problem.ts';
import { loadSigners } from '../verify/verify.ts';

/** What the status of one object reports. */
export type PolicyObjectState = {
  readonly object: KubeObject;
  /** Why the object is not in force; undefined if it is. */
  readonly failure?: string;
  /** An earlier generation is in force instead. */
  readonly earlier: boolean;
  readonly lints: readonly string[];
};

type PolicyEntry = {
  readonly generation: number;
  readonly part: Part;
  /** The part is a usable generation of the object. */
  readonly usable: boolean;
  readonly state: PolicyObjectState;
};

/** Owns the last usable generation of each object. */
export class Policies {
  #entries = new Map<string, PolicyEntry>();

  async take(objects: readonly KubeObject[]): Promise<{ parts: Part[]; states: PolicyObjectState[] }> {
    const next = new Map<string, PolicyEntry>();
    for (const object of objects) {
      const key = `${object.metadata?.uid}`;
      const before = this.#entries.get(key);
      next.set(key, before?.generation === object.metadata?.generation && before ? before : await read(object, before));
    }
    this.#entries = next;
    const entries = [...next.values()].sort((a, b) => (a.part.name < b.part.name ? -1 : 1));
    return { parts: entries.map(({ part }) => part), states: entries.map(({ state }) => state) };
  }
}

/**
 * @returns the policy, and the findings of lint, errors first
 * @throws Problem if the policy cannot be used
 */
export async function checkPolicy(object: KubeObject): Promise<{ spec: PolicySpec; lints: string[] }> {
  const kind = object.kind as PolicyKind;
  const spec = readPolicy(kind, object['spec']);
  await loadSigners(spec.authorities); // throws for unusable keys
  const lints = lintPolicy(spec, [], new Date())
    // A namespaced policy needs no rules of its own: skip findings about a top-level section as a
    // whole.
    .filter(({ path }) => kind === 'ImagePolicy' || path.length !== 1)
    .map(({ level, subject, message }) => `${level}: ${subject}: ${message}`);
  return { spec, lints };
}

async function read(object: KubeObject, before: PolicyEntry | undefined): Promise<PolicyEntry> {
  const { name = '', namespace, generation = 0 } = object.metadata ?? {};
  const title = namespace === undefined ? name : `${namespace}/${name}`;
  const within = { name: title, ...(namespace !== undefined && { namespace }) };
  try {
    const { spec, lints } = await checkPolicy(object);
    return { generation, usable: true, part: { ...within, config: spec }, state: { object, earlier: false, lints } };
  } catch (error) {
    const failure = asProblem(error, 'syntax').message;
    const earlier = before?.usable === true;
    return {
      generation,
      usable: earlier,
      part: earlier ? before.part : { ...within, config: denyAllConfig(title) },
      state: { object, failure, earlier, lints: [] },
    };
  }
}

function denyAllConfig(title: string): Config {
  const rule: Rule = {
    name: 'unreadable',
    unusable: `the policy '${title}' cannot be used, and no earlier generation is known: see its status`,
    images: ['**'],
    digest: 'off',
    signed: 'digest',
    attestations: [],
    platforms: [],
    tagAgrees: false,
    noRollback: false,
    minimumAgeDays: 0,
    mode: 'enforce',
  };
  return { ...NO_CONFIG, rules: [rule] };
}

type Condition = { type: string; status: string; reason: string; message: string; lastTransitionTime: string };

/** The status that an object should have; undefined if it has that status already. */
export function policyStatus({ object, failure, earlier, lints }: PolicyObjectState, now: string): object | undefined {
  const { generation = 0 } = object.metadata ?? {};
  const status = object['status'] as { observedGeneration?: number; conditions?: Condition[] } | undefined;
  const before = status?.conditions ?? [];
  const condition = (type: string, ok: boolean, reason: string, message: string): Condition => {
    const value = ok ? 'True' : 'False';
    const same = before.find((item) => item.type === type && item.status === value);
    return {
      type,
      status: value,
      reason,
      message: message.slice(0, 2000),
      lastTransitionTime: same?.lastTransitionTime ?? now,
    };
  };
  const effect = earlier
    ? 'an earlier generation stays in force: '
    : 'every image that this policy may apply to is denied: ';
  const conditions = [
    failure === undefined
      ? condition('Ready', true, 'InForce', 'in force')
      : condition('Ready', false, earlier ? 'EarlierInForce' : 'NotUsable', `${effect}${failure}`),
    condition('Clean', lints.length === 0, lints.length === 0 ? 'NoFindings' : 'Findings', lints.join('\n')),
  ];
  if (status?.observedGeneration === generation && sameConditions(before, conditions)) return undefined;
  return { observedGeneration: generation, conditions };
}

const sameConditions = (a: readonly Condition[], b: readonly Condition[]) =>
  a.length === b.length &&
  b.every(({ type, status, reason, message }) =>
    a.some(
      (item) =>
        item.type === type && item.status === status && item.reason === reason && (item.message ?? '') === message,
    ),
  );
