// Reads tagproof.yaml: one schema, errors with line and column.
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { asProblem, Problem } from '../problem.ts';
import { AuthoritySchema } from './authority-schema.ts';
import { askedBy, type Config, NO_CONFIG } from './config.ts';
import { RuleSchema } from './rule-schema.ts';
import { parseYaml } from './yaml-file.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));

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
  const config = parseYaml(source, file, ConfigSchema) satisfies Config;
  checkNames(config, file);
  return config;
}

/** A demand for somebody who is not there can never be met, or, worse, be thought met. */
function checkNames({ authorities, rules }: Config, file: string): void {
  const seen = new Set<string>();
  for (const rule of rules) {
    const { name } = rule;
    if (seen.has(name)) throw new Problem('conflict', `two rules are called '${name}'`, { file });
    seen.add(name);
    for (const wanted of askedBy(rule)) {
      if (Object.hasOwn(authorities, wanted)) continue;
      throw new Problem('usage', `rule '${name}' asks for the authority '${wanted}', which is not under authorities`, {
        file,
      });
    }
  }
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
