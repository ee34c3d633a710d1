// Admitted images and their evidence are recorded once, in batches, and reviews never wait for the
// ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/until.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openLedger } from '../ledger/open.ts';
import type { Admission } from './admit.ts';
import { AdmissionRecorder } from './record-admitted.ts';

/** The recorder's pause between two writes. */
const PAUSE_MS = 2000;
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

test('an admitted image is recorded once while its evidence is unchanged; a denied image is not', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const ledger = await openLedger(':memory:');
  const admitted = new AdmissionRecorder(async () => ledger, assert.fail);
  for (let i = 0; i < 1000; i++) admitted.take(admission(true, 'ann'), 'sha256:p');
  admitted.take(admission(false, 'eve'), 'sha256:p');
  admitted.take(admission(true, 'eve', null), 'sha256:p');
  let rows: { signers: readonly string[]; source: string }[] = [];
  t.mock.timers.tick(PAUSE_MS);
  t.mock.timers.reset();
  await until(async () => {
    rows = await ledger.statements.evidence([A]);
    return rows.length > 0;
  });
  assert.deepEqual(
    rows.map(({ signers, source }) => [signers, source]),
    [[['release: ann'], 'admission']],
  );
  assert.equal((await ledger.verify()).count, 1);
  assert.deepEqual(await ledger.statements.openEvidence(), [], 'the watcher verifies by itself');
  await admitted.stop();
});

test('a ledger that does not answer blocks no review; when it answers, waiting records are written', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stored = await openLedger(':memory:');
  let reachable = false;
  let [dropped, attempts] = [0, 0];
  const admitted = new AdmissionRecorder(
    async (): Promise<Ledger> => {
      attempts++;
      if (!reachable) throw new Error('connection refused');
      return stored;
    },
    () => dropped++,
  );
  admitted.take(admission(true, 'ann'), 'sha256:p');
  t.mock.timers.tick(PAUSE_MS);
  await new Promise((resolve) => setImmediate(resolve)); // the first attempt has failed, and the next one waits
  assert.equal(attempts, 1);
  reachable = true;
  for (let i = 0; i < 6000; i++)
    admitted.take(admission(true, 'ann', `sha256:${String(i).padStart(64, '0')}`), 'sha256:p');
  t.mock.timers.tick(PAUSE_MS);
  t.mock.timers.reset();
  await until(async () => (await stored.verify()).count > 0);
  assert.equal((await stored.verify()).count, 5000);
  assert.equal(dropped, 1001, 'bounded, and counted');
  await admitted.stop();
});
