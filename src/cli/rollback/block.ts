// What must never run again: kept in the ledger, and blocked where images are let in: in tagproof.yaml for CI and the webhook, or at once in
// the cluster.
import { existsSync, readFileSync } from 'node:fs';
import { IMAGE_POLICY, resourceOf } from '../../install/crds.ts';
import type { KubeClient } from '../../kube/client.ts';
import { pathOf } from '../../kube/object.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Blocked } from '../../policy/config.ts';
import { parseConfig } from '../../policy/config-file.ts';
import { VERSION } from '../../policy/object.ts';
import { asProblem, Problem } from '../../problem.ts';
import { writeLock as writeWhole } from '../pin/pin-lock.ts';

/** By which a policy may be asked: the index and each manifest of an image. What nodes call a configuration nobody pulls. */
export async function pullableDigests(ledger: Ledger, digest: string): Promise<string[]> {
  const members = (await ledger.closure(digest)) ?? [];
  return [...new Set([digest, ...members.filter(({ role }) => role !== 'config').map(({ member }) => member)])];
}

/** Everything that may be meant by a digest: all of an image that it belongs to. */
export async function closureDigests(ledger: Ledger, digest: string): Promise<readonly string[]> {
  return (await ledger.where(digest)).digests;
}

/** Adds to the list under `blocked:`, byte for byte what stands there otherwise; a file that there is not begins with it. */
export function blockInFile(file: string, blocked: readonly Blocked[]): void {
  if (blocked.length === 0) return;
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const known = new Set((before === '' ? [] : (parseConfig(before, file).blocked ?? [])).map(({ digest }) => digest));
  const lines = blocked
    .filter(({ digest }) => !known.has(digest))
    .map((item) => `  - ${JSON.stringify(item)}\n`)
    .join('');
  if (lines === '') return;
  const after = insert(before, lines);
  // What was written must say what was meant, whatever stood there.
  const digests = new Set((parsed(after, file).blocked ?? []).map(({ digest }) => digest));
  if (blocked.some(({ digest }) => !digests.has(digest)))
    throw new Problem('refused', `write these under blocked: by hand:\n${lines}`, { file });
  writeWhole(file, after, before === '' ? undefined : Buffer.from(before));
}

function parsed(text: string, file: string) {
  try {
    return parseConfig(text, file);
  } catch (error) {
    throw new Problem(
      'refused',
      `blocked: stands there in a form that cannot be added to: ${asProblem(error, 'syntax').message}`,
      { file },
    );
  }
}

/** Behind the last line of the block list, or as a list of its own at the end. */
function insert(text: string, lines: string): string {
  const head = /^blocked:[ \t]*(#.*)?\r?\n/m.exec(text);
  if (head === null) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}blocked:\n${lines}`;
  const start = head.index + head[0].length;
  const block = /^(?:(?:[ \t]+.*|#.*|-.*|)(?:\r?\n|$))*/.exec(text.slice(start))?.[0] ?? '';
  // Comments behind it may belong to what follows.
  const last = [...block.matchAll(/^(?:[ \t]+\S.*|-.*)$/gm)].at(-1);
  const end = start + (last === undefined ? 0 : last.index + last[0].trimEnd().length);
  const indent = /^([ \t]*)- /m.exec(block)?.[1] ?? '  ';
  const own = lines.replaceAll(/^ {2}/gm, indent);
  if (last === undefined) return `${text.slice(0, start)}${own}${text.slice(start)}`;
  return `${text.slice(0, end)}\n${own.trimEnd()}${text.slice(end)}`;
}

const NAME = 'tagproof-blocklist';

/** Into a policy object of its own, at which the webhook looks. @returns false: the cluster has no such kind */
export async function blockInCluster(kube: KubeClient, blocked: readonly Blocked[]): Promise<boolean> {
  const path = pathOf(resourceOf(IMAGE_POLICY));
  try {
    const before = await kube.find(`${path}/${NAME}`);
    if (before === undefined) {
      const object = { apiVersion: VERSION, kind: IMAGE_POLICY.kind, metadata: { name: NAME }, spec: { blocked } };
      await kube.create(path, object);
      return true;
    }
    const kept = ((before['spec'] as { blocked?: Blocked[] } | undefined)?.blocked ?? []).filter(
      ({ digest }) => !blocked.some((item) => item.digest === digest),
    );
    const patch = {
      metadata: { resourceVersion: before.metadata?.resourceVersion },
      spec: { blocked: [...kept, ...blocked] },
    };
    await kube.patch(`${path}/${NAME}`, 'merge', patch);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return false;
    throw error;
  }
}
