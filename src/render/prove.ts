// The proof that an edit of a tree changes what it deploys by digests only: kustomize and helm render a copy of the tree before and
// after the edit. Nothing is written to the tree, and no network is used.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { asProblem, Problem } from '../problem.ts';
import { type Comparison, compareRendered, type IsDigestOf, unstablePaths } from './compare.ts';
import { copyTree, replaceInCopy, type TreeCopy } from './copy.ts';
import { findProgram, type ProgramName, type Rendered, renderWith } from './program.ts';
import { findRoots, type NotRendered, type RenderRoot } from './roots.ts';

/** All renders of one proof, milliseconds. What is not rendered by then is not proved. */
const TOTAL_MS = 10 * 60_000;

export type EditedFile = { readonly path: string; readonly before: Buffer; readonly after: Buffer };
export type RenderProof = {
  /** Folders whose rendered objects differ by digests only. */
  readonly kustomizations: readonly string[];
  readonly charts: readonly string[];
  readonly notRendered: readonly NotRendered[];
  /** One for each render that would differ by more. */
  readonly refused: readonly Problem[];
};

export type ProofOptions = {
  /** Absolute: the folder that holds every edited file. */
  readonly top: string;
  readonly edited: readonly EditedFile[];
  /** For a folder that others use: they may rename its images, and the digest is of what is deployed. */
  readonly isDigestOf: (isUsed: boolean) => IsDigestOf;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
};

/** @throws Problem `interrupted`, or `changed` where the tree is no longer the one that was searched */
export async function proveRendered({ top, edited, isDigestOf, signal, progress }: ProofOptions): Promise<RenderProof> {
  let copy: TreeCopy;
  try {
    copy = copyTree(top);
  } catch (error) {
    const { code, message } = asProblem(error, 'file');
    if (code !== 'limit') throw new Problem('file', `the tree could not be copied for the proof: ${message}`);
    return { kustomizations: [], charts: [], refused: [], notRendered: bothPrograms(message) };
  }
  try {
    return await prove(copy, { edited, isDigestOf, signal, progress });
  } finally {
    copy.remove();
  }
}

type Done = { readonly root: RenderRoot; readonly unstable: ReadonlySet<string>; readonly output: string };

async function prove(
  copy: TreeCopy,
  { edited, isDigestOf, signal, progress }: Omit<ProofOptions, 'top'>,
): Promise<RenderProof> {
  const ends = performance.now() + TOTAL_MS;
  const { roots, not } = findRoots(copy);
  const notRendered: NotRendered[] = [...not];
  const programs = { kustomize: findProgram('kustomize'), helm: findProgram('helm') };
  const render = async ({ program, args }: RenderRoot): Promise<Rendered> => {
    const path = programs[program];
    if (path === undefined) return { reason: `${program} is not on the PATH` };
    if (performance.now() > ends) return { reason: `the time limit of ${TOTAL_MS / 60_000} minutes` };
    return renderWith(path, args, { home: copy.home, signal, hidden: copy.folder });
  };
  const leave = ({ name, program }: RenderRoot, reason: string) => notRendered.push({ name, program, reason });

  const outputs = join(copy.home, 'before');
  mkdirSync(outputs);
  const done: Done[] = [];
  await each(roots, signal, async (root, index) => {
    progress(`rendered ${index} of ${2 * roots.length}`);
    // Charts may make passwords and certificates: what differs without an edit is not compared.
    const [first, second] = [await render(root), root.program === 'helm' ? await render(root) : undefined];
    if ('reason' in first) return void leave(root, first.reason);
    try {
      const unstable = second === undefined || 'reason' in second ? [] : unstablePaths(first.text, second.text);
      const output = join(outputs, String(index));
      writeFileSync(output, first.text);
      done.push({ root, unstable: new Set(unstable), output });
    } catch (error) {
      leave(root, asProblem(error, 'syntax').message);
    }
  });
  for (const { path, before, after } of edited) replaceInCopy(copy, path, before, after);

  const refused: Problem[] = [];
  const proved: Record<ProgramName, Set<string>> = { kustomize: new Set(), helm: new Set() };
  await each(done, signal, async ({ root, unstable, output }, index) => {
    progress(`rendered ${roots.length + index} of ${2 * roots.length}`);
    const now = await render(root);
    const refuse = (why: string) =>
      refused.push(new Problem('refused', `${why}; nothing was written`, { file: root.name }));
    if ('reason' in now) {
      if (performance.now() > ends) leave(root, now.reason);
      else refuse(`${root.program} renders this now, and would not after the edit: ${now.reason}`);
      return;
    }
    let differences: Comparison['differences'];
    try {
      differences = compareRendered(
        readFileSync(output, 'utf8'),
        now.text,
        isDigestOf(root.isUsed),
        unstable,
      ).differences;
    } catch (error) {
      return void refuse(asProblem(error, 'syntax').message);
    }
    const [first] = differences;
    if (first === undefined) proved[root.program].add(root.folder);
    else {
      const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : '';
      refuse(
        `what ${root.program} renders would differ by more than digests: ${first.object} ${first.path}: ${first.text}${more}`,
      );
    }
  });
  if (signal.aborted) throw new Problem('interrupted', 'interrupted; nothing was written');
  return { kustomizations: [...proved.kustomize].sort(), charts: [...proved.helm].sort(), notRendered, refused };
}

/** As many at once as there are processors. @throws Problem `interrupted` */
async function each<T>(
  items: readonly T[],
  signal: AbortSignal,
  task: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      if (signal.aborted) throw new Problem('interrupted', 'interrupted; nothing was written');
      const index = next++;
      await task(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), items.length) }, worker));
}

const bothPrograms = (reason: string): NotRendered[] =>
  (['kustomize', 'helm'] as const).map((program) => ({ name: '.', program, reason }));
