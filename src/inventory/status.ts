// The inventory before the registries and the policy, asked now: is it pinned, is what runs what was declared, where does the tag point, can it
// still be pulled, who signed it, does it have its nodes' platforms.

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
  /** Undefined: registries are not asked, and nothing is known of tags. */
  readonly reader: Reader | undefined;
  /** Undefined: there are no rules, or they are not asked. The reference has its digest. */
  readonly evaluator?: ((reference: PinnedReference, scope: Scope) => Promise<Evaluation>) | undefined;
  /** Of a node: `linux/arm64`. */
  readonly platform?: Knowledge['platform'];
  readonly progress?: (done: number, all: number) => void;
};

const NOT_ASKED: TagState = { digest: undefined, since: 0, checked: null, failure: 'registries were not asked' };

/** In rounds, for each hangs on the one before: tags; closures of what differs; what nodes would pull again; who signed that. */
export async function queryStatus(rows: readonly Row[], options: StatusOptions): Promise<DeployedContainer[]> {
  const { reader, evaluator, platform = () => undefined, progress } = options;
  const looks = new Map<string, TagState>();
  const closures = new Map<string, ImageClosure>();
  const evidence = new Map<string, EvidenceSummary>();
  const known: Knowledge = {
    tagState: (key) => (reader === undefined ? NOT_ASKED : looks.get(key)),
    closure: (digest) => closures.get(digest),
    evidence: (reference, row) => evidence.get(evidenceKey(reference, row)),
    platform,
    hold: () => undefined,
    blocked: () => undefined,
  };
  if (reader === undefined) return deployedOf(rows, known);
  const look = async (references: readonly Reference[]) => {
    const answers = await resolveAll(references, { client: reader, ...(progress !== undefined && { progress }) });
    for (const reference of references)
      looks.set(pollKey(reference), stateOf(answers.get(printReference(reference)) as Resolution));
  };
  const sound = rows.flatMap((row) =>
    [...new Set([...row.declared, ...row.running.map(({ image }) => image)])].flatMap((image) => {
      const reference = parseReference(image);
      return reference instanceof Problem ? [] : [{ row, image, reference }];
    }),
  );
  await look(sound.flatMap(({ reference }) => tagOf(reference) ?? []));
  const wanted = new Map<string, Reference>();
  for (const { row, image, reference } of sound) {
    const tag = tagOf(reference);
    const declared = reference.digest ?? (tag && looks.get(pollKey(tag))?.digest);
    if (typeof declared !== 'string') continue;
    const mine = row.running.filter((item) => item.image === image);
    const differs = mine.some(({ digest }) => digest !== undefined && digest !== declared);
    const fits = row.running.some(({ nodes }) => nodes.some((node) => platform(row.cluster, node)));
    if (differs || fits) wanted.set(declared, withDigest(reference, declared));
  }
  await Promise.all(
    [...wanted].map(async ([digest, reference]) => {
      const closure = await closureOrNothing(reader, reference);
      if (closure !== undefined) closures.set(digest, closure);
    }),
  );
  const deployed = deployedOf(rows, known);
  const pulled = [
    ...sound.flatMap(({ row, reference }) => (isPinned(reference) ? [{ row, reference }] : [])),
    ...deployed.flatMap((row) =>
      row.running.flatMap(({ image, pullable }) => {
        const reference = parseReference(image);
        return pullable === null || reference instanceof Problem
          ? []
          : [{ row, reference: withDigest(reference, pullable.digest) }];
      }),
    ),
  ];
  await look(pulled.map(({ reference }) => reference));
  if (evaluator !== undefined) {
    const asked = new Map(pulled.map((item) => [evidenceKey(item.reference, item.row), item]));
    await Promise.all(
      [...asked].map(async ([key, { reference, row }]) => {
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

/** Undefined where anything of it cannot be read: part of a closure proves nothing. */
async function closureOrNothing(reader: Reader, reference: Reference): Promise<ImageClosure | undefined> {
  try {
    return await readImageClosure(reader, reference);
  } catch (error) {
    if (asProblem(error, 'unreachable').code === 'interrupted') throw error;
    return undefined;
  }
}
