// Single faults in the proof by rendering: what may differ, what is rendered, what is handed to programs.
import type { Mutant } from './mutant.ts';

const COMPARE = { file: 'src/render/compare.ts', tests: ['src/render/compare.test.ts'] };
const ROOTS = { file: 'src/render/roots.ts', tests: ['src/render/roots.test.ts'] };
const COPY = { file: 'src/render/copy.ts', tests: ['src/render/roots.test.ts'] };
const PROGRAM = { file: 'src/render/program.ts', tests: ['src/cli/pin/pin-prove.test.ts'] };
const PROVE = { file: 'src/render/prove.ts', tests: ['src/cli/pin/pin-prove.test.ts'] };
const PIN = { file: 'src/cli/pin/pin.ts', tests: ['src/cli/pin/pin-prove.test.ts'] };
const PIN_PROVE = { file: 'src/cli/pin/pin-prove.ts', tests: ['src/cli/pin/pin-prove.test.ts'] };

export const RENDER_MUTANTS: readonly Mutant[] = [
  {
    ...COMPARE,
    name: 'the digest of another image counts',
    from: 'if (!isOf(`${name}${tag}`, digest, around, isDigestOf)) return undefined;',
    to: '',
  },
  {
    ...COMPARE,
    name: 'a digest key of another image counts',
    from: 'if (!isDigestAlone(b) || !namesAround(around, undefined, b, walk.isDigestOf)) return false;',
    to: 'if (!isDigestAlone(b)) return false;',
  },
  {
    ...COMPARE,
    name: 'the text before a digest is not compared',
    from: 'if (!a.startsWith(until, inA)) return undefined;',
    to: '',
  },
  {
    ...COMPARE,
    name: 'the text after a digest is not compared',
    from: 'return count > 0 && a.slice(inA) === b.slice(inB) ? count : undefined;',
    to: 'return count > 0 ? count : undefined;',
  },
  {
    ...COMPARE,
    name: 'another number of objects is passed over',
    from: 'if (old.length !== now.length) {\n    const text',
    to: 'if (false) {\n    const text',
  },
  {
    ...COMPARE,
    name: 'the first line of an object is not compared',
    from: 'split(/^---(?:[ \\t].*)?$/m)',
    to: 'split(/^---(?:\\s.*)?$/m)',
  },
  {
    ...COMPARE,
    name: 'lists of other lengths are equal',
    from: ' && a.length === b.length) {\n    for',
    to: ') {\n    for',
  },
  {
    ...COMPARE,
    name: 'a key that went is passed over',
    from: 'else walk.differ(inside(key).path, a[key], undefined);',
    to: 'else continue;',
  },
  {
    ...COMPARE,
    name: 'new keys are passed over',
    from: 'new Set([...Object.keys(a), ...Object.keys(b)])',
    to: 'new Set(Object.keys(a))',
  },
  {
    ...COMPARE,
    name: 'a checksum may differ without a digest',
    from: 'if (digests === 0) for (const differ of checksums) differ();',
    to: '',
  },
  { ...COMPARE, name: 'any hash is a checksum', from: '/checksum[^.[]*$/i.test(path)', to: 'true' },
  {
    ...COMPARE,
    name: 'anything may have a generated name',
    from: "!['ConfigMap', 'Secret'].includes(before.kind)",
    to: 'false',
  },
  {
    ...COMPARE,
    name: 'a generated name may become any other',
    from: 'if (base !== undefined && base === other)',
    to: 'if (true)',
  },
  {
    ...COMPARE,
    name: 'what differs inside a text is passed over',
    from: 'differ: () => (same = false)',
    to: 'differ: () => (same = same)',
  },
  {
    ...COMPARE,
    name: 'one unstable value hides the others',
    from: 'return ignored.has(pathKey(index, path));',
    to: 'return true;',
  },
  {
    ...ROOTS,
    name: 'kustomize is called for a remote base',
    from: 'if (path === undefined) return `',
    to: 'if (path === undefined) continue; if (false) return `',
  },
  {
    ...ROOTS,
    name: 'a folder above the tree is read',
    from: 'return real === top || real.startsWith(top + sep) ? real : undefined;',
    to: 'return real;',
  },
  { ...ROOTS, name: 'the bases of a base are not looked at', from: 'if (inner !== undefined) return inner;', to: '' },
  {
    ...ROOTS,
    name: 'kustomize is called for a remote patch or file',
    from: 'return remote === undefined ? undefined :',
    to: 'return true ? undefined :',
  },
  {
    ...ROOTS,
    name: 'kustomize is called for a chart',
    from: 'if (content[key] !== undefined) return',
    to: 'if (false) return',
  },
  {
    ...ROOTS,
    name: 'missing dependencies of a chart are passed over',
    from: 'return missing.length === 0 ?',
    to: 'return true ?',
  },
  {
    ...ROOTS,
    name: "a chart's other values are not rendered",
    from: '[undefined, ...valuesOf(copy, folder)]',
    to: '[undefined]',
  },
  {
    ...ROOTS,
    name: 'every kustomization counts as taken by another',
    from: "program === 'kustomize' && used.has(",
    to: "program === 'kustomize' || used.has(",
  },
  {
    ...COPY,
    name: 'links that leave the tree are copied',
    from: "if (inside.startsWith('..') || isAbsolute(inside)) return;",
    to: '',
  },
  {
    ...COPY,
    name: 'the history of git is copied',
    from: "new Set(['.git', 'node_modules'])",
    to: "new Set(['node_modules'])",
  },
  { ...COPY, name: 'the number of files has no bound', from: 'files.length > bounds.files || ', to: '' },
  { ...COPY, name: 'the size of the tree has no bound', from: ' || size > bounds.bytes', to: '' },
  {
    ...COPY,
    name: 'a file that changed since the search is proved',
    from: 'if (!readFileSync(target).equals(before))',
    to: 'if (false)',
  },
  {
    ...COPY,
    name: 'the copy stays when the terminal is closed',
    from: ".once('SIGHUP', hangUp)",
    to: '',
    tests: ['src/cli/pin/pin-prove.test.ts'],
  },
  {
    ...COPY,
    name: 'the copy stays when a bound is reached',
    from: '  } catch (error) {\n    remove();\n',
    to: '  } catch (error) {\n',
  },
  { ...PROGRAM, name: 'programs get the PATH', from: "PATH: '',", to: "PATH: process.env['PATH'] ?? ''," },
  { ...PROGRAM, name: 'programs reach the network', from: '    HTTPS_PROXY: nowhere,\n', to: '' },
  {
    ...PROGRAM,
    name: "programs get the user's home",
    from: 'const env = {\n    HOME: home,',
    to: "const env = {\n    HOME: process.env['HOME'] ?? '',",
  },
  { ...PROGRAM, name: 'programs outlive an interrupted run', from: 'cwd: home, signal, ', to: 'cwd: home, ' },
  { ...PROVE, name: 'the copy stays', from: '    copy.remove();\n', to: '', tests: ['src/render/prove.test.ts'] },
  {
    ...PROVE,
    name: 'the edit is never rendered',
    from: 'for (const { path, before, after } of edited) replaceInCopy(copy, path, before, after);',
    to: '',
  },
  {
    ...PROVE,
    name: 'what no longer renders is passed over',
    from: 'if (performance.now() > ends) leave(root, now.reason);\n      else refuse',
    to: 'if (true) leave(root, now.reason);\n      else refuse',
  },
  {
    ...PROVE,
    name: 'what was not rendered is not named',
    from: 'notRendered.push({ name, program, reason });',
    to: '({ name, program, reason });',
  },
  {
    ...PROVE,
    name: 'what differs is proved',
    from: 'if (first === undefined) proved',
    to: 'if (true) proved',
  },
  {
    ...PIN,
    name: 'what is refused is written',
    from: 'const stopped = options.diff || failed;',
    to: 'const stopped = options.diff || rewrite.stopped.length > 0;',
  },
  { ...PIN, name: 'a refusal is no problem', from: '...unproved, ...(outcome', to: '...(outcome' },
  { ...PIN_PROVE, name: 'values of a chart elsewhere are not named', from: '...elsewhere, ', to: '' },
  { ...PIN_PROVE, name: 'files outside of the project are not named', from: ', ...outside]', to: ']' },
];
