// Policy objects as the parts of one policy. One that cannot be used does not take the place of the one before; where there was none,
// nothing passes that it speaks about.
import type { KubeObject } from '../kube/object.ts';
import { type Config, NO_CONFIG, type Rule } from '../policy/config.ts';
import { lintPolicy } from '../policy/lint.ts';
import type { Part } from '../policy/merge.ts';
import { type PolicyKind, type PolicySpec, readPolicy } from '../policy/object.ts';
import { asProblem } from '../problem.ts';
import { loadSigners } from '../verify/verify.ts';

/** What is said about one object, in its status. */
export type PolicyObjectState = {
  readonly object: KubeObject;
  /** Why it is not in force; undefined: it is. */
  readonly failure?: string;
  /** An earlier generation stands in its place. */
  readonly earlier: boolean;
  readonly lints: readonly string[];
};

type Known = {
  readonly generation: number;
  readonly part: Part;
  readonly good: boolean;
  readonly standing: PolicyObjectState;
};

/** Owns what was last good of each object. */
export class Policies {
  #known = new Map<string, Known>();

  async take(objects: readonly KubeObject[]): Promise<{ parts: Part[]; states: PolicyObjectState[] }> {
    const next = new Map<string, Known>();
    for (const object of objects) {
      const key = `${object.metadata?.uid}`;
      const before = this.#known.get(key);
      next.set(key, before?.generation === object.metadata?.generation && before ? before : await read(object, before));
    }
    this.#known = next;
    const known = [...next.values()].sort((a, b) => (a.part.name < b.part.name ? -1 : 1));
    return { parts: known.map(({ part }) => part), states: known.map(({ standing }) => standing) };
  }
}

/** @throws Problem; @returns what lint says, errors first */
export async function checkPolicy(object: KubeObject): Promise<{ spec: PolicySpec; lints: string[] }> {
  const kind = object.kind as PolicyKind;
  const spec = readPolicy(kind, object['spec']);
  await loadSigners(spec.authorities); // keys that cannot be used
  const lints = lintPolicy(spec, [], new Date())
    // A namespace may have none of its own.
    .filter(({ path }) => kind === 'ImagePolicy' || path.length !== 1)
    .map(({ level, subject, message }) => `${level}: ${subject}: ${message}`);
  return { spec, lints };
}

async function read(object: KubeObject, before: Known | undefined): Promise<Known> {
  const { name = '', namespace, generation = 0 } = object.metadata ?? {};
  const title = namespace === undefined ? name : `${namespace}/${name}`;
  const within = { name: title, ...(namespace !== undefined && { namespace }) };
  try {
    const { spec, lints } = await checkPolicy(object);
    return { generation, good: true, part: { ...within, config: spec }, standing: { object, earlier: false, lints } };
  } catch (error) {
    const failure = asProblem(error, 'syntax').message;
    const earlier = before?.good === true;
    const standing = { object, failure, earlier, lints: [] };
    return {
      generation,
      good: earlier,
      part: earlier ? before.part : { ...within, config: nothingPasses(title) },
      standing,
    };
  }
}

function nothingPasses(title: string): Config {
  const rule: Rule = {
    name: 'unreadable',
    unusable: `the policy '${title}' cannot be used, and no earlier one is known: see its status`,
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

/** The status that an object should have; undefined where it has it already. */
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
  const inForce = earlier ? 'an earlier generation stays in force: ' : 'nothing passes that it speaks about: ';
  const conditions = [
    failure === undefined
      ? condition('Ready', true, 'InForce', 'in force')
      : condition('Ready', false, earlier ? 'EarlierInForce' : 'NotUsable', `${inForce}${failure}`),
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
