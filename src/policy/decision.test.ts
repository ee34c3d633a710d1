// What a decision says in one line, and when it is open.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../flow.ts';
import { isUnchecked, objections } from './decision.ts';

const MET = { rule: 'a', ok: true, unchecked: false, reason: 'met' };
const FAILED = { rule: 'b', ok: false, unchecked: false, reason: 'failed' };
const OPEN = { rule: 'c', ok: false, unchecked: true, reason: 'the registry is down' };

const cases: [name: string, decision: Decision, open: boolean, line: string | undefined][] = [
  ['all met', { outcome: 'allow', results: [MET] }, false, undefined],
  ['one failed', { outcome: 'deny', results: [MET, FAILED] }, false, "rule 'b': failed"],
  ['one open', { outcome: 'deny', results: [MET, OPEN] }, true, "rule 'c': the registry is down"],
  [
    'one failed for sure, one open: the failure is final',
    { outcome: 'deny', results: [OPEN, FAILED] },
    false,
    "rule 'c': the registry is down; rule 'b': failed",
  ],
  ['a warning that is open', { outcome: 'warn', results: [OPEN] }, true, "rule 'c': the registry is down"],
  ['a warning that is final', { outcome: 'warn', results: [FAILED] }, false, "rule 'b': failed"],
];
for (const [name, decision, open, line] of cases)
  test(`decision: ${name}`, () => {
    assert.equal(isUnchecked(decision), open);
    assert.equal(objections(decision), line);
  });
