// Evidence about running images: evaluated once while nothing changes, again when the policy does;
// changes are recorded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, pinnedTo, until, withLedger } from '../../test/watcher-fixtures.ts';
import type { Evaluation } from '../evaluate/evaluate.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Problem } from '../problem.ts';
import { type Evaluator, EvidenceKeeper, type SignerChange } from './evidence.ts';

const image = pinnedTo(`web@${A}`);
const row = { namespace: 'shop', kind: 'Deployment' };
const HOUR = 3_600_000;

type Finding = 'signed' | 'unsigned' | 'unchecked';
const evaluationOf = (finding: Finding): Evaluation => ({
  resolved: new Problem('unreachable', 'unused'),
  evidence: {
    digest: A,
    verdicts: new Map([
      [
        'release',
        finding === 'signed'
          ? { kind: 'verified', by: 'ann', layout: 'bundle', times: [], annotations: {} }
          : { kind: 'unsigned' },
      ],
    ]),
  },
  decision: {
    outcome: finding === 'signed' ? 'allow' : 'deny',
    results: [
      {
        rule: 'r',
        ok: finding === 'signed',
        unchecked: finding === 'unchecked',
        reason: { signed: 'signed by ann', unsigned: 'not signed at all', unchecked: 'the registry is down' }[finding],
      },
    ],
  },
});

function fixture(ledger: Ledger) {
  const state = {
    policy: 'sha256:1',
    finding: 'signed' as Finding,
    evaluations: 0,
    source: async (): Promise<Evaluator | undefined> => ({
      policy: state.policy,
      evaluate: async () => {
        state.evaluations++;
        return evaluationOf(state.finding);
      },
    }),
  };
  const changes: (SignerChange | undefined)[] = [];
  const failures: string[] = [];
  const keeper = new EvidenceKeeper(
    ledger,
    () => state.source(),
    (change) => changes.push(change),
    (problem) => failures.push(problem.message),
  );
  /** Wants the evidence, and waits for the evaluation if there is one. */
  const look = async (now = Date.now()) => {
    const before = changes.length;
    const evaluations = state.evaluations;
    keeper.want(image, row, now);
    await new Promise((resolve) => setImmediate(resolve));
    if (state.evaluations > evaluations) await until('the evaluation', () => changes.length > before);
  };
  const recorded = async () =>
    (await ledger.statements.evidence([A])).map(({ outcome, signers }) => [outcome, signers]);
  return { state, changes, failures, keeper, look, recorded };
}

test(
  'an image is evaluated once, and again a day later, or when the policy changes',
  withLedger(async (ledger) => {
    const { state, keeper, look } = fixture(ledger);
    await keeper.start();
    await look();
    assert.deepEqual([keeper.of(image, row)?.outcome, keeper.of(image, row)?.signers], ['allow', ['release: ann']]);
    await look(Date.now() + 23 * HOUR);
    assert.equal(state.evaluations, 1);
    await look(Date.now() + 25 * HOUR);
    assert.equal(state.evaluations, 2);
    state.policy = 'sha256:2';
    await look();
    assert.equal(state.evaluations, 2, 'a policy counts when it was taken over');
    await keeper.refresh();
    await look();
    assert.equal(state.evaluations, 3);
    assert.equal(keeper.of(image, { ...row, namespace: 'other' }), undefined, 'another namespace has its own');
  }),
);

test(
  'what could not be checked is tried again after a quarter of an hour',
  withLedger(async (ledger) => {
    const { state, keeper, look } = fixture(ledger);
    state.finding = 'unchecked';
    await keeper.start();
    await look();
    assert.equal(keeper.of(image, row)?.outcome, 'open');
    await look(Date.now() + 14 * 60_000);
    assert.equal(state.evaluations, 1);
    await look(Date.now() + 16 * 60_000);
    assert.equal(state.evaluations, 2);
  }),
);

