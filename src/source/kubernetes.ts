// Kubernetes objects, and YAML or JSON of which the name tells nothing: both are read by shape (walk.ts).
import type { Reader } from './reader.ts';
import { walkDocument } from './walk.ts';

declare module '../flow.ts' {
  interface Dialects {
    kubernetes: true;
  }
}

/** An object is told by its content and never by the file's name. */
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
