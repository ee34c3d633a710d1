// For tests of the deployment graph: what a tree of files deploys, a line for each place.
import type { Found } from '../src/flow.ts';
import { isKustomizationFile, readKustomizationFile } from '../src/graph/kustomization-file.ts';
import { deployTree } from '../src/graph/tree.ts';
import { printReference, withoutDigest } from '../src/image/reference.ts';
import { type FileResult, findIn } from '../src/source/find.ts';

export const D = `sha256:${'d'.repeat(64)}`;
export const pod = (image: string) =>
  `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: ${image}\n`;
export const kustomization = (resources: string, images: string) =>
  `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [${resources}]\nimages:${images === '[]' ? ' []' : `\n${images}`}\n`;

/** A line for each place: what is deployed there, or why nothing is. */
export async function deployed(files: Record<string, string>): Promise<string[]> {
  const results: FileResult[] = [];
  for (const [file, text] of Object.entries(files))
    results.push(await findIn(text, file, { fields: [], argsAndEnv: false }));
  const kustomizations = Object.entries(files)
    .filter(([file]) => isKustomizationFile(file))
    .flatMap(([file, text]) => readKustomizationFile(text, file) ?? []);
  return deployTree(results, kustomizations).flatMap(({ file, found, skipped, problems }) => [
    ...found.map((item) => `${file}: ${show(item)}`),
    ...skipped.map(({ text, reason }) => `${file}: ${reason} ${text}`),
    ...problems.map(({ code }) => `${file}: ${code}`),
  ]);
}

function show({ reference, overriddenBy, slot }: Found): string {
  if (slot.blocked !== undefined) return `blocked ${slot.blocked}`;
  const name = printReference(withoutDigest(reference));
  return overriddenBy === undefined ? name : `overridden ${name}`;
}
