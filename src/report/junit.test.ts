import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../problem.ts';
import { printJunit } from './junit.ts';
import type { Finding, Report } from './report.ts';

const SETTINGS = {
  version: () => '1.2.3',
  pathInRepository: (file: string) => file,
  colour: { report: false, problems: false },
};
const base: Report = { command: 'check', sections: [], findings: [], problems: [], summary: [], data: {} };
const print = (report: Partial<Report>) => printJunit({ ...base, ...report }, SETTINGS);

type Element = { name: string; attributes: Record<string, string>; children: Element[]; text: string };

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const decode = (text: string) =>
  text.replace(/&(?:(\w+)|#(\d+));/g, (entity, name?: string, code?: string) => {
    const character = name === undefined ? String.fromCharCode(Number(code)) : NAMED[name];
    assert.ok(character !== undefined, `unknown entity ${entity}`);
    return character;
  });

/**
 * A strict reader of the XML that is well-formed without DTD, comments and sections: whatever it
 * does not know, it refuses.
 */
function parseXml(xml: string): Element {
  assert.ok(xml.isWellFormed(), 'a half of a surrogate pair');
  assert.doesNotMatch(xml, /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/, 'a character that XML 1.0 does not have');
  const token = /<\?xml version="1\.0" encoding="UTF-8"\?>|<(\/?)([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>|[^<]+/y;
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const match = token.exec(xml);
    assert.ok(match, `not XML at ${xml.slice(at, at + 60)}`);
    const [whole, closing, name, attributes = '', empty] = match;
    const parent = open.at(-1) as Element;
    if (whole.startsWith('<?')) continue;
    if (name === undefined) {
      assert.doesNotMatch(whole, /&(?!\w+;|#\d+;)/, 'a bare &');
      parent.text += decode(whole);
    } else if (closing) assert.equal(open.pop()?.name, name);
    else {
      const pairs = [...attributes.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [
        key,
        decode(value as string),
      ]);
      const element: Element = { name, attributes: Object.fromEntries(pairs), children: [], text: '' };
      parent.children.push(element);
      if (!empty) open.push(element);
    }
  }
  assert.equal(open.length, 1, 'an element is not closed');
  assert.equal(root.children.length, 1, 'one root element');
  return root.children[0] as Element;
}

const casesOf = (xml: string) => parseXml(xml).children[0]?.children.filter(({ name }) => name === 'testcase') ?? [];

const finding: Finding = {
  rule: 'unpinned',
  level: 'error',
  message: 'is not pinned',
  file: 'web.yaml',
  line: 3,
  column: 9,
  image: 'nginx:1',
};
const problem = new Problem('unreachable', 'no answer', { image: 'redis:7', file: 'db.yaml', line: 4 });

test('a finding is a failure, a problem is an error, a note passes', () => {
  const xml = print({
    findings: [finding, { ...finding, level: 'warning', line: 5 }, { ...finding, level: 'note', line: 7 }],
    problems: [problem],
    summary: ['1 of 4 images is pinned', '12 files read'],
  });
  const root = parseXml(xml);
  const counts = { tests: '4', failures: '2', errors: '1' };
  assert.deepEqual(root.attributes, { name: 'tagproof', ...counts });
  assert.deepEqual(root.children[0]?.attributes, { name: 'tagproof check', ...counts });
  assert.deepEqual(
    casesOf(xml).map(({ children }) => children.map(({ name, attributes }) => `${name} ${attributes['type'] ?? ''}`)),
    [['failure unpinned'], ['failure unpinned'], ['system-out '], ['error unreachable']],
  );
  assert.deepEqual(casesOf(xml)[0]?.attributes, {
    classname: 'tagproof check.unpinned',
    name: 'nginx:1: Image is not pinned to a digest (web.yaml:3:9)',
    file: 'web.yaml',
    line: '3',
  });
  assert.match(
    casesOf(xml)[0]?.children[0]?.text ?? '',
    /^web\.yaml:3:9\nnginx:1: is not pinned\n.*Run `tagproof pin`/,
  );
});

test('it states what was checked, and the version that checked it', () => {
  const suite = parseXml(print({ findings: [finding], summary: ['1 image', '2 files read'] })).children[0] as Element;
  assert.equal(suite.children.find(({ name }) => name === 'system-out')?.text, '1 image\n2 files read');
  assert.deepEqual(suite.children[0]?.children[0]?.attributes, { name: 'tagproof.version', value: '1.2.3' });
});

test('a run that found nothing has one case that passed and says what was checked', () => {
  const [only, ...rest] = casesOf(print({ summary: ['all 3 images are pinned'] }));
  assert.deepEqual(only?.attributes, { classname: 'tagproof check', name: 'all 3 images are pinned' });
  assert.deepEqual([only?.children, rest], [[], []]);
});

test('a run that only has problems has no case that passed', () => {
  const cases = casesOf(print({ problems: [new Problem('usage', 'x')], summary: ['nothing was checked'] }));
  assert.deepEqual(
    cases.map(({ children }) => children[0]?.name),
    ['error'],
  );
});

test('two findings about one image at two places are two cases', () => {
  const names = casesOf(print({ findings: [finding, { ...finding, column: 30 }] })).map(
    ({ attributes }) => attributes['name'],
  );
  assert.equal(new Set(names).size, 2);
});

test('property: whatever a message holds, the XML is well-formed and says the same, control characters replaced', () => {
  const nasty = fc.constantFrom(
    '<',
    '>',
    '&',
    '"',
    "'",
    ']]>',
    '<!--',
    '&#0;',
    '\0',
    '\x1b[31m',
    '\x9b',
    '\ud800',
    '\udc00',
    '\uffff',
    '\n',
    '\r',
    '\t',
    '😀',
    'é',
  );
  const text = fc
    .array(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 12 })
    .map((parts) => parts.join(''));
  const legal = (value: string) =>
    value.toWellFormed().replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g, '\ufffd');
  fc.assert(
    fc.property(text, text, text, (message, image, file) => {
      const xml = print({
        findings: [{ ...finding, message, image, file }],
        problems: [new Problem('file', message, { file })],
        summary: [message],
      });
      const [failed, error] = casesOf(xml);
      assert.equal(failed?.attributes['file'], legal(file));
      assert.equal(failed?.children[0]?.attributes['message'], legal(message));
      assert.ok(failed?.children[0]?.text.includes(legal(`${image}: ${message}`)));
      assert.equal(error?.children[0]?.attributes['message'], legal(message));
    }),
    { numRuns: 300 },
  );
});
