// The highest metadata versions that were ever seen, on disk: older metadata, though validly signed, is a rollback (T7).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { commitFiles } from '../../commit/commit.ts';
import { asProblem, Problem } from '../../problem.ts';
import { dataFolder } from '../trust/store.ts';

const StateSchema = v.strictObject({ gun: v.string(), versions: v.record(v.string(), v.number()) });
export type Versions = Readonly<Record<string, number>>;

function fileOf(server: string, gun: string): string {
  const name = createHash('sha256').update(`${server}\n${gun}`).digest('hex').slice(0, 32);
  return join(dataFolder(), 'notary', `${name}.json`);
}

/** @throws Problem `file` for state that cannot be read: treating it as none would silently disable the rollback check */
export function readVersions(server: string, gun: string): Versions {
  const file = fileOf(server, gun);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw asProblem(error, 'file', { file });
  }
  return parseVersions(text, gun, file);
}

function parseVersions(text: string, gun: string, file: string): Versions {
  try {
    const { gun: stored, versions } = v.parse(StateSchema, JSON.parse(text));
    if (stored === gun) return versions;
  } catch {}
  throw new Problem('file', 'the rollback state is damaged; delete it if you know why', { file });
}

/** Never lowers a version, even when another process writes at the same time. */
export function keepVersions(server: string, gun: string, seen: Versions): void {
  const known = readVersions(server, gun);
  if (Object.entries(seen).every(([role, version]) => version <= (known[role] ?? -1))) return;
  const file = fileOf(server, gun);
  const merge = (now: Buffer | undefined) => {
    const versions = { ...(now === undefined ? {} : parseVersions(now.toString('utf8'), gun, file)) };
    for (const [role, version] of Object.entries(seen)) versions[role] = Math.max(version, versions[role] ?? 0);
    return `${JSON.stringify({ gun, versions })}\n`;
  };
  const { problems } = commitFiles([{ kind: 'merge', file, makeFolder: true, merge }]);
  for (const problem of problems) throw problem;
}
