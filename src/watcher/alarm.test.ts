// Which alarms fire, with which code and severity: the table is the specification.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deployedRow, identifiedAs } from '../../test/deployed.ts';
import { A, B } from '../../test/watcher-fixtures.ts';
import type { DeployedContainer, EvidenceSummary, RunningImage } from '../inventory/deployed.ts';
import { ALARM_CODES, type AlarmCode } from '../policy/alarm-codes.ts';
import { alarmOfMove, alarmOfSigners, firingAlarms } from './alarm.ts';

const evidence = (outcome: EvidenceSummary['outcome']): EvidenceSummary => ({
  outcome,
  signers: [],
  reason: 'because',
  checked: 0,
  since: 0,
});
const row = (seen: Partial<RunningImage>, more: Partial<DeployedContainer> = {}) =>
  deployedRow('web', A, { pinned: 'both', running: [identifiedAs(A, { state: 'exact' }, seen)], ...more });
const hold = { digest: B, reason: 'v2 leaks', by: 'ann', since: '2026-11-24T00:00:00Z' };

test('each fault of a container is one alarm; what is in order or unknown is none', () => {
  const cases: [name: string, row: DeployedContainer, evaluation: boolean, codes: string[]][] = [
    ['in order', row({ evidence: evidence('allow'), pullable: { digest: A, served: true, checked: 0 } }), true, []],
    ['not checked yet', row({}), true, []],
    ['declared by a tag', row({}, { pinned: 'tag' }), false, ['unpinned']],
    ['mixed', row({}, { mixed: true }), false, ['mixed-replicas']],
    [
      'its tag is gone',
      row({}, { tag: { name: 'v1', digest: null, since: 0, checked: 0, failure: null } }),
      false,
      ['tag-gone'],
    ],
    ['gone', row({ pullable: { digest: A, served: false, checked: 0 } }), false, ['digest-gone']],
    [
      'its tag moved away',
      row({ identity: { state: 'moved', now: B } }, { pinned: 'tag' }),
      false,
      ['unpinned', 'digest-going'],
    ],
    ['another image', row({ identity: { state: 'different', declared: B } }), false, ['runs-something-else']],
    ['unknown', row({ identity: { state: 'unknown', reason: 'r' } }), false, []],
    ['on the blocklist', row({ blocked: 'it leaks' }), false, ['blocked-image']],
    ['held elsewhere', row({ pullable: { digest: A, served: true, checked: 0 } }, { hold }), false, ['hold-broken']],
    ['held here', row({ pullable: { digest: B, served: true, checked: 0 } }, { hold }), false, []],
    ['denied', row({ evidence: evidence('deny') }), true, ['denied']],
    ['not checked', row({ evidence: evidence('open') }), true, ['unverified']],
    ['denied, but the rules were removed', row({ evidence: evidence('deny') }), false, []],
    ['no longer built for arm', row({}, { missingPlatforms: ['linux/arm64'] }), false, ['platform-missing']],
    ['all platforms', row({}, { missingPlatforms: [] }), false, []],
  ];
  for (const [name, given, evaluation, codes] of cases)
    assert.deepEqual(
      firingAlarms([given], evaluation).map(({ code }) => code),
      codes,
      name,
    );
  const [twice, ...more] = firingAlarms(
    [
      deployedRow('web', A, {
        pinned: 'both',
        running: [
          identifiedAs(A, { state: 'exact' }, { blocked: 'x' }),
          identifiedAs(B, { state: 'exact' }, { blocked: 'x' }),
        ],
      }),
    ],
    false,
  );
  assert.deepEqual(
    [twice?.subject, more],
    ['shop/Deployment/web main', []],
    'one alarm for two digests of a container',
  );
});

test('a moved tag is critical after a long rest; the same move is the same alarm', () => {
  const day = 86_400_000;
  const move = (rested: number, changes?: string) =>
    alarmOfMove({ image: 'docker.io/library/nginx:1.27', from: A, to: B, restedMs: rested, changes }, 30 * day);
  assert.deepEqual([move(day)?.code, move(day)?.severity], ['tag-moved', 'warning']);
  assert.deepEqual([move(400 * day)?.code, move(400 * day)?.severity], ['tag-moved-after-rest', 'critical']);
  assert.match(move(400 * day, 'another base')?.message ?? '', /after 400 days: another base$/);
  assert.equal(move(day)?.key, move(day)?.key);
  assert.equal(alarmOfMove({ image: 'x', from: A, to: null, restedMs: 0 }, day), undefined);
});

test('signed by someone else, or by nobody any more; a digest that could not be checked lost nothing', () => {
  const cases: [before: string[], now: string[], outcome: EvidenceSummary['outcome'], code: string | undefined][] = [
    [['release: ann'], ['release: ann'], 'allow', undefined],
    [['release: ann'], ['release: ann', 'ci: bob'], 'allow', undefined],
    [['release: ann'], ['release: eve'], 'allow', 'signer-changed'],
    [['release: ann'], [], 'deny', 'signature-lost'],
    [['release: ann'], [], 'open', undefined],
    [[], ['release: ann'], 'allow', undefined],
  ];
  for (const [before, signers, outcome, code] of cases)
    assert.equal(alarmOfSigners('x', { digest: A, signers: before }, { digest: B, signers, outcome })?.code, code);
});

test('severity and code of each alarm come from the one table', () => {
  const rows = [row({ blocked: 'it leaks' }, { pinned: 'tag', mixed: true, missingPlatforms: ['linux/arm64'] })];
  for (const { code, severity } of firingAlarms(rows, true)) {
    assert.ok(code in ALARM_CODES, code);
    assert.equal(severity, ALARM_CODES[code as AlarmCode].severity, code);
  }
  assert.deepEqual(
    firingAlarms(rows, true).map(({ code, severity }) => [code, severity]),
    [
      ['unpinned', 'warning'],
      ['mixed-replicas', 'critical'],
      ['platform-missing', 'warning'],
      ['blocked-image', 'critical'],
    ],
  );
});

test('an alarm names its container, so that its key is the same on every comparison', () => {
  const [alarm] = firingAlarms([row({}, { mixed: true })], false);
  assert.equal(alarm?.key, 'mixed-replicas prod shop/Deployment/web main');
  assert.deepEqual(alarm?.about, {
    cluster: 'prod',
    namespace: 'shop',
    kind: 'Deployment',
    name: 'web',
    container: 'main',
    uid: 'web',
  });
});

test('docs/operate.md names every code', () => {
  const text = readFileSync('docs/operate.md', 'utf8');
  for (const code of Object.keys(ALARM_CODES)) assert.ok(text.includes(`\`${code}\``), code);
});
