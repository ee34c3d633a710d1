// No test waits for a time, and none waits for ever: test/until.ts waits for a condition, with a limit.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Programs that hang on purpose stand there as texts: what is tested is that the runner ends them. */
const ON_PURPOSE = ['test/runner/runner.test.ts', 'test/waits.test.ts'];

const RULES: [name: string, pattern: RegExp][] = [
  ['a loop that sleeps and has no limit', /\bwhile \(.*\)\s*(?:\{\s*)?await (?:sleep|delay|new Promise)\b/],
  ['a fixed wait of a second or more', /\b(?:sleep|delay)\(\d[\d_]{3,}\)|\bsetTimeout\(\w+, \d[\d_]{3,}\)/],
];
/** What a text has against the rules, a line each. */
const against = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => RULES.flatMap(([name, pattern]) => (pattern.test(line) ? [`${name}: ${line.trim()}`] : [])));

test('tests wait for conditions, with a limit', () => {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.ts', 'schema/*.test.ts', 'chart/*.test.ts']);
  assert.ok(files.length > 200, `only ${files.length} files`);
  const found = files
    .filter((file) => !ON_PURPOSE.includes(file))
    .flatMap((file) => against(readFileSync(file, 'utf8')).map((line) => `${file}: ${line}`));
  assert.deepEqual(found, []);
});

const examples: [line: string, count: number][] = [
  ['while (log.length === 0) await new Promise((go) => setTimeout(go, 20));', 1],
  ['while (lists.length === 0) await sleep(20);', 1],
  ['await new Promise((wait) => setTimeout(wait, 2100));', 1],
  ['await sleep(1_500);', 1],
  ['await sleep(200);', 0],
  ['for (const end = Date.now() + 1000; Date.now() < end; await sleep(200)) if (await done()) return;', 0],
];
for (const [line, count] of examples)
  test(`${count === 0 ? 'allowed' : 'refused'}: ${line}`, () => assert.equal(against(line).length, count));
