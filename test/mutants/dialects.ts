// Mutants of the dialects and of the objects of the API: each pins or admits the wrong field, or
// forgets one.
import type { Mutant } from './mutant.ts';

const S = 'src/source';

export const DIALECT_MUTANTS: readonly Mutant[] = [
  // --- dialects ---
  {
    name: 'the image of a virtual machine of CircleCI is pinned',
    file: `${S}/circleci.ts`,
    from: 'c.skip(spotOf(machine, ',
    to: 'c.image(spotOf(machine, ',
    tests: [`${S}/circleci.test.ts`],
  },
  {
    name: 'a parameter of CircleCI counts as an invalid image',
    file: `${S}/circleci.ts`,
    from: "image.value.includes('<<')",
    to: "image.value.includes('<<<')",
    tests: [`${S}/circleci.test.ts`],
  },
  {
    name: 'the content of a document overrides a name that decides alone',
    file: `${S}/dialects.ts`,
    from: "if (row.unit !== 'document' || row.nameDecides) return named;",
    to: "if (row.unit !== 'document') return named;",
    tests: [`${S}/dialects.test.ts`],
  },
  {
    name: 'the result of a build is pinned in a Compose file',
    file: `${S}/compose.ts`,
    from: "get(value, 'build') !== undefined && getText",
    to: "get(value, 'no-build') !== undefined && getText",
    tests: [`${S}/compose.test.ts`],
  },
  {
    name: 'a build stage is pinned as an image of that name',
    file: `${S}/dockerfile.ts`,
    from: 'if (stages.has(image.toLowerCase()))',
    to: 'if (stages.has(image))',
    tests: [`${S}/dockerfile.test.ts`],
  },
  {
    name: 'a digest goes into a version that several images share',
    file: `${S}/dockerfile.ts`,
    from: '|| !isTag || uses !== 1)',
    to: '|| !isTag)',
    tests: [`${S}/dockerfile.test.ts`],
  },
  {
    name: 'a Dockerfile of any size is parsed',
    file: `${S}/dockerfile.ts`,
    from: 'if (c.text.length > MAX_LENGTH || longest > MAX_LINE) {',
    to: 'if (longest > MAX_LINE) {',
    tests: [`${S}/dockerfile.test.ts`],
    threat: 'T30',
  },
  {
    name: 'kustomize pulls newName, and name is pinned',
    file: `${S}/kustomization.ts`,
    from: "newName === undefined ? 'name' : 'newName'",
    to: "'name'",
    tests: [`${S}/kustomization.test.ts`],
  },
  {
    name: 'init containers are forgotten',
    file: `${S}/fields.ts`,
    from: "  'initContainers',\n",
    to: '',
    tests: [`${S}/object.test.ts`, `${S}/kubernetes.test.ts`],
  },
  {
    name: 'ephemeral containers are forgotten',
    file: `${S}/fields.ts`,
    from: "  'ephemeralContainers',\n",
    to: '',
    tests: [`${S}/object.test.ts`, `${S}/kubernetes.test.ts`],
  },
  // --- objects of the API ---
  {
    name: 'a field called status hides the images below it',
    file: `${S}/object.ts`,
    from: "(key === 'status' || key === 'metadata') && path.length === 0",
    to: "key === 'status' || key === 'metadata'",
    tests: [`${S}/object.test.ts`],
  },
  {
    name: 'image volumes are forgotten',
    file: `${S}/object.ts`,
    from: "&& list === 'volumes')",
    to: "&& list === 'volume')",
    tests: [`${S}/object.test.ts`],
  },
  {
    name: 'an object of any depth exhausts the stack',
    file: `${S}/object.ts`,
    from: 'path.length > MAX_DEPTH || ',
    to: '',
    tests: [`${S}/object.test.ts`],
    threat: 'T42',
  },
  {
    name: 'an image that moves to another container needs no decision',
    file: `${S}/object.ts`,
    from: '!old.has(',
    to: "![...old].some((entry) => entry.split('\\n').at(-1) === image) && Boolean(",
    tests: [`${S}/object.test.ts`],
    threat: 'T17',
  },
  {
    name: 'a rule of one API group applies to the group of another',
    file: `${S}/rules.ts`,
    from: 'patternsOf(CATALOGUE_OF.get(group) ?? [])',
    to: 'patternsOf(CATALOGUE)',
    tests: [`${S}/object.test.ts`],
  },
];
