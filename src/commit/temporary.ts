// Temporary files: how they are named, filled, and removed when the process that made them was killed.
import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { codeOf, type Disk, type FileOwner } from './disk.ts';

/** The longest part of a file's name that its temporary carries: with the rest it stays below 255 bytes. */
const MAX_NAME = 180;
/** A temporary of another machine, or of an older tagproof, whose process cannot be asked: it is old enough when, in ms. */
const FOREIGN_AGE_MS = 60 * 60 * 1000;

/**
 * Process ids mean something only inside one process namespace of one machine. Two containers that share a
 * folder both have a process 7, and the name says whose it is.
 */
function processNamespace(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: the host name alone tells machines apart.
  }
  return createHash('sha256').update(`${hostname()}\n${namespace}`).digest('hex').slice(0, 8);
}

const OWN = processNamespace();
/** `.NAME.<namespace>-<process id>-<random>.tagproof`; before, there was only the random part. */
const PATTERN = /^\..+\.(?:([0-9a-f]{8})-(\d{1,10})-)?[0-9a-f]{12}\.tagproof$/;

/** A name beside the target, because rename is atomic only within one file system. */
export function temporaryFor(target: string): string {
  const name = Buffer.from(basename(target)).subarray(0, MAX_NAME).toString('utf8').replaceAll('\ufffd', '');
  return join(dirname(target), `.${name}.${OWN}-${process.pid}-${randomBytes(6).toString('hex')}.tagproof`);
}

export type FileContent = {
  readonly bytes: Buffer;
  /** Of the file that is replaced; undefined: a new file, with the mode that the umask gives. */
  readonly like?: FileOwner & { readonly mode: number };
};

/**
 * Fills a temporary file and makes it durable, with the mode and owner of the file that it will replace.
 * @returns what could not be kept, in words
 */
export function fillTemporary(disk: Disk, path: string, { bytes, like }: FileContent): string[] {
  const descriptor = disk.openNew(path, like === undefined ? 0o666 : like.mode & 0o700);
  try {
    for (let at = 0; at < bytes.length; ) at += disk.write(descriptor, bytes.subarray(at));
    const lost = like === undefined ? [] : keepOwner(disk, descriptor, like);
    // After chown, which clears set-user-id.
    if (like !== undefined) disk.chmod(descriptor, like.mode & 0o7777);
    disk.fsync(descriptor);
    return lost;
  } finally {
    disk.close(descriptor);
  }
}

function keepOwner(disk: Disk, descriptor: number, like: FileOwner): string[] {
  const now = disk.ownerOf(descriptor);
  if (now.uid === like.uid && now.gid === like.gid) return [];
  try {
    disk.chown(descriptor, like.uid, like.gid);
    return [];
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
  }
  return [`its owner was ${like.uid}:${like.gid} and is now ${now.uid}:${now.gid}: only root can keep it`];
}

/**
 * Removes temporaries that a killed process left in a folder. One whose process is alive stays: it is about to
 * be renamed. @returns the names of those that were removed
 */
export function sweepLeftovers(disk: Disk, folder: string, now = Date.now()): string[] {
  const removed: string[] = [];
  for (const name of disk.list(folder)) {
    const [match, namespace, pid] = PATTERN.exec(name) ?? [];
    if (match === undefined) continue;
    const path = join(folder, name);
    try {
      const stats = disk.lstat(path);
      if (!stats.isFile()) continue;
      const abandoned = namespace === OWN ? !isAlive(Number(pid)) : now - stats.mtimeMs > FOREIGN_AGE_MS;
      if (!abandoned) continue;
      disk.remove(path);
      removed.push(name);
    } catch {
      // Another process removed it first, or it is not ours to remove: it harms nothing where it is.
    }
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH'; // EPERM: it lives and belongs to someone else
  }
}
