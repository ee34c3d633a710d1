// pin --prove: kustomize and helm render the tree before and after, and what is written must change it by digests only.
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Change } from '../../commit/change.ts';
import type { Found, Reference } from '../../flow.ts';
import { nameFrom } from '../../git.ts';
import { remoteChartOf } from '../../graph/chart-forms.ts';
import { printReference, withoutDigest } from '../../image/reference.ts';
import { type EditedFile, proveRendered, type RenderProof } from '../../render/prove.ts';
import { plural } from '../../report/plural.ts';
import type { Context } from '../shared/command.ts';
import type { OpenProject } from '../shared/project.ts';
import type { Planned } from './rewrite.ts';

/** Lines about what was not rendered; the rest is in the JSON. */
const MAX_LINES = 20;

export type TreeProof = Omit<RenderProof, 'notRendered'> & {
  readonly notRendered: readonly { readonly name: string; readonly reason: string }[];
};

/** @returns undefined where nothing changes @throws Problem `interrupted` or `changed` */
export async function proveRewrite(
  changes: readonly Change[],
  planned: readonly Planned[],
  { top }: OpenProject,
  { signal, progress }: Context,
): Promise<TreeProof | undefined> {
  if (changes.length === 0) return undefined;
  const real = realpathSync(top);
  const edited: EditedFile[] = [];
  const outside: { name: string; reason: string }[] = [];
  for (const change of changes) {
    if (change.kind !== 'replace') continue;
    const path = nameFrom(real, realpathSync(resolve(change.file)));
    if (path.startsWith('../')) outside.push({ name: change.file, reason: 'it is outside of the project' });
    else edited.push({ path, before: change.before, after: Buffer.from(change.after) });
  }
  const deployed = new Set<string>();
  const written = new Set<string>();
  for (const { found, digest } of planned.flatMap(({ changes }) => changes)) {
    const { reference, written: own = reference } = found;
    deployed.add(`${digest} ${keyOf(reference)}`);
    written.add(`${digest} ${keyOf(own)}`);
  }
  const proof = await proveRendered({
    top: real,
    edited,
    isDigestOf: (isUsed) => (digest, reference) => {
      const pair = `${digest} ${keyOf(reference)}`;
      return deployed.has(pair) || (isUsed && written.has(pair));
    },
    signal,
    progress: (text) => progress.show(text),
  });
  const elsewhere = planned
    .filter(({ result }) => changes.some(({ file }) => file === result.file))
    .flatMap((plan) => chartElsewhere(plan, real, proof) ?? []);
  return { ...proof, notRendered: [...proof.notRendered, ...elsewhere, ...outside] };
}

const keyOf = (reference: Reference) => printReference(withoutDigest(reference));

/** Values of a chart that is not in the tree: no render here takes them. */
function chartElsewhere(
  { result, changes }: Planned,
  top: string,
  { charts, notRendered }: RenderProof,
): { name: string; reason: string } | undefined {
  const path = nameFrom(top, realpathSync(resolve(result.file)));
  const folders = [...charts, ...notRendered.map(({ name }) => name.split(' with ', 1)[0] as string)];
  const isInChart = folders.some((folder) => folder === '.' || path.startsWith(`${folder}/`));
  const isUnseen = (found: Found) =>
    remoteChartOf(found, result.charts ?? []) !== undefined || (found.dialect === 'helm-values' && !isInChart);
  return changes.some(({ found }) => isUnseen(found))
    ? { name: result.file, reason: 'values of a chart that is not in this tree' }
    : undefined;
}

/** `proved 3 kustomizations and 1 chart; 2 not rendered: helm is not on the PATH`, and a line for each that was not. */
export function proofLines(proof: TreeProof | undefined): string[] {
  if (proof === undefined) return ['nothing to prove: no file changes'];
  const { kustomizations, charts, notRendered, refused } = proof;
  const reasons = [...new Set(notRendered.map(({ reason }) => reason))];
  const because = reasons.length === 1 ? reasons[0] : `${reasons.length} reasons`;
  const parts = [
    `proved ${plural(kustomizations.length, 'kustomization')} and ${plural(charts.length, 'chart')}`,
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
    ...(notRendered.length > 0 ? [`${notRendered.length} not rendered: ${because}`] : []),
  ];
  const lines = reasons.length === 1 && notRendered.length > MAX_LINES ? [] : notRendered.slice(0, MAX_LINES);
  const left = notRendered.length - lines.length;
  return [
    parts.join('; '),
    ...lines.map(({ name, reason }) => `not rendered: ${name}: ${reason}`),
    ...(left > 0 ? [`and ${left} more, named by -o json`] : []),
  ];
}

/** The same for programs. */
export const proofData = ({ kustomizations, charts, notRendered, refused }: TreeProof) => ({
  kustomizations,
  charts,
  notRendered: notRendered.map(({ name, reason }) => ({ name, reason })),
  refused: refused.length,
});
