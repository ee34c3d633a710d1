// Notary v1 metadata: the schema of each role's file, and whether the role's keys signed it. theupdateframework/notary, tuf/data.
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { parseJson } from '../../sigstore/json.ts';
import { canonicalJson } from './canonical.ts';
import { KeySchema, readKey, type TufKey, verifies } from './key.ts';

/** Metadata that was fetched and is not valid; never the same as "could not be fetched". */
export class Disorder extends Error {}

const MAX_KEYS = 100;
const integer = v.pipe(v.number(), v.integer(), v.minValue(1));
const hashes = v.record(v.string(), v.string());
const FileMeta = v.object({ length: v.pipe(v.number(), v.integer(), v.minValue(0)), hashes });
const Keys = v.pipe(
  v.record(v.string(), KeySchema),
  v.check((keys) => Object.keys(keys).length <= MAX_KEYS, 'too many keys'),
);
const RoleKeysSchema = v.object({ keyids: v.pipe(v.array(v.string()), v.maxLength(MAX_KEYS)), threshold: integer });
const common = {
  version: integer,
  expires: v.pipe(
    v.string(),
    v.check((text) => !Number.isNaN(Date.parse(text))),
  ),
};

export const Root = v.object({
  _type: v.literal('Root'),
  ...common,
  keys: Keys,
  roles: v.object({
    root: RoleKeysSchema,
    timestamp: RoleKeysSchema,
    snapshot: RoleKeysSchema,
    targets: RoleKeysSchema,
  }),
});
export const Timestamp = v.object({ _type: v.literal('Timestamp'), ...common, meta: v.object({ snapshot: FileMeta }) });
export const Snapshot = v.object({ _type: v.literal('Snapshot'), ...common, meta: v.record(v.string(), FileMeta) });
export const Targets = v.object({
  _type: v.literal('Targets'),
  ...common,
  targets: v.optional(v.nullable(v.record(v.string(), FileMeta)), {}),
  delegations: v.optional(
    v.nullable(
      v.object({
        keys: v.optional(v.nullable(Keys), {}),
        roles: v.optional(
          v.nullable(
            v.pipe(
              v.array(
                v.object({
                  ...RoleKeysSchema.entries,
                  name: v.string(),
                  paths: v.optional(v.nullable(v.array(v.string()))),
                }),
              ),
              v.maxLength(MAX_KEYS),
            ),
          ),
          [],
        ),
      }),
    ),
  ),
});
export type RootData = v.InferOutput<typeof Root>;
export type TargetsData = v.InferOutput<typeof Targets>;
export type FileMetaData = v.InferOutput<typeof FileMeta>;

const Envelope = v.object({
  signed: v.record(v.string(), v.unknown()),
  signatures: v.pipe(
    v.array(v.object({ keyid: v.string(), method: v.string(), sig: v.string() })),
    v.maxLength(MAX_KEYS),
  ),
});

export type RoleFile<T> = {
  readonly data: T;
  readonly bytes: Buffer;
  /** The ids of these keys that signed it, each once. */
  readonly signedBy: (keys: readonly TufKey[]) => Set<string>;
};

/** @throws Disorder for anything that does not match this role's schema */
export function readRole<T>(bytes: Buffer, schema: v.GenericSchema<unknown, T>, role: string): RoleFile<T> {
  const envelope = v.safeParse(Envelope, parseJson(bytes));
  if (!envelope.success) throw new Disorder(`${role}: ${problemOf(envelope.issues[0])}`);
  const { signed, signatures } = envelope.output;
  const data = v.safeParse(schema, signed);
  if (!data.success) throw new Disorder(`${role}: ${problemOf(data.issues[0])}`);
  let canonical: Buffer;
  try {
    canonical = Buffer.from(canonicalJson(signed));
  } catch (error) {
    throw new Disorder(`${role}: ${(error as Error).message}`);
  }
  return {
    data: data.output,
    bytes,
    signedBy: (keys) =>
      new Set(
        keys
          .filter((key) =>
            signatures.some(
              ({ keyid, method, sig }) =>
                keyid === key.id && verifies(key, method, canonical, Buffer.from(sig, 'base64')),
            ),
          )
          .map(({ id }) => id),
      ),
  };
}

/** The keys of a role, by their computed ids. An id in the file that is not the key's own id identifies no key. */
export function keysOf(
  keys: Record<string, v.InferOutput<typeof KeySchema>>,
  { keyids }: { keyids: string[] },
): TufKey[] {
  return [...new Set(keyids)].flatMap((id) => {
    const json = keys[id];
    if (json === undefined) return [];
    try {
      const key = readKey(json);
      return key.id === id ? [key] : [];
    } catch {
      return []; // an unusable key counts for nothing; the threshold decides whether enough others are left
    }
  });
}

/** The keys that may sign a role's file, and how many of them must. */
export type RoleKeys = { readonly keys: readonly TufKey[]; readonly threshold: number };

/** @throws Disorder unless enough different keys of the role signed the file and it has not expired */
export function checkRole<T extends { expires: string }>(
  file: RoleFile<T>,
  { keys, threshold, role, now }: RoleKeys & { readonly role: string; readonly now: Date },
): void {
  const count = file.signedBy(keys).size;
  if (count < threshold) throw new Disorder(`${role}: ${count} of the ${threshold} signatures that its role requires`);
  if (Date.parse(file.data.expires) <= now.getTime()) throw new Disorder(`${role} expired on ${file.data.expires}`);
}

/** @throws Disorder unless the bytes have the stated length and every stated hash that tagproof knows, at least one (T3) */
export function checkBytes(bytes: Buffer, { length, hashes: stated }: FileMetaData, role: string): void {
  if (bytes.length !== length) throw new Disorder(`${role} has ${bytes.length} bytes, expected ${length}`);
  const known = Object.entries(stated).filter(([algorithm]) => algorithm === 'sha256' || algorithm === 'sha512');
  if (known.length === 0) throw new Disorder(`${role} is bound by no hash that tagproof supports`);
  for (const [algorithm, base64] of known) {
    if (createHash(algorithm).update(bytes).digest('base64') !== base64)
      throw new Disorder(`${role} does not have the expected ${algorithm}`);
  }
}

const problemOf = (issue: v.BaseIssue<unknown>) => `${v.getDotPath(issue) ?? 'not JSON'}: ${issue.message}`;
