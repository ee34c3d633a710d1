// The blocklist: what must never run again. It is in tagproof.yaml, for CI and the webhook, or at once in the cluster.
import type { Change } from '../../commit/change.ts';
import { IMAGE_POLICY, resourceOf } from '../../install/crds.ts';
import type { KubeClient } from '../../kube/client.ts';
import { pathOf } from '../../kube/object.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Blocked } from '../../policy/config.ts';
import { parseConfig } from '../../policy/config-file.ts';
import { VERSION } from '../../policy/object.ts';
import { asProblem, Problem } from '../../problem.ts';

/** The index and each manifest of an image: any of them may be pulled. Nobody pulls a configuration. */
export async function pullableDigests(ledger: Ledger, digest: string): Promise<string[]> {
  const members = (await ledger.closure(digest)) ?? [];
  return [...new Set([digest, ...members.filter(({ role }) => role !== 'config').map(({ member }) => member)])];
}

/** All digests of the image that this one belongs to. */
export async function closureDigests(ledger: Ledger, digest: string): Promise<readonly string[]> {
  return (await ledger.where(digest)).digests;
}

/** Adds to the list under `blocked:`; every other byte stays. A file that does not exist begins with it. */
export function blockChange(file: string, top: string, blocked: readonly Blocked[]): Change {
  return {
    kind: 'merge',
    file,
    root: top,
    merge: (now) => {
      const before = now?.toString('utf8') ?? '';
      const known = digestsIn(before === '' ? {} : parseConfig(before, file));
      const lines = blocked
        .filter(({ digest }) => !known.has(digest))
        .map((item) => `  - ${JSON.stringify(item)}\n`)
        .join('');
      if (lines === '') return undefined;
      const after = insert(before, lines);
      // The file is read again, because it may hold any YAML: what it says then must be what was meant.
      const digests = digestsIn(parsed(after, file));
      if (blocked.some(({ digest }) => !digests.has(digest)))
        throw new Problem('refused', `write these under blocked: by hand:\n${lines}`, { file });
      return after;
    },
  };
}

const digestsIn = ({ blocked = [] }: { readonly blocked?: readonly Blocked[] | undefined }) =>
  new Set(blocked.map(({ digest }) => digest));

function parsed(text: string, file: string) {
  try {
    return parseConfig(text, file);
  } catch (error) {
    throw new Problem(
      'refused',
      `blocked: is written there in a form that cannot be added to: ${asProblem(error, 'syntax').message}`,
      { file },
    );
  }
}

/** After the last entry of the list, or as a list of its own at the end. An empty list in flow style gives way. */
function insert(text: string, lines: string): string {
  const head = /^blocked:[ \t]*(?:\[[ \t]*\][ \t]*)?(#.*)?(?:\r?\n|$)/m.exec(text);
  if (head === null) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}blocked:\n${lines}`;
  const start = head.index + head[0].length;
  if (head[0].includes('[') || !head[0].endsWith('\n'))
    return `${text.slice(0, head.index)}blocked:${head[1] === undefined ? '' : ` ${head[1]}`}\n${lines}${text.slice(start)}`;
  const block = /^(?:(?:[ \t]+.*|#.*|-.*|)(?:\r?\n|$))*/.exec(text.slice(start))?.[0] ?? '';
  // A comment after the last entry may belong to what follows.
  const last = [...block.matchAll(/^(?:[ \t]+\S.*|-.*)$/gm)].at(-1);
  const end = start + (last === undefined ? 0 : last.index + last[0].trimEnd().length);
  const indent = /^([ \t]*)- /m.exec(block)?.[1] ?? '  ';
  const indented = lines.replaceAll(/^ {2}/gm, indent);
  if (last === undefined) return `${text.slice(0, start)}${indented}${text.slice(start)}`;
  return `${text.slice(0, end)}\n${indented.trimEnd()}${text.slice(end)}`;
}

const NAME = 'tagproof-blocklist';

/**
 * Into a policy object of its own, which the webhook reads.
 * @param dryRun the API server tries it, and nothing is changed
 * @returns false: the cluster has no such kind
 */
export async function blockInCluster(
  kube: Pick<KubeClient, 'find' | 'create' | 'patch'>,
  blocked: readonly Blocked[],
  dryRun: boolean,
): Promise<boolean> {
  const path = pathOf(resourceOf(IMAGE_POLICY));
  const query = dryRun ? '?dryRun=All' : '';
  try {
    const before = await kube.find(`${path}/${NAME}`);
    if (before === undefined) {
      const object = { apiVersion: VERSION, kind: IMAGE_POLICY.kind, metadata: { name: NAME }, spec: { blocked } };
      await kube.create(path + query, object);
      return true;
    }
    const others = ((before['spec'] as { blocked?: Blocked[] } | undefined)?.blocked ?? []).filter(
      ({ digest }) => !blocked.some((item) => item.digest === digest),
    );
    const patch = {
      metadata: { resourceVersion: before.metadata?.resourceVersion },
      spec: { blocked: [...others, ...blocked] },
    };
    await kube.patch(`${path}/${NAME}${query}`, 'merge', patch);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return false;
    throw error;
  }
}
