// Alarms in tagproof.yaml: what a sink may say, and which mistakes would make it silent or wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ALARM_CODE_NAMES, ALARM_CODES } from './alarm-codes.ts';
import { parseConfig } from './config-file.ts';
import { nearestName } from './suggest.ts';

const sinks = (list: string) => parseConfig(`alarms:\n  sinks: [${list}]\n`, 'c').alarms?.sinks;
const SLACK = 'name: a, kind: slack, url: "https://hooks.example.com/x"';

test('defaults: thirty days, no Events, no sink', () => {
  assert.deepEqual(parseConfig('alarms: {}\n', 'c').alarms, { restDays: 30, events: false, sinks: [] });
});

test('a sink with every code, and one without codes', () => {
  const [all, none] =
    sinks(`{${SLACK}, codes: [${ALARM_CODE_NAMES.join(', ')}]}, {name: b, kind: webhook, urlFile: f}`) ?? [];
  assert.deepEqual(all?.codes, ALARM_CODE_NAMES);
  assert.equal(none?.codes, undefined);
});

const refused: [name: string, list: string, message: RegExp][] = [
  [
    'a misspelt code',
    `{${SLACK}, codes: [tag-movd]}`,
    /^c:2:\d+: alarms\.sinks\.0\.codes\.0: there is no alarm with the code "tag-movd"\. Did you mean 'tag-moved'\?/,
  ],
  ['a code in capitals', `{${SLACK}, codes: [Denied]}`, /Did you mean 'denied'\?/],
  ['a code of nothing', `{${SLACK}, codes: [weather]}`, /no alarm with the code "weather"\. The codes are tag-moved, /],
  ['a code that is a number', `{${SLACK}, codes: [5]}`, /no alarm with the code 5/],
  ['a name that every object has', `{${SLACK}, codes: [constructor]}`, /no alarm with the code "constructor"/],
  [
    'two sinks of one name',
    `{${SLACK}}, {name: a, kind: teams, url: "https://teams.example.com/y"}`,
    /^c:2:\d+: alarms\.sinks\.1\.name: two sinks are called 'a'/,
  ],
  ['neither address nor file', '{name: a, kind: slack}', /expected url or urlFile/],
  ['both address and file', `{${SLACK}, urlFile: f}`, /expected url or urlFile/],
  ['an address that is none', '{name: a, kind: slack, url: "ftp://x"}', /expected an address with https/],
  ['an unknown kind', '{name: a, kind: pager, urlFile: f}', /sinks\.0\.kind/],
  ['an unknown setting', `{${SLACK}, severity: critical}`, /there is no setting 'severity' here/],
];
for (const [name, list, message] of refused)
  test(`a sink is refused: ${name}`, () =>
    assert.throws(
      () => sinks(list),
      (error) => message.test(String(error)) || assert.fail(String(error)),
    ));

test('every alarm has a severity and a text', () => {
  for (const { severity, text } of Object.values(ALARM_CODES)) {
    assert.ok(['critical', 'warning'].includes(severity));
    assert.ok(text.length > 10);
  }
});

test('one slip of the keyboard in a code is recognised, whichever code and slip', () => {
  const slip = fc.record({
    code: fc.constantFrom(...ALARM_CODE_NAMES),
    at: fc.nat(),
    letter: fc.constantFrom(...'abcxyz-'),
    kind: fc.constantFrom('insert', 'delete', 'replace'),
  });
  fc.assert(
    fc.property(slip, ({ code, at, letter, kind }) => {
      const i = at % code.length;
      const typed = code.slice(0, i) + (kind === 'delete' ? '' : letter) + code.slice(kind === 'insert' ? i : i + 1);
      // The nearest code is the one that was meant, or one that is just as near.
      const named = nearestName(typed, ALARM_CODE_NAMES);
      assert.ok(named !== undefined);
      if ((ALARM_CODE_NAMES as string[]).includes(typed)) assert.equal(named, typed);
    }),
  );
});

test('no suggestion is better than a far one', () => {
  for (const word of ['', 'x', 'weather', 'signature'])
    assert.equal(nearestName(word, ['tag-moved', 'denied']), undefined, word);
});
