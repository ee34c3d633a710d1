// What tagproof status says about a row: the state of the tag, the evidence, and the findings that
// decide the exit code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedRow, identifiedAs } from '../../../test/deployed.ts';
import type { DeployedContainer, RunningImage } from '../../inventory/deployed.ts';
import { reportStatus } from './status-report.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B] = [digest('a'), digest('b')];
const signed = { outcome: 'allow' as const, signers: ['release: ann'], reason: 'signed', checked: 0, since: 0 };
const unpullable = { digest: A, served: false, checked: 0 };
const runs = (more: Partial<RunningImage>, row: Partial<DeployedContainer> = {}) =>
  deployedRow('web', A, { running: [identifiedAs(A, { state: 'same' }, more)], ...row });
const textOf = (cell: unknown) => (typeof cell === 'string' ? cell : (cell as { text: string }).text);
const report = (rows: DeployedContainer[], clusters = false, evaluation = true) =>
  reportStatus(rows, { clusters, evaluation });
const cellsOf = (row: DeployedContainer) => (report([row]).sections[0]?.rows[0] ?? []).map(textOf);
const TAG_NOW = 5;
const VERIFIED = 6;

const STATES: readonly [row: DeployedContainer, text: string][] = [
  [runs({}), 'same'],
  [runs({ identity: { state: 'exact' }, image: `registry.test/shop/web:v1@${A}` }), 'pinned'],
  [
    runs({ identity: { state: 'exact' } }, { tag: { name: 'v1', digest: B, since: 0, checked: 0, failure: null } }),
    'pinned, v1 is sha256:bbbbbbbbbbbb now',
  ],
  [runs({ identity: { state: 'moved', now: B } }), 'moved to sha256:bbbbbbbbbbbb'],
  [runs({ identity: { state: 'different', declared: B } }), 'runs something else than sha256:bbbbbbbbbbbb'],
  [runs({ identity: { state: 'unknown', reason: 'no answer' } }), 'not known: no answer'],
  [
    runs(
      { identity: { state: 'unknown', reason: 'its tag is gone' } },
      { tag: { name: 'v1', digest: null, since: 0, checked: 0, failure: null } },
    ),
    'tag gone',
  ],
  [runs({ pullable: unpullable }), 'same, no longer pullable'],
  [runs({}, { missingPlatforms: ['linux/arm64'] }), 'same, no longer for linux/arm64'],
  [deployedRow('web', A, { running: [] }), 'nothing runs'],
];
for (const [row, text] of STATES) test(`tag now: ${text}`, () => assert.equal(cellsOf(row)[TAG_NOW], text));

for (const [evidence, text] of [
  [null, 'not known'],
  [{ ...signed, outcome: 'open', reason: 'no answer' }, 'could not check: no answer'],
  [{ ...signed, outcome: 'deny', reason: 'not signed' }, 'not signed'],
  [{ ...signed, signers: [] }, 'allowed, not signed: signed'],
  [signed, 'release: ann'],
] as const)
  test(`verified: ${text}`, () => assert.equal(cellsOf(runs({ evidence }))[VERIFIED], text));

const FINDINGS: readonly [row: DeployedContainer, findings: string[]][] = [
  [runs({ evidence: signed }, { pinned: 'both' }), []],
  [runs({}), ['unpinned warning']],
  [runs({}, { pinned: 'both', mixed: true }), ['mixed-replicas error']],
  [runs({ pullable: unpullable }, { pinned: 'both' }), ['digest-gone error']],
  [runs({}, { pinned: 'both', missingPlatforms: ['linux/arm64'] }), ['platform-missing error']],
  [runs({}, { pinned: 'both', missingPlatforms: null }), []],
  [runs({ identity: { state: 'moved', now: B } }, { pinned: 'both' }), ['tag-moved warning']],
  [runs({ identity: { state: 'different', declared: B } }, { pinned: 'both' }), ['runs-something-else error']],
  [runs({ evidence: { ...signed, outcome: 'deny' } }, { pinned: 'both' }), ['policy-denied error']],
  [runs({ evidence: { ...signed, outcome: 'warn' } }, { pinned: 'both' }), ['policy-warned warning']],
  [runs({ evidence: { ...signed, outcome: 'open' } }, { pinned: 'both' }), []],
];
for (const [row, findings] of FINDINGS)
  test(`findings: ${findings.join(', ') || 'none'}`, () =>
    assert.deepEqual(
      report([row]).findings.map(({ rule, level }) => `${rule} ${level}`),
      findings,
    ));

test('the summary counts, and what is not known is counted as such', () => {
  const rows = [
    runs({ evidence: signed }, { pinned: 'both' }),
    deployedRow('idle', A, { running: [] }),
    runs({ pullable: unpullable }),
  ];
  assert.deepEqual(report(rows).summary, [
    '3 containers, 1 pinned, 1 verified, 0 whose tag has moved, 0 with mixed replicas, 1 no longer pullable, 1 not known',
  ]);
  assert.doesNotMatch(report(rows, false, false).summary[0] ?? '', /verified/, 'no policy was evaluated');
});

test('rows are sorted, name their cluster where there are several, and have a line for each digest', () => {
  const two = deployedRow('b', A, {
    running: [
      identifiedAs(A, { state: 'same' }),
      identifiedAs(B, { state: 'moved', now: A }, { pods: 1, nodes: ['n1'] }),
    ],
  });
  const [section] = report([two, deployedRow('a', A, { type: 'init' })], true).sections;
  assert.deepEqual(
    section?.rows.map((cells) =>
      cells
        .slice(0, 2)
        .concat(cells[4] ?? '')
        .map(textOf),
    ),
    [
      ['prod: shop/Deployment/a', 'main (init)', '3 on 2 nodes'],
      ['prod: shop/Deployment/b', 'main', '3 on 2 nodes'],
      ['', '', '1 on 1 node'],
    ],
  );
  assert.deepEqual(report([]).sections, []);
});
