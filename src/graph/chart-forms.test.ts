// Charts that are not in the tree: whose values an image is in, what is known of the chart, and what is written then (P29).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Found } from '../flow.ts';
import { findIn } from '../source/find.ts';
import { type ChartForm, type ChartSetting, formOf, remoteChartOf, remoteFound, writtenForms } from './chart-forms.ts';

const D = `sha256:${'d'.repeat(64)}`;
const values = async (text: string): Promise<Found> =>
  (await findIn(`image:\n  repository: org/app\n${text}`, 'values.yaml', { fields: [], argsAndEnv: false }))
    .found[0] as Found;

const known: [name: string, chart: string | undefined, settings: ChartSetting[], form: ChartForm | undefined][] = [
  ['a chart that is known', 'cilium', [], { digest: 'full' }],
  ['a chart that nobody knows', 'mine', [], undefined],
  ['a name that every object has', 'constructor', [], undefined],
  ['no chart', undefined, [], undefined],
  ['a setting by name', 'mine', [{ chart: 'mine', digest: 'hex' }], { digest: 'hex' }],
  ['a setting of another chart', 'mine', [{ chart: 'other', digest: 'hex' }], undefined],
  ['a setting of another chart, and no chart', undefined, [{ chart: 'other', digest: 'hex' }], undefined],
  ['a setting of other files', 'mine', [{ files: 'other/*', digest: 'hex' }], undefined],
  ['a setting by file', undefined, [{ files: 'a/*', tag: 'image' }], { tag: 'image' }],
  ['a setting before what is known', 'cilium', [{ chart: 'cilium', digest: 'hex' }], { digest: 'hex' }],
];
for (const [name, chart, settings, form] of known)
  test(`what is known: ${name}`, () => {
    const {
      chart: _,
      files: __,
      ...rest
    } = (formOf(chart, './a/values.yaml', settings, new Map()) ?? {}) as ChartSetting;
    assert.deepEqual(rest, form ?? {});
  });

test('what is known before what was written; what was written before nothing', () => {
  const written = new Map<string, ChartForm>([
    ['cilium', { digest: 'hex', tag: 'image' }],
    ['mine', { digest: 'hex' }],
  ]);
  assert.deepEqual(formOf('cilium', 'a', [], written), { digest: 'full', tag: 'image' });
  assert.deepEqual(formOf('mine', 'a', [], written), { digest: 'hex' });
});

test('forms that were written: a whole digest, hex digits, one after the tag; a tag alone tells nothing', async () => {
  const items = [
    { chart: 'whole', found: await values(`  tag: v1\n  digest: "${D}"\n`) },
    { chart: 'hex', found: await values(`  tag: v1\n  sha: "${D.slice(7)}"\n`) },
    { chart: 'tag', found: await values(`  tag: v1@${D}\n`) },
    { chart: 'none', found: await values('  tag: v1\n') },
  ];
  assert.deepEqual(Object.fromEntries(writtenForms(items)), {
    whole: { digest: 'full' },
    hex: { digest: 'hex' },
    tag: { tag: 'image' },
  });
});

test('an image belongs to the chart of its own document, below its own values', async () => {
  const found = { ...(await values('  tag: v1\n')), document: 1, path: 'spec.values.image.repository' };
  const chart = (document: number, path: string) => [{ document, values: path, chart: 'c' }];
  assert.equal(remoteChartOf(found, chart(1, 'spec.values')), 'c');
  assert.equal(remoteChartOf(found, chart(0, 'spec.values')), undefined);
  assert.equal(remoteChartOf(found, chart(1, 'spec.val')), undefined);
});

const UNKNOWN = 'what chart c does with a digest here is not known: say it under find.charts in tagproof.yaml';
const slots: [name: string, text: string, form: ChartForm | undefined, result: string][] = [
  ['a tag, nothing known', '  tag: v1\n', undefined, UNKNOWN],
  ['a tag, only the digest known', '  tag: v1\n', { digest: 'full' }, UNKNOWN],
  ['a tag that is the image', '  tag: v1\n', { tag: 'image' }, '@'],
  ['a digest, nothing known', '  tag: v1\n  digest: ""\n', undefined, UNKNOWN],
  ['a digest, only the tag known', '  tag: v1\n  digest: ""\n', { tag: 'image' }, UNKNOWN],
  ['a whole digest', '  tag: v1\n  digest: ""\n', { digest: 'full' }, 'full'],
  ['hex digits below `digest`', '  tag: v1\n  digest: ""\n', { digest: 'hex' }, 'hex'],
  ['a whole digest below `sha`', '  tag: v1\n  sha: ""\n', { digest: 'full' }, 'full'],
];
for (const [name, text, form, result] of slots)
  test(`what is written: ${name}`, async () => {
    const { slot } = remoteFound(await values(text), form, 'c');
    assert.equal(slot.blocked ?? (slot.pin?.before === '@' ? '@' : (slot.style ?? 'full')), result);
  });

test('a place that is pinned, or has a reason of its own, stays as it is', async () => {
  for (const text of [`  tag: v1@${D}\n`, '  tag: 1.10\n']) {
    const found = await values(text);
    assert.equal(remoteFound(found, undefined, 'c'), found);
  }
});
