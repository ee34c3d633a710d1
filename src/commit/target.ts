// What must be true of a file before anything is written: where it really is, that it may be replaced, and by what.
import { dirname, relative, resolve, sep } from 'node:path';
import { Problem } from '../problem.ts';
import type { Change } from './change.ts';
import { codeOf, type Disk, type FileOwner } from './disk.ts';

export type FileTarget = {
  /** The file itself: a symbolic link has been followed. */
  readonly path: string;
  readonly folder: string;
  /** Of the file that is there; undefined: there is none. */
  readonly like: (FileOwner & { readonly mode: number }) | undefined;
  readonly notes: readonly string[];
};

/** @throws Problem, or an error of the file system */
export function findTarget(disk: Disk, change: Change): FileTarget {
  const { file, root } = change;
  const named = resolve(file);
  const path = followLink(disk, named, file, root);
  const stats = lstatOf(disk, path);
  const folder = dirname(path);
  checkFolder(disk, folder, change);
  if (stats === undefined) return { path, folder, like: undefined, notes: [] };
  if (!stats.isFile()) throw new Problem('refused', 'it is not a regular file', { file });
  // A rename would replace it all the same. The owner who removed the permission did not want that.
  if ((stats.mode & 0o222) === 0)
    throw new Problem('refused', `it is read-only (mode ${octal(stats.mode)}): chmod u+w it, or leave it out`, {
      file,
    });
  disk.checkWritable(path, false);
  const others = stats.nlink - 1;
  const notes =
    others > 0 ? [`${file} has ${others} more hard link${others === 1 ? '' : 's'}: they keep the old content`] : [];
  return { path, folder, like: { mode: stats.mode, uid: stats.uid, gid: stats.gid }, notes };
}

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(3, '0');

function followLink(disk: Disk, path: string, file: string, root: string | undefined): string {
  if (lstatOf(disk, path)?.isSymbolicLink() !== true) return path;
  let target: string;
  try {
    target = disk.realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new Problem('refused', 'it is a symbolic link to a file that does not exist', { file });
  }
  if (root === undefined) return target;
  const inside = relative(disk.realpath(root), target);
  if (inside === '..' || inside.startsWith(`..${sep}`))
    throw new Problem('refused', `a symbolic link that leaves ${root}: name its target to change it`, { file });
  return target;
}

function lstatOf(disk: Disk, path: string) {
  try {
    return disk.lstat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The folder must take a new entry: the temporary file and the rename both need that. */
function checkFolder(disk: Disk, folder: string, { file, makeFolder }: Change): void {
  const stats = lstatOf(disk, folder);
  if (stats === undefined) {
    const parent = dirname(folder);
    if (makeFolder === true && parent !== folder) return checkFolder(disk, parent, { file, makeFolder } as Change);
    throw new Problem('file', `there is no folder ${dirname(file)}`, { file });
  }
  if (!stats.isDirectory() && !stats.isSymbolicLink()) throw new Problem('file', `${folder} is not a folder`, { file });
  try {
    disk.checkWritable(folder, true);
  } catch (error) {
    throw new Problem('file', `no permission to write in its folder ${folder} (${codeOf(error)})`, { file }, error);
  }
}

/** What the file will hold. @returns undefined where nothing changes; @throws Problem `changed` */
export function contentOf(
  disk: Disk,
  change: Change,
  { path, like }: FileTarget,
): { readonly before: Buffer | undefined; readonly after: Buffer } | undefined {
  const { file } = change;
  const now = like === undefined ? undefined : disk.read(path);
  if (change.kind === 'create' && now !== undefined)
    throw new Problem('file', 'already exists; nothing was written', { file });
  if (change.kind === 'replace' && (now === undefined || !now.equals(change.before))) throw changedMeanwhile(file);
  const after = change.kind === 'merge' ? change.merge(now) : change.after;
  if (after === undefined) return undefined;
  const bytes = Buffer.from(after as string); // a Buffer is copied, so that no caller changes it afterwards
  return now?.equals(bytes) === true ? undefined : { before: now, after: bytes };
}

export const changedMeanwhile = (file: string) =>
  new Problem('changed', 'the file changed while tagproof worked on it; run again', { file });
