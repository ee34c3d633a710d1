// Events, times and rows that the ledger's tests share.
import type {
  BlockEvent,
  ClosureEvent,
  EvidenceEvent,
  LedgerEntry,
  ReleaseEvent,
  RollbackEvent,
  RunEvent,
  TagEvent,
} from '../../src/ledger/event.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';

/** Opens an empty ledger. */
export type Open = () => Promise<Ledger>;
/** Runs a statement on a ledger's database, past the ledger. */
export type Tamper = (ledger: Ledger, statement: string) => Promise<void>;

export const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
export const [A, B, C, D] = ['a', 'b', 'c', 'd'].map(digestOf) as [string, string, string, string];

export const START = Date.UTC(2026, 10, 24, 12);
export const at = (seconds: number) => new Date(START + seconds * 1000);
export const iso = (seconds: number) => at(seconds).toISOString();

export const tag = (digest: string | null, more: Partial<TagEvent> = {}): TagEvent => ({
  kind: 'tag',
  registry: 'docker.io',
  repository: 'library/nginx',
  tag: '1.27',
  digest,
  source: 'poll',
  ...more,
});

export const run = (digest: string, pods: number, more: Partial<RunEvent> = {}): RunEvent => ({
  kind: 'run',
  cluster: 'prod',
  namespace: 'shop',
  workload: { kind: 'Deployment', name: 'web' },
  container: 'c',
  type: 'container',
  image: 'nginx:1.27',
  digest,
  pods,
  ...more,
});

export const evidence = (
  outcome: EvidenceEvent['outcome'],
  signers: string[] = [],
  more: Partial<EvidenceEvent> = {},
): EvidenceEvent => ({
  kind: 'evidence',
  registry: 'docker.io',
  repository: 'library/nginx',
  digest: A,
  outcome,
  signers,
  reason: 'because',
  policy: 'sha256:p',
  source: 'watcher',
  ...more,
});

export const rollback = (more: Partial<RollbackEvent> = {}): RollbackEvent => ({
  kind: 'rollback',
  cluster: 'prod',
  namespace: 'shop',
  workload: { kind: 'Deployment', name: 'web' },
  container: 'c',
  image: `nginx:1.27@${A}`,
  digest: A,
  reason: 'v2 leaks',
  by: 'ann',
  way: 'files',
  ...more,
});

export const release = (cluster: string | null = 'prod'): ReleaseEvent => ({
  kind: 'release',
  cluster,
  namespace: 'shop',
  workload: { kind: 'Deployment', name: 'web' },
  by: 'ann',
});

export const block = (digests: readonly string[], reason = 'evil', by = 'ann'): BlockEvent => ({
  kind: 'block',
  digests,
  reason,
  by,
});

/** A closure of one manifest, or of an index with its manifests. */
export const closure = (root: string, ...manifests: string[]): ClosureEvent => ({
  kind: 'closure',
  root,
  members: [
    { digest: root, role: manifests.length === 0 ? 'manifest' : 'index' },
    ...manifests.map((digest) => ({ digest, role: 'manifest' as const, platform: 'linux/amd64' })),
  ],
  images: [
    {
      platform: 'linux/amd64',
      entrypoint: `/${root.slice(7, 9)}`,
      cmd: '',
      user: '',
      workingDir: '',
      env: { PORT: '0123456789ab' },
      labels: {},
      layers: [[C, 7]],
    },
  ],
});

export async function entriesOf(ledger: Ledger): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for await (const entry of ledger.entries()) entries.push(entry);
  return entries;
}

/** A ledger that has only the journal of another one, projected anew in batches. */
export async function replayed(open: Open, ledger: Ledger, batch = 1000): Promise<Ledger> {
  const copy = await open();
  const [entries, base] = [await entriesOf(ledger), await ledger.base()];
  for (let i = 0; i < entries.length; i += batch) await copy.restore(entries.slice(i, i + batch), base);
  return copy;
}

/** Closes the ledgers after a check, whether it passes or not. */
export async function closing<T>(ledgers: readonly Ledger[], check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } finally {
    for (const ledger of ledgers) await ledger.close();
  }
}