test(
  'a change is reported with what was before, and recorded; the same again is neither',
  withLedger(async (ledger) => {
    const { state, keeper, changes, look, recorded } = fixture(ledger);
    await keeper.start();
    await look();
    assert.equal(changes[0], undefined, 'the first finding is no change');
    await look(Date.now() + 25 * HOUR);
    assert.equal(changes.filter((change) => change !== undefined).length, 0);
    assert.equal(changes.length, 2);
    state.finding = 'unsigned';
    await look(Date.now() + 25 * HOUR);
    assert.deepEqual([changes.at(-1)?.before.outcome, changes.at(-1)?.now.outcome], ['allow', 'deny']);
    assert.deepEqual(await recorded(), [
      ['deny', []],
      ['allow', ['release: ann']],
    ]);
  }),
);

test(
  'a restart records nothing twice, and neither does a second watcher on the same ledger',
  withLedger(async (ledger) => {
    const [first, second] = [fixture(ledger), fixture(ledger)];
    await first.keeper.start();
    await second.keeper.start();
    await first.look();
    await second.look();
    const restarted = fixture(ledger);
    await restarted.keeper.start();
    await restarted.look();
    assert.equal((await first.recorded()).length, 1);
    assert.deepEqual(second.changes, [undefined]);
  }),
);

test(
  'an evaluation that failed is reported, is no finding, and is not repeated for a minute',
  withLedger(async (ledger) => {
    const { state, keeper, failures } = fixture(ledger);
    state.source = async () => ({
      policy: 'p',
      evaluate: () => Promise.reject(new Error(`no ${++state.evaluations}`)),
    });
    await keeper.start();
    keeper.want(image, row);
    await until('the failure', () => failures.length === 1);
    for (let i = 0; i < 20; i++) keeper.want(image, row);
    await keeper.settled();
    assert.equal(state.evaluations, 1);
    assert.equal(keeper.of(image, row), undefined);
    keeper.want(image, row, Date.now() + 61_000);
    await keeper.settled();
    assert.equal(state.evaluations, 2);
  }),
);

test(
  'a policy that cannot be read changes nothing, and is reported once for each reason',
  withLedger(async (ledger) => {
    const { state, keeper, failures, look } = fixture(ledger);
    await keeper.start();
    await look();
    const failing = (message: string) => async () => {
      throw new Error(message);
    };
    for (const message of ['line 3', 'line 3', 'line 4']) {
      state.source = failing(message);
      await keeper.refresh();
    }
    assert.equal(failures.length, 2);
    assert.equal(keeper.hasPolicy, true, 'the rules that were read stay in force');
    assert.equal(keeper.of(image, row)?.outcome, 'allow');
  }),
);

test(
  'without rules nothing is evaluated',
  withLedger(async (ledger) => {
    const { state, keeper } = fixture(ledger);
    state.source = async () => undefined;
    await keeper.start();
    keeper.want(image, row);
    await keeper.settled();
    assert.deepEqual([keeper.hasPolicy, state.evaluations, keeper.of(image, row)], [false, 0, undefined]);
  }),
);

test(
  'two images are evaluated at once, and none of them twice',
  withLedger(async (ledger) => {
    const gate = Promise.withResolvers<void>();
    const { state, keeper, changes } = fixture(ledger);
    let [running, most] = [0, 0];
    state.source = async () => ({
      policy: 'p',
      evaluate: async () => {
        state.evaluations++;
        most = Math.max(most, ++running);
        await gate.promise;
        running--;
        return evaluationOf('signed');
      },
    });
    await keeper.start();
    for (const name of ['web', 'web', 'other', 'third', 'other']) keeper.want(pinnedTo(`${name}@${A}`), row);
    await until('two run', () => running === 2);
    keeper.want(image, row);
    gate.resolve();
    await until('all are known', () => changes.length === 3);
    assert.deepEqual([state.evaluations, most], [3, 2]);
  }),
);
