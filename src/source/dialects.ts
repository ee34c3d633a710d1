// The table of dialects: one row for each, in the order in which file names are matched. A new
// dialect is one file, which declares its name in `Dialects` of flow.ts, and one row here; without
// the row nothing compiles.
import type { Dialect } from '../flow.ts';
import { argoSource } from './argo-source.ts';
import { circleci } from './circleci.ts';
import { compose } from './compose.ts';
import { devcontainer } from './devcontainer.ts';
import { githubActions } from './github-actions.ts';
import { gitlabCi } from './gitlab-ci.ts';
import { helmChart, helmValues } from './helm.ts';
import { kubernetes, yaml } from './kubernetes.ts';
import { kustomize } from './kustomization.ts';
import type { DocumentShape, Reader } from './reader.ts';
import { template } from './template.ts';
import { getText, type Node } from './yaml-node.ts';

export const DIALECTS: Readonly<Record<Dialect, Reader>> = {
  dockerfile: {
    names: [
      /(^|\/)(Dockerfile|Containerfile)([.-][^/]*)?(?<!\.(md|txt|rst|html|go|py|js|ts|sh|json|ya?ml|tmpl|j2))$/,
      /\.(dockerfile|containerfile)$/i,
    ],
    hints: [],
    unit: 'file',
    load: async () => (await import('./dockerfile.ts')).readDockerfile,
  },
  kustomize,
  'argocd-source': argoSource,
  'helm-chart': helmChart,
  'github-actions': githubActions,
  'gitlab-ci': gitlabCi,
  circleci,
  devcontainer,
  compose,
  'helm-values': helmValues,
  template,
  kubernetes,
  yaml,
};

const ROWS = Object.entries(DIALECTS) as [Dialect, Reader][];

/** The dialect of a file by its name; undefined for a name of files that have no images. */
export function dialectOf(file: string): Dialect | undefined {
  const path = file.replaceAll('\\', '/');
  return ROWS.find(([, { names }]) => names.some((pattern) => pattern.test(path)))?.[0];
}

/**
 * The dialect of one document: the file's name where that decides, else the first dialect that
 * claims the content.
 */
export function dialectOfDocument(root: Node, named: Dialect): Dialect {
  const row = DIALECTS[named];
  if (row.unit !== 'document' || row.nameDecides) return named;
  const apiVersion = getText(root, 'apiVersion');
  const isObject = apiVersion !== undefined && getText(root, 'kind') !== undefined;
  const document: DocumentShape = { root, named, apiVersion, isObject };
  const claimed = ROWS.find(([, reader]) => reader.unit === 'document' && reader.claims?.(document));
  return claimed?.[0] ?? named;
}
