// The verdicts and addresses of the dashboard (web/format.ts, web/address.ts), without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FILTERS, type RunningImage } from '../src/inventory/deployed.ts';
import { FILTER_LABELS, parseAddress, printAddress, VIEWS } from '../web/address.ts';
import {
  age,
  checkedText,
  evidenceVerdict,
  identityVerdict,
  pinnedVerdict,
  pullableVerdict,
  servedVerdict,
  shortImage,
  span,
  verifiedVerdict,
} from '../web/format.ts';
import { deployedRow, identifiedAs } from './deployed.ts';
import { A, B } from './watcher-fixtures.ts';

const NOW = 1_000_000_000;
const evidence = (outcome: 'allow' | 'warn' | 'deny' | 'open', signers: string[] = []) => ({
  outcome,
  signers,
  reason: 'because',
  checked: NOW - 120_000,
  since: 0,
});
const rowOf = (...running: RunningImage[]) => deployedRow('web', A, { running });
const image = (more: Partial<RunningImage> = {}): RunningImage => identifiedAs(A, { state: 'same' }, more);

test('pinned: a tag alone is a warning, what is no reference is bad', () => {
  const tones = (['both', 'digest', 'tag', 'invalid'] as const).map((pinned) => pinnedVerdict({ pinned }).tone);
  assert.deepEqual(tones, ['good', 'good', 'warn', 'bad']);
});

test('identity: the worst of what the pods run', () => {
  const identities: Record<string, RunningImage['identity']> = {
    exact: { state: 'exact' },
    same: { state: 'same' },
    unknown: { state: 'unknown', reason: 'no answer' },
    moved: { state: 'moved', now: B },
    different: { state: 'different', declared: B },
  };
  const verdict = (...names: string[]) =>
    identityVerdict(rowOf(...names.map((name) => identifiedAs(A, identities[name] as RunningImage['identity']))));
  assert.deepEqual(verdict().tone, 'unknown');
  assert.equal(verdict('same').text, 'same as the tag');
  assert.equal(verdict('exact').text, 'as declared');
  assert.deepEqual([verdict('same', 'unknown').text, verdict('same', 'unknown').tone], ['unknown', 'unknown']);
  assert.deepEqual([verdict('unknown', 'moved').text, verdict('unknown', 'moved').tone], ['tag moved', 'warn']);
  assert.deepEqual(verdict('moved', 'different').tone, 'bad');
  const gone = deployedRow('web', A, { tag: { name: 'v1', digest: null, since: 0, checked: 0, failure: null } });
  assert.deepEqual([identityVerdict(gone).text, identityVerdict(gone).tone], ['tag gone', 'bad']);
});

test('under a pin the page says where the tag beside the digest points now', () => {
  const tag = { name: 'v1', digest: B, since: 0, checked: 0, failure: null };
  const row = deployedRow('web', A, {
    declared: [`web:v1@${A}`],
    tag,
    running: [identifiedAs(A, { state: 'exact' })],
  });
  assert.match(identityVerdict(row).detail ?? '', /^v1 is sha256:b+… now$/);
  assert.equal(identityVerdict({ ...row, tag: { ...tag, digest: A } }).detail, undefined);
});

test('verified: without rules, without evidence and without a signature nothing is good', () => {
  const verdict = (...found: RunningImage['evidence'][]) =>
    verifiedVerdict(rowOf(...found.map((item) => image({ evidence: item }))), true, NOW);
  assert.equal(verifiedVerdict(rowOf(image({ evidence: evidence('allow', ['ann']) })), false, NOW).tone, 'unknown');
  const cases: [found: RunningImage['evidence'][], tone: string][] = [
    [[], 'unknown'],
    [[null], 'unknown'],
    [[evidence('allow', ['ann']), null], 'unknown'],
    [[evidence('allow', ['ann'])], 'good'],
    [[evidence('allow')], 'warn'],
    [[evidence('warn')], 'warn'],
    [[evidence('open'), evidence('allow', ['ann'])], 'unknown'],
    [[evidence('allow', ['ann']), evidence('deny')], 'bad'],
  ];
  for (const [found, tone] of cases) assert.equal(verdict(...found).tone, tone, JSON.stringify(found));
  assert.equal(verdict(evidence('deny')).detail, 'because; checked 2 min ago');
});

test('pullable: only what the registry serves for every platform is good', () => {
  const pullable = (served: boolean | null) => ({ digest: A, served, checked: NOW - 60_000 });
  const verdict = (missing: string[] | null, ...served: (boolean | null | undefined)[]) =>
    pullableVerdict(
      {
        running: served.map((item) => image({ pullable: item === undefined ? null : pullable(item) })),
        missingPlatforms: missing,
      },
      NOW,
    );
  const cases: [missing: string[] | null, served: (boolean | null | undefined)[], text: string][] = [
    [null, [true], 'pullable'],
    [[], [true, true], 'pullable'],
    [[], [], 'unknown'],
    [[], [true, null], 'unknown'],
    [[], [true, undefined], 'unknown'],
    [[], [true, false], 'gone'],
    [['linux/arm64'], [true], 'platform missing'],
  ];
  for (const [missing, served, text] of cases) assert.equal(verdict(missing, ...served).text, text, String(served));
});

test('no verdict of what is unknown has the tone of what is good', () => {
  const row = deployedRow('web', A, {
    running: [identifiedAs(A, { state: 'unknown', reason: 'r' })],
    tag: undefined,
  });
  const verdicts = [
    identityVerdict(row),
    verifiedVerdict(row, true, NOW),
    pullableVerdict(row, NOW),
    evidenceVerdict(null, NOW),
    servedVerdict(null, NOW),
    servedVerdict({ digest: A, served: null, checked: null }, NOW),
    evidenceVerdict(evidence('open'), NOW),
  ];
  for (const { text, tone } of verdicts) assert.equal(tone, 'unknown', text);
});

test('ages and references are written in one short form', () => {
  const spans = [0, 59_000, 90_000, 7_140_000, 7_200_000, 47 * 3_600_000, 49 * 3_600_000].map(span);
  assert.deepEqual(spans, ['0 s', '1 min', '2 min', '119 min', '2 h', '47 h', '2 d']);
  assert.deepEqual([age(1000), age(60_000)], ['just now', '1 min ago']);
  assert.equal(shortImage(`web:v1@${A}`), 'web:v1@sha256:aaaaaaaaaaaa…');
  const tag = { name: 'v1', digest: A, since: 0, checked: null, failure: null };
  assert.equal(checkedText({ tag }, NOW), 'not checked yet');
  assert.equal(checkedText({ tag: { ...tag, failure: 'no answer' } }, NOW), 'last poll failed: no answer');
});

test('the address holds what is shown, and whatever else is in it is ignored', () => {
  const fields = {
    view: fc.constantFrom(...(Object.keys(VIEWS) as (keyof typeof VIEWS)[])),
    filter: fc.constantFrom('' as const, ...(Object.keys(FILTER_LABELS) as (keyof typeof FILTER_LABELS)[])),
    q: fc.string(),
  };
  const shown = fc.record(fields, { noNullPrototype: true });
  fc.assert(fc.property(shown, (given) => assert.deepEqual(parseAddress(printAddress(given)), given)));
  assert.deepEqual(parseAddress('#view=constructor&filter=toString&x=1'), { view: 'deployed', filter: '', q: '' });
});

test('the labels are those of the server’s filters', () => {
  assert.deepEqual(Object.keys(FILTER_LABELS).sort(), Object.keys(FILTERS).sort());
});
