// Reads tagproof.yaml: one schema, errors with line and column.
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { asProblem, Problem } from '../problem.ts';
import { authoritiesOf, type Config, NO_CONFIG } from './config.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));

const names = v.pipe(v.array(text), v.nonEmpty('expected at least one'));
const pem = v.pipe(text, v.includes('-----BEGIN PUBLIC KEY-----', 'expected a public key in PEM'));

/** The host of a pattern is literal, or `*.` before a domain: `**` alone would speak for hosts that nobody thought of. */
const imagePattern = v.pipe(
  text,
  v.regex(
    /^(\*\*|(\*\.)?[a-z0-9][a-z0-9.-]*(:\d+)?\/[^/].*)$/,
    'expected host/path with a literal host, as ghcr.io/org/** (docker.io/library/* for official images), or ** for every image',
  ),
);

const AuthoritySchema = v.strictObject({
  keys: v.pipe(v.array(pem), v.nonEmpty('expected at least one key')),
  hashAlgorithm: v.optional(v.picklist(['sha256', 'sha384', 'sha512']), 'sha256'),
  rsaScheme: v.optional(v.picklist(['pkcs1', 'pss']), 'pkcs1'),
  transparencyLog: v.literal(
    'ignore',
    "expected 'ignore': signatures by key are verified without a log entry, and that must be said",
  ),
  annotations: v.optional(v.record(text, v.string()), {}),
});

const RuleSchema = v.strictObject({
  name: text,
  images: v.pipe(v.array(imagePattern), v.nonEmpty('expected at least one pattern')),
  tags: v.optional(names),
  digest: v.optional(v.picklist(['required', 'resolve', 'off']), 'required'),
  signatures: v.optional(
    v.union(
      [
        v.strictObject({ all: names }),
        v.strictObject({ any: names }),
        v.pipe(
          v.strictObject({ threshold: v.pipe(v.number(), v.integer(), v.minValue(1)), of: names }),
          v.check(
            ({ threshold, of }) => threshold <= new Set(of).size,
            'the threshold is larger than the number of authorities',
          ),
        ),
      ],
      'expected {all: [names]}, {any: [names]} or {threshold: n, of: [names]}, n at most the number of different names',
    ),
  ),
  platforms: v.optional(v.array(text), []),
  minimumAgeDays: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
  mode: v.optional(v.picklist(['enforce', 'warn', 'audit']), 'enforce'),
});

export const ConfigSchema = v.strictObject({
  version: v.optional(v.literal(1)),
  find: v.optional(
    v.strictObject({
      /** Files that are not read; patterns as in .gitignore, relative to the working directory. */
      exclude: v.optional(v.array(text), []),
      /** Images that are left alone, by canonical repository: `*` within a segment, `**` across. */
      ignore: v.optional(v.array(v.strictObject({ image: text, reason: text })), []),
      /** Fields that hold images, for kinds that tagproof does not know. */
      fields: v.optional(
        v.array(v.strictObject({ group: v.optional(text), kinds: v.optional(v.array(text)), paths: v.array(text) })),
        [],
      ),
      /** Take images in args, command and env values too. */
      argsAndEnv: v.optional(v.boolean(), false),
    }),
    {},
  ),
  /** Platforms that every pinned image must have: `linux/amd64`. */
  platforms: v.optional(v.array(text), []),
  registries: v.optional(
    v.array(
      v.strictObject({
        host: text,
        plainHttp: v.optional(v.boolean()),
        skipTlsVerify: v.optional(v.boolean()),
        ca: v.optional(text),
        tokenHost: v.optional(text),
      }),
    ),
    [],
  ),
  /** containerd's certs.d folder, for mirrors. */
  hostsDir: v.optional(text),
  /** Who may sign, by name. */
  authorities: v.optional(v.record(text, AuthoritySchema), {}),
  /** What images must be like; an image that no rule matches is denied. */
  rules: v.optional(v.array(RuleSchema), []),
});

/** @throws Problem `syntax` with line and column; every mistake of the file in one message, a line each */
export function parseConfig(source: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new Problem('syntax', broken.message.split('\n')[0] as string, { file, line, column: col });
  }
  const result = v.safeParse(ConfigSchema, document.toJS() ?? {});
  if (result.success) {
    checkNames(result.output, file);
    return result.output satisfies Config;
  }
  const [first, ...others] = result.issues.map((issue) => {
    const path = (issue.path ?? []).map((item) => item.key as string | number);
    const node = nodeAt(document.contents, path);
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    const unknown = issue.type === 'strict_object' && issue.expected === 'never';
    const message = unknown ? `there is no setting '${path.at(-1)}' here` : issue.message;
    return { line, column: col, message: `${path.join('.')}: ${message}` };
  });
  const rest = others.map(({ line, column, message }) => `\n${file}:${line}:${column}: ${message}`).join('');
  throw new Problem('syntax', first?.message + rest, { file, line: first?.line ?? 1, column: first?.column ?? 1 });
}

/** A demand for somebody who is not there can never be met, or, worse, be thought met. */
function checkNames({ authorities, rules }: Config, file: string): void {
  const seen = new Set<string>();
  for (const { name, signatures } of rules) {
    if (seen.has(name)) throw new Problem('conflict', `two rules are called '${name}'`, { file });
    seen.add(name);
    for (const wanted of signatures === undefined ? [] : authoritiesOf(signatures)) {
      if (Object.hasOwn(authorities, wanted)) continue;
      throw new Problem('usage', `rule '${name}' asks for the authority '${wanted}', which is not under authorities`, {
        file,
      });
    }
  }
}

/** The deepest node on the path; for a key that must not be there, the key itself. */
function nodeAt(root: Node | null, path: (string | number)[]): Node | null {
  let node = root;
  for (const [depth, key] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === String(key));
      if (pair === undefined) return node;
      node = (depth === path.length - 1 || pair.value === null ? pair.key : pair.value) as Node;
    } else {
      const item = (node as { items?: unknown[] } | null)?.items?.[Number(key)];
      if (item === undefined) return node;
      node = item as Node;
    }
  }
  return node;
}

/** @param file undefined: tagproof.yaml in the working directory if there is one */
export function readConfig(file: string | undefined): Config {
  const path = file ?? 'tagproof.yaml';
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return NO_CONFIG;
    throw asProblem(error, 'file', { file: path });
  }
  return parseConfig(source, path);
}
