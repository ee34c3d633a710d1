// A copy of a tree in a temporary place, for programs that read whole trees: nothing of it is written back, and it is removed with the
// run, also when the process ends early.
import {
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { Problem } from '../problem.ts';

/** What no kustomization and no chart reads. */
const LEFT_OUT = new Set(['.git', 'node_modules']);
export const MAX_FILES = 100_000;
export const MAX_BYTES = 1024 * 1024 * 1024;

export type TreeCopy = {
  /** The tree, absolute. */
  readonly folder: string;
  /** An empty folder beside it, as home and for temporary files of the programs. */
  readonly home: string;
  /** Files of the tree, relative to it; links are none. */
  readonly files: readonly string[];
  readonly remove: () => void;
};

export type CopyBounds = { readonly files: number; readonly bytes: number };

/**
 * Links are kept where they lead inside the tree. Sockets and the like are left out.
 * @throws Problem `limit` for a tree above the bounds; then nothing is left behind
 */
export function copyTree(top: string, bounds: CopyBounds = { files: MAX_FILES, bytes: MAX_BYTES }): TreeCopy {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'tagproof-prove-')));
  const remove = () => {
    process.off('exit', remove).off('SIGHUP', hangUp);
    rmSync(base, { recursive: true, force: true });
  };
  // SIGINT and SIGTERM end the run in order; this one would end it at once.
  const hangUp = () => process.exit(129);
  process.once('exit', remove).once('SIGHUP', hangUp);
  const [folder, home] = [join(base, 'tree'), join(base, 'home')];
  try {
    mkdirSync(home);
    const files: string[] = [];
    let size = 0;
    const copy = (path: string) => {
      mkdirSync(join(folder, path));
      for (const entry of readdirSync(join(top, path), { withFileTypes: true })) {
        const inside = join(path, entry.name);
        const from = join(top, inside);
        if (LEFT_OUT.has(entry.name)) continue;
        if (entry.isDirectory()) copy(inside);
        else if (entry.isSymbolicLink()) copyLink(top, folder, inside);
        else if (entry.isFile()) {
          files.push(inside.replaceAll(sep, '/'));
          size += lstatSync(from).size;
          if (files.length > bounds.files || size > bounds.bytes)
            throw new Problem('limit', `the tree has more than ${bounds.files} files or ${bounds.bytes} bytes`);
          copyFileSync(from, join(folder, inside), constants.COPYFILE_FICLONE);
        }
      }
    };
    copy('');
    return { folder, home, files, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function copyLink(top: string, folder: string, path: string): void {
  const target = readlinkSync(join(top, path));
  const inside = relative(top, resolve(dirname(join(top, path)), target));
  if (inside.startsWith('..') || isAbsolute(inside)) return;
  symlinkSync(relative(dirname(join(folder, path)), join(folder, inside)) || '.', join(folder, path));
}

/**
 * Writes one file of the copy.
 * @param before what it must hold: another content means that the tree changed since it was searched
 */
export function replaceInCopy(copy: TreeCopy, path: string, before: Buffer, after: Buffer): void {
  const target = join(copy.folder, path);
  if (!readFileSync(target).equals(before))
    throw new Problem('changed', 'the file changed while tagproof worked on it; run again', { file: path });
  rmSync(target);
  writeFileSync(target, after);
}
