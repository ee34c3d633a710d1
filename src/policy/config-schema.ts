// The schema of tagproof.yaml, and the mistakes that a schema cannot see. Pure.
import * as v from 'valibot';
import { isDigest } from '../image/digest.ts';
import { CLOUD_HOSTS, matchesHost } from '../image/hosts.ts';
import { AlarmsSchema } from './alarm-schema.ts';
import { AuthoritySchema } from './authority-schema.ts';
import { authoritiesOfRule, type Blocked, type Config } from './config.ts';
import { ExemptionSchema, LITERAL_HOST, RuleSchema } from './rule-schema.ts';
import type { Mistake } from './yaml-file.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));

const BlockedSchema = v.strictObject({
  digest: v.pipe(text, v.check(isDigest, 'expected a digest: sha256: and 64 lower-case hex digits')),
  repository: v.optional(v.pipe(text, v.regex(LITERAL_HOST, 'expected host/path, as ghcr.io/org/app'))),
  reason: text,
  by: v.optional(text),
  at: v.optional(text),
} satisfies Record<keyof Blocked, v.GenericSchema>);

/** A key for each setting of the file: a new setting without a schema does not compile. */
const CONFIG = {
  version: v.optional(v.literal(1)),
  find: v.optional(
    v.strictObject({
      /** Files that are not read: patterns as in .gitignore, relative to the project's folder. */
      exclude: v.optional(v.array(text), []),
      /**
       * Images that are ignored, by canonical repository: `*` in a segment, `**` across segments.
       */
      ignore: v.optional(v.array(v.strictObject({ image: text, reason: text })), []),
      /** Fields that hold images, for kinds that tagproof does not know. */
      fields: v.optional(
        v.array(v.strictObject({ group: v.optional(text), kinds: v.optional(v.array(text)), paths: v.array(text) })),
        [],
      ),
      /**
       * Charts that are not in the tree, by name or by the path of their values: the form of their digest field, and
       * whether a digest may follow the tag.
       */
      charts: v.optional(
        v.array(
          v.strictObject({
            chart: v.optional(text),
            files: v.optional(text),
            digest: v.optional(v.picklist(['full', 'hex'])),
            tag: v.optional(v.picklist(['image'])),
          }),
        ),
      ),
      /** Find images in args, command and env values too. */
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
          /** Use the identity of the cloud that tagproof runs in. */
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
  /** The certs.d folder of containerd, for mirrors. */
  hostsDir: v.optional(text),
  /** Who may sign, by name. */
  authorities: v.optional(v.record(text, AuthoritySchema), {}),
  /** What images must meet; an image that no rule matches is denied. */
  rules: v.optional(v.array(RuleSchema), []),
  /** Images that the rules do not apply to. */
  exemptions: v.optional(v.array(ExemptionSchema), []),
  /**
   * The blocklist: digests that must never run, whatever rules and exemptions say; rollback --block
   * adds to it.
   */
  blocked: v.optional(v.array(BlockedSchema)),
  /** Where the watcher sends alarms. */
  alarms: v.optional(AlarmsSchema),
} satisfies Record<Exclude<keyof Config, 'tightening' | 'folder'> | 'version', v.GenericSchema>;

export const ConfigSchema = v.strictObject(CONFIG);

/**
 * Names that the schema cannot check: two rules of one name, and authorities that no one defines.
 */
export function nameMistakes({ authorities, rules }: Pick<Config, 'authorities' | 'rules'>): Mistake[] {
  const names = rules.map(({ name }) => name);
  return rules.flatMap((rule, index): Mistake[] => [
    ...(names.indexOf(rule.name) < index
      ? [{ path: ['rules', index, 'name'], message: `two rules are called '${rule.name}'` }]
      : []),
    ...authoritiesOfRule(rule)
      .filter((wanted) => !Object.hasOwn(authorities, wanted))
      .map((wanted) => ({
        path: ['rules', index],
        message: `rule '${rule.name}' names the authority '${wanted}', which is not under authorities`,
      })),
  ]);
}
