// Helm: a chart's values, where any repository + tag is an image, and Chart.yaml with its images in
// annotations.
import type { Reader } from './reader.ts';
import { walkDocument } from './walk.ts';

declare module '../flow.ts' {
  interface Dialects {
    'helm-values': true;
    'helm-chart': true;
  }
}

export const helmValues: Reader = {
  names: [/(^|\/)([^/]+[.-])?values([.-][^/]+)?\.ya?ml$/],
  hints: [{ word: 'repository:', key: /repository["']?\s{0,64}:/ }],
  unit: 'document',
  read: (c, root, options) => walkDocument(c, root, options, true),
};

export const helmChart: Reader = {
  names: [/(^|\/)Chart\.ya?ml$/],
  hints: [],
  unit: 'document',
  read: (c, root, options) => walkDocument(c, root, options, false),
};
