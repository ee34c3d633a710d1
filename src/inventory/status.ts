// Queries registries and policy about the inventory, now: is it pinned, is what runs what was
// declared, where does the tag point, can it still be pulled, who signed it, does it have the
// platforms of its nodes.

import type { Evaluation } from '../evaluate/evaluate.ts';
import type { PinnedReference, Reference, Resolution, Scope } from '../flow.ts';
import { isPinned, parseReference, printReference, withDigest } from '../image/reference.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { resolveAll } from '../resolve/resolve.ts';
import {
  type DeployedContainer,
  deployedOf,
  type EvidenceSummary,
  type Knowledge,
  pollKey,
  summarizeEvaluation,
  type TagState,
  tagOf,
} from './deployed.ts';
import { readImageClosure } from './image-closure.ts';
import type { ImageClosure } from './image-identity.ts';
import type { Row } from './inventory.ts';

type Reader = Pick<RegistryClient, 'head' | 'expect' | 'manifest' | 'blob'>;

export type StatusOptions = {
  /** Undefined: registries are not queried, and nothing is known about tags. */
  readonly reader: Reader | undefined;
  /** Undefined: there are no rules, or they are not evaluated. The reference has its digest. */
  readonly evaluator?: ((reference: PinnedReference, scope: Scope) => Promise<Evaluation>) | undefined;
  /** The platform of a node, as `linux/arm64`. */
  readonly platform?: Knowledge['platform'];
  readonly progress?: (done: number, all: number) => void;
};

const NOT_QUERIED: TagState = { digest: undefined, since: 0, checked: null, failure: 'registries were not queried' };

/**
 * Queries in rounds, because each needs the result of the one before: tags; the closures of what
 * differs; what nodes would pull again; who signed that.
 */
export async function queryStatus(rows: readonly Row[], options: StatusOptions): Promise<DeployedContainer[]> {
  const { reader, evaluator, platform = () => undefined, progress } = options;
  const states = new Map<string, TagState>();
  const closures = new Map<string, ImageClosure>();
  const evidence = new Map<string, EvidenceSummary>();
  const known: Knowledge = {
    tagState: (key) => (reader === undefined ? NOT_QUERIED : states.get(key)),
    closure: (digest) => closures.get(digest),
    evidence: (reference, row) => evidence.get(evidenceKey(reference, row)),
    platform,
    hold: () => undefined,
    blocked: () => undefined,
  };
  if (reader === undefined) return deployedOf(rows, known);
  const query = async (references: readonly Reference[]) => {
    const answers = await resolveAll(references, { client: reader, ...(progress !== undefined && { progress }) });
    for (const reference of references)
      states.set(pollKey(reference), stateOf(answers.get(printReference(reference)) as Resolution));
  };
  const valid = rows.flatMap((row) =>
    [...new Set([...row.declared, ...row.running.map(({ image }) => image)])].flatMap((image) => {
      const reference = parseReference(image);
      return reference instanceof Problem ? [] : [{ row, image, reference }];
    }),
  );
  await query(valid.flatMap(({ reference }) => tagOf(reference) ?? []));
  const wanted = new Map<string, Reference>();
  for (const { row, image, reference } of valid) {
    const tag = tagOf(reference);
    const declared = reference.digest ?? (tag && states.get(pollKey(tag))?.digest);
    if (typeof declared !== 'string') continue;
    const same = row.running.filter((item) => item.image === image);
    const differs = same.some(({ digest }) => digest !== undefined && digest !== declared);
    const hasPlatform = row.running.some(({ nodes }) => nodes.some((node) => platform(row.cluster, node)));
    if (differs || hasPlatform) wanted.set(declared, withDigest(reference, declared));
  }
  await Promise.all(
    [...wanted].map(async ([digest, reference]) => {
      const closure = await closureOrNothing(reader, reference);
      if (closure !== undefined) closures.set(digest, closure);
    }),
  );
  const deployed = deployedOf(rows, known);
  const pulled = [
    ...valid.flatMap(({ row, reference }) => (isPinned(reference) ? [{ row, reference }] : [])),
    ...deployed.flatMap((row) =>
      row.running.flatMap(({ image, pullable }) => {
        const reference = parseReference(image);
        return pullable === null || reference instanceof Problem
          ? []
          : [{ row, reference: withDigest(reference, pullable.digest) }];
      }),
    ),
  ];
  await query(pulled.map(({ reference }) => reference));
  if (evaluator !== undefined) {
    const subjects = new Map(pulled.map((item) => [evidenceKey(item.reference, item.row), item]));
    await Promise.all(
      [...subjects].map(async ([key, { reference, row }]) => {
        const found = summarizeEvaluation(await evaluator(reference, { namespace: row.namespace, kind: row.kind }));
        const now = Date.now();
        evidence.set(key, { ...found, checked: now, since: now });
      }),
    );
  }
  return deployedOf(rows, known);
}

const evidenceKey = (reference: Reference, { namespace, kind }: { namespace: string; kind: string }) =>
  `${pollKey(reference)} ${namespace} ${kind}`;

function stateOf(answer: Resolution): TagState {
  const now = Date.now();
  if (!(answer instanceof Problem)) return { digest: answer.digest, since: now, checked: now, failure: null };
  if (answer.code === 'not-found') return { digest: null, since: now, checked: now, failure: null };
  return { digest: undefined, since: now, checked: null, failure: answer.message };
}

/** Undefined where any part of it cannot be read: an incomplete closure proves no difference. */
async function closureOrNothing(reader: Reader, reference: Reference): Promise<ImageClosure | undefined> {
  try {
    return await readImageClosure(reader, reference);
  } catch (error) {
    if (asProblem(error, 'unreachable').code === 'interrupted') throw error;
    return undefined;
  }
}
