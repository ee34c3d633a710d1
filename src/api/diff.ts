// How two digests differ, from what the ledger has of them: a registry may no longer have one of
// them, so none is asked.

import { comparable, compareFacts, compareSets } from '../inventory/image-facts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ApiAnswer } from './answers.ts';

export async function diffOf(ledger: Ledger, from: string, to: string): Promise<ApiAnswer<'/api/v1/diff'>> {
  const [before, after] = await Promise.all([ledger.images(from), ledger.images(to)]);
  const evidence = await ledger.statements.evidence([from, to], true);
  const signersOf = (digest: string) => evidence.find((row) => row.digest === digest)?.signers ?? null;
  const signers = { from: signersOf(from), to: signersOf(to) };
  const pair = comparable(before, after);
  if (pair === undefined) return { from, to, differences: [], signers };
  const platformsOf = (images: typeof before) => images.map(({ platform }) => platform);
  const differences = [...compareSets('platform', platformsOf(before), platformsOf(after)), ...compareFacts(...pair)];
  const commits = commitsOf(pair[0].labels, pair[1].labels);
  return { from, to, platform: pair[1].platform, differences, commits, signers };
}

type Labels = Readonly<Record<string, string>>;
const SOURCE = 'org.opencontainers.image.source';
const REVISION = 'org.opencontainers.image.revision';

/**
 * Only for sources on github.com: labels are text of strangers, and the dashboard shows this
 * address as a link.
 */
function commitsOf(from: Labels = {}, to: Labels = {}): string | undefined {
  const [, project] = /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(to[SOURCE] ?? '') ?? [];
  const [a, b] = [from[REVISION], to[REVISION]];
  const isCommit = (text: string | undefined) => text !== undefined && /^[0-9a-f]{7,40}$/.test(text);
  if (project === undefined || a === b || !isCommit(a) || !isCommit(b)) return undefined;
  return `https://github.com/${project}/compare/${a}...${b}`;
}
