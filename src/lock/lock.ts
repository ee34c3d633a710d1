// tagproof.lock: the digest that each tag was pinned to, and when that digest was first seen. One
// image a line, sorted, so that git merges it line by line (`merge=union` works). A further digest of
// a tag has a line of its own (digests.ts). It is valid YAML, with a JSON Schema in schema/.
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { DIGEST } from '../image/digest.ts';
import { asProblem, Problem } from '../problem.ts';
import { joinEntries } from './join.ts';

const EvidenceSchema = v.strictObject({
  /** Hash of the authorities and rules that the image passed. */
  policy: v.pipe(v.string(), v.regex(DIGEST, 'expected sha256: and 64 lower-case hex digits')),
  by: v.array(
    v.strictObject({
      /** Name in tagproof.yaml. */
      authority: v.string(),
      /** Predicate type of an attestation; absent for a signature. */
      statement: v.optional(v.string()),
      /** SHA-256 of the public key, hex. */
      keyId: v.optional(v.string()),
      issuer: v.optional(v.string()),
      subject: v.optional(v.string()),
      /** Index in the transparency log. */
      logIndex: v.optional(v.string()),
      /** When it was signed, by the clock of the log or of a timestamp authority; RFC 3339. */
      times: v.optional(v.array(v.string())),
    }),
  ),
});

export const EntrySchema = v.strictObject({
  /** What the reference was pinned to. */
  digest: v.pipe(v.string(), v.regex(DIGEST, 'expected sha256: and 64 lower-case hex digits')),
  mediaType: v.optional(v.string()),
  /** Known only when the index was read. */
  platforms: v.optional(v.array(v.string())),
  /** When tagproof first saw this tag at this digest; RFC 3339, UTC. */
  firstSeen: v.pipe(v.string(), v.isoTimestamp()),
  /**
   * Where the digest came from: `registry`, `engine`, the host of a mirror; `history`: the registry's history of the tag;
   * `tree`: it stood there, and the user keeps it.
   */
  source: v.string(),
  /**
   * The places where `pin` wrote this digest. Absent: wherever the tag has it, which is what locks of older versions
   * mean too. Empty: nowhere, because it stood in the tree before `pin` came and was adopted. `unpin` takes out no other.
   */
  wrote: v.optional(v.array(v.string())),
  /**
   * The image was rolled back to this digest: `pin --update` keeps it until the hold is released.
   */
  hold: v.optional(v.strictObject({ reason: v.string(), by: v.string(), at: v.pipe(v.string(), v.isoTimestamp()) })),
  /** The evidence by which it passed when it was pinned with --verify. */
  verified: v.optional(EvidenceSchema),
});

/** The whole file, for the JSON Schema of editors. The reader below goes line by line. */
export const LockSchema = v.strictObject({ version: v.literal(1), images: v.record(v.string(), EntrySchema) });

/** Media type of a lock as a layer in a registry. */
export const LOCK_TYPE = 'application/vnd.tagproof.lock.v1+yaml';

export type LockEntry = v.InferOutput<typeof EntrySchema>;
export type LockEvidence = v.InferOutput<typeof EvidenceSchema>;
/** By canonical reference with tag, `docker.io/library/nginx:1.27`; with `@digest` behind it for a further digest of the tag. */
export type Lock = Map<string, LockEntry>;

const HEADER =
  '# Written by tagproof: what each tag was pinned to, and since when. Commit this file.\nversion: 1\nimages:\n';
const LINE = /^ {2}("(?:[^"\\]|\\.)*"):\s+(\{.*\})\s*$/;

/** @throws Problem `syntax` or `conflict` with the line */
export function parseLock(text: string, file: string): Lock {
  const lock: Lock = new Map();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    const where = { file, line: index + 1 };
    if (line.trim() === '' || line.startsWith('#') || line === 'images:' || line === 'images: {}') continue;
    if (/^(<<<<<<<|=======|>>>>>>>)/.test(line))
      throw new Problem('conflict', 'git conflict marker: keep the lines of both sides, then run tagproof pin', where);
    const version = /^version:\s*(\S+)$/.exec(line);
    if (version !== null) {
      if (version[1] !== '1')
        throw new Problem('syntax', `expected version 1, got ${version[1]}: a newer tagproof wrote this lock`, where);
      continue;
    }
    add(lock, line, where);
  }
  return lock;
}

function add(lock: Lock, line: string, where: { file: string; line: number }): void {
  const match = LINE.exec(line);
  let key: string;
  let json: unknown;
  try {
    key = JSON.parse(match?.[1] ?? '');
    json = JSON.parse(match?.[2] ?? '');
  } catch {
    throw new Problem(
      'syntax',
      'expected one image a line, as tagproof writes it:  "host/name:tag": {"digest": …}',
      where,
    );
  }
  const result = v.safeParse(EntrySchema, json);
  if (!result.success)
    throw new Problem('syntax', `${v.getDotPath(result.issues[0]) ?? 'entry'}: ${result.issues[0].message}`, where);
  const entry = result.output;
  const named = /@(sha\d+:[a-f0-9]+)$/.exec(key)?.[1];
  if (named !== undefined && named !== entry.digest)
    throw new Problem('syntax', `${key} has another digest than its name says`, where);
  const before = lock.get(key);
  if (before !== undefined && before.digest !== entry.digest) {
    throw new Problem('conflict', `${key} is here twice with different digests: delete one of the lines`, where);
  }
  lock.set(key, before === undefined ? entry : joinEntries(before, entry));
}

export function printLock(lock: Lock): string {
  const lines = [...lock]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => `  ${JSON.stringify(key)}: ${JSON.stringify(ordered(entry))}\n`);
  return lines.length === 0 ? `${HEADER.trimEnd()} {}\n` : HEADER + lines.join('');
}

/** A fixed order of keys, so that equal entries are equal lines. */
function ordered({ digest, mediaType, platforms, firstSeen, source, wrote, hold, verified }: LockEntry): LockEntry {
  return {
    digest,
    ...(mediaType !== undefined && { mediaType }),
    ...(platforms !== undefined && { platforms }),
    firstSeen,
    source,
    ...(wrote !== undefined && { wrote }),
    ...(hold !== undefined && { hold }),
    ...(verified !== undefined && { verified }),
  };
}

/** An absent file is an empty lock. */
export function readLock(file: string): { lock: Lock; bytes: Buffer | undefined } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { lock: new Map(), bytes: undefined };
    throw asProblem(error, 'file', { file });
  }
  return { lock: parseLock(bytes.toString('utf8'), file), bytes };
}
