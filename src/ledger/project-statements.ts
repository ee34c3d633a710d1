// Statements of people and policies → tables: evidence about digests, holds on workloads, the
// blocklist. They are few, so each event is projected by statements of its own.
import type { BlockEvent, Dated, EvidenceEvent, ReleaseEvent, RollbackEvent } from './event.ts';
import type { Database } from './schema.ts';

/** New evidence about a digest ends the open evidence from the same source. */
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
    // An event with an earlier time is older than the open interval and must not end it.
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

/**
 * A hold replaces the previous one on the same container. A release ends all holds of the workload.
 */
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
    // A rollback in files does not know its cluster, so it concerns all of them.
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

/** The first block of a digest counts; a snapshot may repeat it after a later one. */
export async function projectBlocklist(db: Database, batch: readonly Dated<BlockEvent>[]): Promise<void> {
  for (const { event, at } of batch) {
    const { digests, reason, by, since = at } = event;
    if (digests.length === 0) continue;
    await db
      .insertInto('blocked')
      .values(digests.map((digest) => ({ digest, reason, by, since })))
      .onConflict((conflict) =>
        event.since === undefined
          ? conflict.doNothing()
          : conflict.column('digest').doUpdateSet({ reason, by, since }).where('blocked.since', '>', since),
      )
      .execute();
  }
}
