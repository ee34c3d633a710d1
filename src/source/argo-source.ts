// `.argocd-source.yaml` and `.argocd-source-<application>.yaml`: overrides that Argo CD or its image updater keep beside the manifests.
import { readArgoSource } from './gitops.ts';
import type { Reader } from './reader.ts';

declare module '../flow.ts' {
  interface Dialects {
    'argocd-source': true;
  }
}

export const argoSource: Reader = {
  names: [/(^|\/)\.argocd-source(-[^/]+)?\.ya?ml$/],
  hints: [],
  unit: 'document',
  nameDecides: true,
  read: (c, root) => readArgoSource(c, root),
};
