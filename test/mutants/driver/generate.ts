// Generated single faults for the core files: a few textual operators on the syntax tree.
//
// StrykerJS was considered (10.1.1). It has no runner for node:test: its command runner starts the
// whole test command for each mutant, and its TAP runner would still need a process a file. It works
// in a copy of the tree with its own instrumentation of TypeScript, adds 22 direct dependencies, and
// cannot take the named mutants, which are the part that matters; the driver beside this file runs
// both kinds. The parser is TypeScript's own, through an API that the package still calls unstable;
// if that changes, this file alone is concerned.
import { join } from 'node:path';
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';
import { ROOT, syntaxError } from './lists.ts';

/**
 * What holds the security argument. Tests: those of the file's named mutants, and the test file
 * beside it.
 */
export const CORE_FILES: readonly string[] = [
  'src/policy/decide.ts',
  'src/policy/match.ts',
  'src/registry/tokens.ts',
  'src/registry/token-service.ts',
  'src/registry/realm.ts',
  'src/registry/redirect.ts',
  'src/registry/transport.ts',
  'src/registry/address.ts',
  'src/registry/credentials.ts',
  'src/verify/**/*.ts',
  'src/admission/leases.ts',
  'src/ledger/*.ts',
  'src/inventory/rollback-candidates.ts',
  'src/cli/rollback/*.ts',
  'src/source/edit.ts',
];

export type GeneratedMutant = {
  readonly file: string;
  /** `line:column` of the change, from 1. */
  readonly place: string;
  /** What was done, as `'<' → '<='`. */
  readonly change: string;
  readonly text: string;
};

const COMPARISONS: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '&&': '||',
  '||': '&&',
};

type Change = { readonly start: number; readonly end: number; readonly to: string; readonly change: string };

/** All faults of these files, in the order of the text. @param files from the repository's root */
export function generateMutants(files: readonly string[]): GeneratedMutant[] {
  const api = new API({ cwd: ROOT });
  try {
    const config = join(ROOT, 'tsconfig.json');
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    return files.flatMap((file) => {
      const source = project?.program.getSourceFile(join(ROOT, file));
      if (source === undefined) throw new Error(`${file} is not in tsconfig.json's project`);
      return changesOf(source, source.text).flatMap(({ start, end, to, change }): GeneratedMutant[] => {
        const text = source.text.slice(0, start) + to + source.text.slice(end);
        const before = source.text.slice(0, start).split('\n');
        const place = `${before.length}:${(before.at(-1) as string).length + 1}`;
        return syntaxError(text) === undefined ? [{ file, place, change, text }] : [];
      });
    });
  } finally {
    api.close();
  }
}

function changesOf(root: Node, text: string): Change[] {
  const found: Change[] = [];
  const visit = (node: Node): void => {
    found.push(...changesAt(node, text));
    node.forEachChild((child) => void visit(child));
  };
  visit(root);
  return found.sort((a, b) => a.start - b.start);
}

/** The faults that one node gives. */
function changesAt(node: Node, text: string): Change[] {
  const { end } = node;
  const start = node.getStart();
  const statement = text.slice(start, end);
  const replace = (to: string, change: string): Change[] => [{ start, end, to, change }];
  switch (node.kind) {
    case SyntaxKind.BinaryExpression: {
      const operator = (node as Node & { operatorToken: Node }).operatorToken;
      const from = text.slice(operator.getStart(), operator.end);
      const to = COMPARISONS[from];
      return to === undefined
        ? []
        : [{ start: operator.getStart(), end: operator.end, to, change: `'${from}' → '${to}'` }];
    }
    case SyntaxKind.PrefixUnaryExpression:
      return statement.startsWith('!') ? replace(statement.slice(1), `'!' removed: ${short(statement)}`) : [];
    case SyntaxKind.ThrowStatement:
      return replace(';', `removed: ${short(statement)}`);
    case SyntaxKind.ReturnStatement:
      if (statement === 'return true;') return replace('return false;', 'true → false');
      if (statement === 'return false;') return replace('return true;', 'false → true');
      // The last statement of a function is its result; one under a condition is an early way out.
      return isConditional(node) ? replace(';', `removed: ${short(statement)}`) : [];
    case SyntaxKind.PropertyAccessExpression: {
      const match = /\.(some|every)$/.exec(statement);
      const to = match?.[1] === 'some' ? 'every' : 'some';
      return match === null
        ? []
        : [{ start: end - (match[1] as string).length, end, to, change: `.${match[1]} → .${to}` }];
    }
    default:
      return [];
  }
}

/** Does the statement stand under an `if`, alone or as part of its block? */
const isConditional = ({ parent }: Node) =>
  parent.kind === SyntaxKind.IfStatement ||
  (parent.kind === SyntaxKind.Block && parent.parent.kind === SyntaxKind.IfStatement);

const short = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text).replaceAll(/\s+/g, ' ');

/** Takes `count` of the items, the same ones for the same seed. */
export function sample<T>(items: readonly T[], count: number, seed: number): T[] {
  if (items.length <= count) return [...items];
  // mulberry32: small, and the same on every machine
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  const left = items.map((item, index) => ({ item, index }));
  const taken = Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]);
  return taken.sort((a, b) => (a?.index ?? 0) - (b?.index ?? 0)).map((entry) => entry?.item as T);
}
