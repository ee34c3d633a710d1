// Reads tagproof.yaml: one schema, errors with line and column.
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { isDigest } from '../image/digest.ts';
import { CLOUD_HOSTS, matchesHost } from '../image/hosts.ts';
import { asProblem } from '../problem.ts';
import { AlarmsSchema } from './alarm-schema.ts';
import { AuthoritySchema } from './authority-schema.ts';
import { authoritiesOfRule, type Config, NO_CONFIG } from './config.ts';

import { ExemptionSchema, LITERAL_HOST, RuleSchema } from './rule-schema.ts';
import { type Mistake, parseYamlFile } from './yaml-file.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));

export const BlockedSchema = v.strictObject({
  digest: v.pipe(text, v.check(isDigest, 'expected a digest: sha256: and 64 lower-case hex digits')),
  repository: v.optional(v.pipe(text, v.regex(LITERAL_HOST, 'expected host/path, as ghcr.io/org/app'))),
  reason: text,
  by: v.optional(text),
  at: v.optional(text),
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
      v.pipe(
        v.strictObject({
          host: text,
          plainHttp: v.optional(v.boolean()),
          skipTlsVerify: v.optional(v.boolean()),
          ca: v.optional(text),
          tokenHost: v.optional(text),
          /** The identity of the cloud that tagproof runs in. */
          credentials: v.optional(v.picklist(['google', 'azure', 'amazon'])),
        }),
        v.check(
          ({ host, credentials }) => credentials === undefined || matchesHost(CLOUD_HOSTS[credentials], host),
          ({ input: { host, credentials } }) => `${host} is no registry of ${credentials}`,
        ),
      ),
    ),
    [],
  ),
  /** containerd's certs.d folder, for mirrors. */
  hostsDir: v.optional(text),
  /** Who may sign, by name. */
  authorities: v.optional(v.record(text, AuthoritySchema), {}),
  /** What images must be like; an image that no rule matches is denied. */
  rules: v.optional(v.array(RuleSchema), []),
  /** Images that the rules are not asked about. */
  exemptions: v.optional(v.array(ExemptionSchema), []),
  /** Digests that must never run again, whatever rules and exemptions say; rollback --block adds to it. */
  blocked: v.optional(v.array(BlockedSchema)),
  /** Whom the watcher tells. */
  alarms: v.optional(AlarmsSchema),
});

/** @throws Problem `syntax` with line and column; every mistake of the file in one message, a line each */
export function parseConfig(source: string, file: string): Config {
  return parseYamlFile(source, file, ConfigSchema, namesThatMiss) satisfies Config;
}

/** A demand for somebody who is not there can never be met, or, worse, be thought met. */
export function namesThatMiss({ authorities, rules }: Pick<Config, 'authorities' | 'rules'>): Mistake[] {
  const names = rules.map(({ name }) => name);
  return rules.flatMap((rule, index): Mistake[] => [
    ...(names.indexOf(rule.name) < index
      ? [{ path: ['rules', index, 'name'], message: `two rules are called '${rule.name}'` }]
      : []),
    ...authoritiesOfRule(rule)
      .filter((wanted) => !Object.hasOwn(authorities, wanted))
      .map((wanted) => ({
        path: ['rules', index],
        message: `rule '${rule.name}' asks for the authority '${wanted}', which is not under authorities`,
      })),
  ]);
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
