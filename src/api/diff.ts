// How two digests differ, by what the ledger has of them: their registries are not asked, and may have forgotten one.

import { comparable, compareFacts, compareSets, type Difference } from '../inventory/image-facts.ts';
import type { Ledger } from '../ledger/ledger.ts';

export type Diff = {
  readonly from: string;
  readonly to: string;
  /** Undefined: one of the two was never read. */
  readonly platform: string | undefined;
  readonly differences: readonly Difference[];
  /** Where the commits between them can be read, if the images say so and it is a host that shows such. */
  readonly commits: string | undefined;
  readonly signers: { readonly from: readonly string[] | null; readonly to: readonly string[] | null };
};

export async function diffOf(ledger: Ledger, from: string, to: string): Promise<Diff> {
  const [a, b] = await Promise.all([ledger.images(from), ledger.images(to)]);
  const evidence = await ledger.statements.evidence([from, to], true);
  const signersOf = (digest: string) => evidence.find((row) => row.digest === digest)?.signers ?? null;
  const signers = { from: signersOf(from), to: signersOf(to) };
  const pair = comparable(a, b);
  if (pair === undefined) return { from, to, platform: undefined, differences: [], commits: undefined, signers };
  const platforms = [a, b].map((images) => images.map(({ platform }) => platform));
  const differences = [...compareSets('platform', platforms[0] ?? [], platforms[1] ?? []), ...compareFacts(...pair)];
  const labels = pair.map((image) => image.labels);
  return { from, to, platform: pair[1].platform, differences, commits: commitsOf(labels[0], labels[1]), signers };
}

type Labels = Readonly<Record<string, string>>;
const SOURCE = 'org.opencontainers.image.source';
const REVISION = 'org.opencontainers.image.revision';

/** Only for sources on github.com: whatever else a label says is no address that we would show as one. */
function commitsOf(from: Labels = {}, to: Labels = {}): string | undefined {
  const [, project] = /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(to[SOURCE] ?? '') ?? [];
  const [a, b] = [from[REVISION], to[REVISION]];
  const isCommit = (text: string | undefined) => text !== undefined && /^[0-9a-f]{7,40}$/.test(text);
  if (project === undefined || a === b || !isCommit(a) || !isCommit(b)) return undefined;
  return `https://github.com/${project}/compare/${a}...${b}`;
}
