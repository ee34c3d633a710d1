// Damage to a text: bytes, lines, line ends, nesting, quoting, and pieces of another text.
import type { Random } from './random.ts';

type Mutation = (text: string, random: Random, other: () => string) => string;

const PIECES = [
  '\n',
  '\r',
  '\r\n',
  '\t',
  ' ',
  '  ',
  '\u0085',
  '\u2028',
  '\uFEFF',
  '\0',
  '\\',
  '"',
  "'",
  '`',
  '|',
  '>',
  '|2',
  '>-',
  '&a ',
  '*a',
  '!!str ',
  '!',
  '%',
  '? ',
  ': ',
  ':',
  '- ',
  '-',
  '#',
  ' #',
  '{',
  '}',
  '[',
  ']',
  ',',
  '@',
  '<<: *a',
  '---\n',
  '...\n',
  '%YAML 1.1\n',
  '{{ x }}',
  '{{',
  '}}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: variables are written so
  '${X}',
  '$',
  'image: ',
  'image: nginx:1',
  'containers:',
  'tag: 1\n',
  'digest: ""\n',
  'repository: a\n',
  'kind: List\n',
  'FROM ',
  'é',
  '\u{1F600}',
  'docker://',
  'oci://',
  'tagproof:ignore',
  '# tagproof:ignore: why',
  '\\x6e',
  '\\\n',
];

const at = (text: string, random: Random): number => random.below(text.length + 1);

/** Lines with their ends. */
const linesOf = (text: string): string[] => text.split(/(?<=\n)/);

function onLine(change: (line: string, random: Random) => string): Mutation {
  return (text, random) => {
    const lines = linesOf(text);
    const index = random.below(lines.length);
    lines[index] = change(lines[index] ?? '', random);
    return lines.join('');
  };
}

const MUTATIONS: readonly Mutation[] = [
  // bytes
  (text, random) => {
    const index = at(text, random);
    return text.slice(0, index) + String.fromCharCode(random.below(128)) + text.slice(index + 1);
  },
  (text, random) => {
    const index = at(text, random);
    return text.slice(0, index) + text.slice(index + 1 + random.below(random.once(4) ? 200 : 4));
  },
  (text, random) => {
    const index = at(text, random);
    return text.slice(0, index) + random.pick(PIECES) + text.slice(index);
  },
  (text, random) => {
    const index = at(text, random);
    const piece = text.slice(index, index + random.below(300));
    const to = at(text, random);
    return text.slice(0, to) + piece + text.slice(to);
  },
  (text, random, other) => {
    const added = other();
    return text.slice(0, at(text, random)) + added.slice(at(added, random));
  },
  // lines
  (text, random) => linesOf(text).toSpliced(random.below(20), 1).join(''),
  (text, random) => {
    const lines = linesOf(text);
    const from = random.below(lines.length);
    return lines.toSpliced(random.below(lines.length), 0, ...lines.slice(from, from + 1 + random.below(5))).join('');
  },
  (text) => text.replace(/\r?\n$/, ''),
  // line ends
  (text, random) => {
    const end = random.pick(['\n', '\r\n', '\r', '\n\r', '\u0085', '\u2028']);
    const share = random.pick([1, 2, 10]);
    return text.replaceAll(/\r\n?|\n/g, (old) => (random.once(share) ? end : old));
  },
  // nesting
  onLine((line, random) => ' '.repeat(1 + random.below(4)) + line),
  onLine((line) => line.replace(/^ {1,2}/, '')),
  onLine((line) => line.replace(/^ +/, (spaces) => '\t'.repeat(Math.ceil(spaces.length / 2)))),
  onLine((line, random) =>
    line.replace(/:[ \t]/, random.pick([': |\n  ', ':\n    ', ': - ', ':\t', ': >-\n      ', ':'])),
  ),
  (text, random) => {
    const pad = ' '.repeat(1 + random.below(6));
    const header = random.pick(['|', '|-', '|+', '>', '|2', `|${pad.length}`, `|-${pad.length}`, `|${pad.length}+`]);
    return `${random.pick(['apiVersion: v1\nkind: ConfigMap\ndata:\n a: ', 'a: ', '- '])}${header}\n${text.replaceAll(/^(?=[^\r\n])/gm, `  ${pad}`)}`;
  },
  // quoting
  onLine((line, random) => {
    const quote = random.pick(['"', "'"]);
    return line.replace(/(:\s+)(\S+)/, `$1${quote}$2${quote}`);
  }),
  onLine((line) => line.replaceAll(/["']/g, '')),
  onLine((line) => line.replace(/(:\s+)(\S+)/, (_, start, word) => start + JSON.stringify(JSON.stringify(word)))),
  onLine((line, random) =>
    line.replace(
      /(:\s+)(\S+)/,
      random.pick(['$1!!str $2', '$1&z $2', '$1*z', '$1{$2}', '$1[$2]', '$1$2 $2', '$1$2 # $2']),
    ),
  ),
  (text, random) => {
    const index = at(text, random);
    const line = text.indexOf('\n', index);
    return text.slice(0, index) + 'x'.repeat(random.pick([10, 300, 5000])) + text.slice(line < 0 ? index : line);
  },
];

/** @param other makes a text to splice with */
export function mutate(text: string, random: Random, other: () => string): string {
  let result = text;
  for (let left = random.pick([1, 1, 1, 2, 2, 3, 5, 8]); left > 0; left--)
    result = random.pick(MUTATIONS)(result, random, other);
  return result;
}

/** A byte that is another one, one that is missing, one too much. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  const index = random.below(bytes.length + 1);
  const added = Buffer.from(random.times(0, 2, () => random.below(256)));
  return Buffer.concat([bytes.subarray(0, index), added, bytes.subarray(index + random.below(3))]);
}
