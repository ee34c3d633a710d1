// Admitted images and their evidence are recorded once, in batches, and reviews never wait for the
// ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ledger } from '../ledger/ledger.ts';
import { openLedger } from '../ledger/open.ts';
import type { Admission } from './admit.ts';
import { AdmissionRecorder } from './record-admitted.ts';

const A = `sha256:${'a'.repeat(64)}`;
const admission = (allowed: boolean, by: string, digest: string | null = A): Admission => ({
  answer: { allowed },
  decisions: [
    {
      image: 'web:v1',
      ...(digest !== null && { digest }),
      decision: {
        outcome: 'allow',
        results: [{ rule: 'r', ok: true, unchecked: false, reason: `signed by ${by}` }],
      },
      evidence: {
        digest: A,
        verdicts: new Map([['release', { kind: 'verified', by, layout: 'bundle', times: [], annotations: {} }]]),
      },
    },
  ],
});

test('an admitted image is recorded once while its evidence is unchanged; a denied image is not', async () => {
  const ledger = await openLedger(':memory:');
  const admitted = new AdmissionRecorder(async () => ledger, assert.fail);
  for (let i = 0; i < 1000; i++) admitted.take(admission(true, 'ann'), 'sha256:p');
  admitted.take(admission(false, 'eve'), 'sha256:p');
  admitted.take(admission(true, 'eve', null), 'sha256:p');
  let rows: { signers: readonly string[]; source: string }[] = [];
  for (let i = 0; rows.length === 0 && i < 100; i++) {
    await new Promise((wait) => setTimeout(wait, 50));
    rows = await ledger.statements.evidence([A]);
  }
  assert.deepEqual(
    rows.map(({ signers, source }) => [signers, source]),
    [[['release: ann'], 'admission']],
  );
  assert.equal((await ledger.verify()).count, 1);
  assert.deepEqual(await ledger.statements.openEvidence(), [], 'the watcher verifies by itself');
  await admitted.stop();
});

test('a ledger that does not answer blocks no review; when it answers, waiting records are written', async () => {
  const stored = await openLedger(':memory:');
  let reachable = false;
  let dropped = 0;
  const admitted = new AdmissionRecorder(
    async (): Promise<Ledger> => {
      if (!reachable) throw new Error('connection refused');
      return stored;
    },
    () => dropped++,
  );
  admitted.take(admission(true, 'ann'), 'sha256:p');
  await new Promise((wait) => setTimeout(wait, 2100));
  reachable = true;
  for (let i = 0; i < 6000; i++)
    admitted.take(admission(true, 'ann', `sha256:${String(i).padStart(64, '0')}`), 'sha256:p');
  for (let i = 0; (await stored.verify()).count === 0 && i < 100; i++)
    await new Promise((wait) => setTimeout(wait, 50));
  assert.equal((await stored.verify()).count, 5000);
  assert.equal(dropped, 1001, 'bounded, and counted');
  await admitted.stop();
});
