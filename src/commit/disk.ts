// The file system as the commit step uses it: one object, so that a test can put a fault into any single call.
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';

export type Disk = {
  readonly lstat: (path: string) => Stats;
  readonly realpath: (path: string) => string;
  readonly read: (path: string) => Buffer;
  readonly list: (folder: string) => string[];
  /** Throws unless this process may write the file, or add and rename entries in the folder. */
  readonly checkWritable: (path: string, folder: boolean) => void;
  readonly makeFolder: (folder: string) => void;
  /** Creates the file, which must not exist, for writing. */
  readonly openNew: (path: string, mode: number) => number;
  readonly write: (descriptor: number, bytes: Buffer) => number;
  readonly chmod: (descriptor: number, mode: number) => void;
  readonly chown: (descriptor: number, uid: number, gid: number) => void;
  readonly ownerOf: (descriptor: number) => FileOwner;
  readonly fsync: (descriptor: number) => void;
  readonly close: (descriptor: number) => void;
  readonly rename: (from: string, to: string) => void;
  readonly link: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  /** Makes renames in a folder durable. */
  readonly fsyncFolder: (folder: string) => void;
};

export type FileOwner = { readonly uid: number; readonly gid: number };

export const realDisk: Disk = {
  lstat: (path) => lstatSync(path),
  realpath: (path) => realpathSync(path),
  read: (path) => readFileSync(path),
  list: (folder) => readdirSync(folder),
  checkWritable: (path, folder) => accessSync(path, folder ? constants.W_OK | constants.X_OK : constants.W_OK),
  makeFolder: (folder) => void mkdirSync(folder, { recursive: true }),
  openNew: (path, mode) => openSync(path, 'wx', mode),
  write: (descriptor, bytes) => writeSync(descriptor, bytes),
  chmod: (descriptor, mode) => fchmodSync(descriptor, mode),
  chown: (descriptor, uid, gid) => fchownSync(descriptor, uid, gid),
  ownerOf: (descriptor) => fstatSync(descriptor),
  fsync: (descriptor) => fsyncSync(descriptor),
  close: (descriptor) => closeSync(descriptor),
  rename: (from, to) => renameSync(from, to),
  link: (from, to) => linkSync(from, to),
  remove: (path) => rmSync(path, { force: true }),
  fsyncFolder: (folder) => {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
};

export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;
