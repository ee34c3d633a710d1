// Kubernetes objects, and YAML or JSON whose file name means nothing: walk.ts reads both by shape.
import { readArtifacts } from './artifacts.ts';
import { readGitops } from './gitops.ts';
import type { Reader } from './reader.ts';
import { walkDocument } from './walk.ts';
import { getText } from './yaml-node.ts';

declare module '../flow.ts' {
  interface Dialects {
    kubernetes: true;
  }
}

/** The content of a document makes it an object, and never the name of its file. */
export const kubernetes: Reader = {
  names: [],
  hints: [
    { word: 'mage', key: /mage[\w-]{0,64}["']?\s{0,64}:|\/image\b/ }, // image and Image
    { word: 'crossplane.io', key: /crossplane\.io/ }, // `package:` of a crossplane provider
    { word: 'oci://', key: /oci:\/\// }, // artifacts of Flux
    { word: 'DockerImage', key: /DockerImage/ }, // `from:` of an ImageStream
    { word: 'kustomize.toolkit.fluxcd.io', key: /kustomize\.toolkit\.fluxcd\.io/ }, // applies a folder
  ],
  unit: 'document',
  claims: ({ isObject }) => isObject,
  read: (c, root, options) => {
    const apiVersion = getText(root, 'apiVersion') ?? '';
    const group = apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] as string) : '';
    const kind = getText(root, 'kind') ?? '';
    readGitops(c, root, group, kind);
    readArtifacts(c, root, group, kind);
    walkDocument(c, root, options, false);
  },
};

export const yaml: Reader = { ...kubernetes, names: [/\.(ya?ml|jsonc?)$/i], claims: () => false };
