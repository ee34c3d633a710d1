// Queries about what people and policies stated: evidence about digests, holds on workloads, the
// blocklist.
import type { Database, EvidenceRow, HoldRow, Tables } from './schema.ts';

export type EvidenceInterval = Readonly<Omit<EvidenceRow, 'signers'>> & { readonly signers: readonly string[] };
export type Hold = Readonly<HoldRow>;
export type BlockedDigest = Readonly<Tables['blocked']>;

export class Statements {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Evidence about digests, newest first. @param open only what is current */
  async evidence(digests: readonly string[], open = false): Promise<EvidenceInterval[]> {
    if (digests.length === 0) return [];
    let query = this.#db.selectFrom('evidence_interval').selectAll().where('digest', 'in', digests);
    if (open) query = query.where('until', 'is', null);
    return (await query.orderBy('since', 'desc').limit(1000).execute()).map(parsed);
  }

  /** The watcher's current evidence. */
  async openEvidence(): Promise<EvidenceInterval[]> {
    const rows = await this.#db
      .selectFrom('evidence_interval')
      .selectAll()
      .where('until', 'is', null)
      .where('source', '=', 'watcher')
      .execute();
    return rows.map(parsed);
  }

  /** Holds that were not released. */
  holds(): Promise<Hold[]> {
    return this.#db.selectFrom('hold').selectAll().where('until', 'is', null).orderBy('since').execute();
  }

  blocklist(): Promise<BlockedDigest[]> {
    return this.#db.selectFrom('blocked').selectAll().orderBy('since').execute();
  }
}

const parsed = ({ id: _, signers, ...row }: EvidenceRow & { id?: number }): EvidenceInterval => ({
  ...row,
  signers: JSON.parse(signers) as string[],
});
