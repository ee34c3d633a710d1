// Kubernetes objects, and YAML or JSON whose file name means nothing: walk.ts reads both by shape.
import type { Reader } from './reader.ts';
import { walkDocument } from './walk.ts';

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
  ],
  unit: 'document',
  claims: ({ isObject }) => isObject,
  read: (c, root, options) => walkDocument(c, root, options, false),
};

export const yaml: Reader = { ...kubernetes, names: [/\.(ya?ml|json)$/i], claims: () => false };
