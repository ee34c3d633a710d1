// Where trust roots come from: the file that the policy names, the copy that `trust update` or `trust import` stored, or else
// the public-good root that is shipped with this version of tagproof. No network.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { commitFiles } from '../../commit/commit.ts';
import { asProblem, Problem } from '../../problem.ts';
import { parseTrustRoot, type TrustRoot } from './root.ts';

export const PUBLIC_GOOD = 'public-good';
/** The TUF repository of the public-good instance. */
export const PUBLIC_MIRROR = 'https://tuf-repo-cdn.sigstore.dev';

/** `from`: where its bytes came from, to show to the user. */
export type StoredRoot = { readonly root: TrustRoot; readonly bytes: Buffer; readonly from: string };

/** The folder for what outlives a run: stored trust roots, TUF metadata, Notary's rollback state. */
export function dataFolder(): string {
  const { TAGPROOF_DATA, XDG_DATA_HOME } = process.env;
  return TAGPROOF_DATA ?? join(XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'tagproof');
}

const storedRootFile = (): string => join(dataFolder(), 'trust', 'trusted_root.json');

/** @param name `public-good`, or the path of a trusted_root.json */
export async function loadTrustRoot(name: string): Promise<StoredRoot> {
  if (name !== PUBLIC_GOOD) {
    const bytes = read(name);
    if (bytes === undefined) throw new Problem('file', 'no such trust root', { file: name });
    return { root: parseTrustRoot(bytes, name), bytes, from: name };
  }
  const stored = read(storedRootFile());
  if (stored !== undefined)
    return { root: parseTrustRoot(stored, storedRootFile()), bytes: stored, from: storedRootFile() };
  const bytes = (await shippedSeed()).targets;
  return { root: parseTrustRoot(bytes, 'the shipped trust root'), bytes, from: 'shipped with this version' };
}

/** The public-good instance's TUF root and trust root, as @sigstore/tuf carries them. */
export async function shippedSeed(): Promise<{ tufRoot: Buffer; targets: Buffer }> {
  const { default: seeds } = await import('@sigstore/tuf/seeds.json', { with: { type: 'json' } });
  const seed = (seeds as Record<string, { 'root.json': string; targets: Record<string, string> }>)[PUBLIC_MIRROR];
  const trusted = seed?.targets['trusted_root.json'];
  if (seed === undefined || trusted === undefined) throw new Error('the trust root is missing from the package');
  return { tufRoot: Buffer.from(seed['root.json'], 'base64'), targets: Buffer.from(trusted, 'base64') };
}

/** Stores a root for later runs; replaced as a whole or not at all. @param file default: the public-good root's */
export function storeRoot(bytes: Buffer, file = storedRootFile()): string {
  const { problems } = commitFiles([{ kind: 'merge', file, makeFolder: true, merge: () => bytes }]);
  for (const problem of problems) throw problem;
  return file;
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asProblem(error, 'file', { file });
  }
}
