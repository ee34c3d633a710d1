// What people and policies said, drawn into tables: evidence about digests, holds on workloads, digests that must never run again. These come
// by the handful, one after the other.

import type { BlockEvent, Dated, EvidenceEvent, ReleaseEvent, RollbackEvent } from './event.ts';
import type { Database } from './schema.ts';

export async function projectEvidence(db: Database, batch: readonly Dated<EvidenceEvent>[]): Promise<void> {
  for (const { event, at } of batch) {
    const { registry, repository, digest, outcome, signers, reason, policy, source, since = at, until = null } = event;
    const open = () =>
      db
        .selectFrom('evidence_interval')
        .select('id')
        .where('registry', '=', registry)
        .where('repository', '=', repository)
        .where('digest', '=', digest)
        .where('source', '=', source)
        .where('until', 'is', null);
    // What is carried is older than what is open.
    if (event.since !== undefined && until === null && (await open().executeTakeFirst()) !== undefined) continue;
    if (until === null)
      await db.updateTable('evidence_interval').set({ until: since }).where('id', 'in', open()).execute();
    const row = { registry, repository, digest, outcome, signers: JSON.stringify(signers), reason, policy, source };
    await db
      .insertInto('evidence_interval')
      .values({ ...row, since, until })
      .execute();
  }
}

/** A hold replaces the one before on the same container; a release ends all of the workload. */
export async function projectHolds(db: Database, batch: readonly Dated<RollbackEvent | ReleaseEvent>[]): Promise<void> {
  for (const { event, at } of batch) {
    const { namespace, workload, cluster } = event;
    const since = event.kind === 'rollback' ? (event.since ?? at) : at;
    let end = db
      .updateTable('hold')
      .set({ until: since })
      .where('namespace', '=', namespace)
      .where('kind', '=', workload.kind)
      .where('name', '=', workload.name)
      .where('until', 'is', null);
    // A change of files does not know its cluster: it speaks for all of them.
    if (cluster !== null) end = end.where((eb) => eb.or([eb('cluster', '=', cluster), eb('cluster', 'is', null)]));
    if (event.kind === 'release') {
      await end.execute();
      continue;
    }
    const { container, image, digest, reason, by, until = null } = event;
    if (until === null) await end.where('container', '=', container).execute();
    await db
      .insertInto('hold')
      .values({ cluster, namespace, ...workload, container, image, digest, reason, by, since, until })
      .execute();
  }
}

export async function projectBlocklist(db: Database, batch: readonly Dated<BlockEvent>[]): Promise<void> {
  const rows = batch.flatMap(({ event: { digests, reason, by }, at }) =>
    digests.map((digest) => ({ digest, reason, by, since: at })),
  );
  if (rows.length > 0)
    await db
      .insertInto('blocked')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
}
