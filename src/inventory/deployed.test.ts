// Rows of what is deployed, from facts that are known: what is not known never counts as good.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedRow, identifiedAs } from '../../test/deployed.ts';
import type { Evaluation } from '../evaluate/evaluate.ts';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import {
  type DeployedContainer,
  deployedOf,
  FILTERS,
  type Filter,
  type Knowledge,
  pollKey,
  signersOf,
  summarizeEvaluation,
  type TagState,
  tagOf,
} from './deployed.ts';
import type { ImageClosure } from './image-identity.ts';
import type { Row, Running } from './inventory.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B, C] = ['a', 'b', 'c'].map(digest) as [string, string, string];
const IMAGE = 'registry.test/shop/web:v1';
const reference = (text: string) => parseReference(text) as Reference;
const state = (of: string | null | undefined, more: Partial<TagState> = {}): TagState => ({
  digest: of,
  since: 1,
  checked: 2,
  failure: null,
  ...more,
});
const running = (of: string | undefined, more: Partial<Running> = {}): Running => ({
  image: IMAGE,
  digest: of,
  imageId: of === undefined ? undefined : `x@${of}`,
  pods: 1,
  nodes: ['n1'],
  ...more,
});
const row = (items: Running[], more: Partial<Row> = {}): Row => ({
  cluster: 'prod',
  namespace: 'shop',
  kind: 'Deployment',
  name: 'web',
  uid: 'u',
  container: 'main',
  type: 'container',
  declared: [IMAGE],
  running: items,
  pods: items.length,
  mixed: false,
  ...more,
});
const knowledge = (tags: Record<string, TagState>, more: Partial<Knowledge> = {}): Knowledge => ({
  tagState: (key) => tags[key],
  closure: () => undefined,
  evidence: () => undefined,
  platform: () => undefined,
  hold: () => undefined,
  blocked: () => undefined,
  ...more,
});
const TAG = pollKey(reference(IMAGE));
const one = (given: Row, known: Knowledge) => deployedOf([given], known)[0] as DeployedContainer;
const closureOf = (...platforms: string[]): ImageClosure => ({
  root: A,
  members: new Map(platforms.map((platform, i) => [`m${i}`, { role: 'manifest' as const, platform }])),
});

for (const [declared, pinned] of [
  [[IMAGE], 'tag'],
  [[`${IMAGE}@${A}`], 'both'],
  [[`registry.test/shop/web@${A}`], 'digest'],
  [[`${IMAGE}@${A}`, IMAGE], 'tag'],
  [[`${IMAGE}@${A}`, `registry.test/shop/web@${A}`], 'digest'],
  [[IMAGE, 'not a reference!'], 'invalid'],
] as const)
  test(`declared ${declared.join(' and ')}: ${pinned}, the weakest`, () =>
    assert.equal(one(row([], { declared }), knowledge({})).pinned, pinned));

for (const [name, items, tags, expected] of [
  ['the tag was never checked', [running(A)], {}, { state: 'unknown', reason: 'its tag was not checked yet' }],
  [
    'the check failed',
    [running(A)],
    { [TAG]: state(undefined, { failure: 'no answer' }) },
    { state: 'unknown', reason: 'no answer' },
  ],
  ['the tag is gone', [running(A)], { [TAG]: state(null) }, { state: 'unknown', reason: 'its tag is gone' }],
  [
    'the node reported nothing',
    [running(undefined)],
    { [TAG]: state(A) },
    { state: 'unknown', reason: 'its node has not reported an image yet' },
  ],
  ['the tag points to it', [running(A)], { [TAG]: state(A) }, { state: 'same' }],
] as const)
  test(`identity where ${name}: ${expected.state}`, () =>
    assert.deepEqual(one(row(items as unknown as Running[]), knowledge(tags)).running[0]?.identity, expected));

test('whether it can be pulled again is asked about the declared digest, or the one that runs', () => {
  const pullable = (known: Knowledge, item = running(A)) => one(row([item]), known).running[0]?.pullable;
  const served = { [TAG]: state(A), [`registry.test/shop/web:${A}`]: state(A) };
  assert.deepEqual(pullable(knowledge(served)), { digest: A, served: true, checked: 2 });
  assert.equal(pullable(knowledge({ ...served, [`registry.test/shop/web:${A}`]: state(null) }))?.served, false);
  assert.equal(pullable(knowledge({ [TAG]: state(A) }))?.served, null, 'not checked is not served');
  const part = knowledge(
    { [TAG]: state(B) },
    { closure: () => ({ root: B, members: new Map([[A, { role: 'manifest' }]]) }) },
  );
  assert.equal(pullable(part)?.digest, B, 'a node pulls the whole image');
  const moved = knowledge({ [TAG]: state(B) }, { closure: () => ({ root: B, members: new Map() }) });
  assert.equal(pullable(moved)?.digest, A);
  assert.equal(pullable(moved, running(A, { imageId: A })), null, 'a bare digest cannot be pulled');
});

test('a blocked digest carries its reason, even where the declared name is invalid', () => {
  const blocked = (of: string) => (of === A ? 'v2 leaks' : undefined);
  const reasons = (image: string) =>
    one(row([running(A, { image }), running(B, { image })]), knowledge({}, { blocked })).running.map(
      (item) => item.blocked,
    );
  assert.deepEqual(
    [reasons(IMAGE), reasons('not a reference!')],
    [
      ['v2 leaks', null],
      ['v2 leaks', null],
    ],
  );
});

for (const [name, platforms, nodes, missing] of [
  ['the image has the platform', ['linux/amd64', 'linux/arm64'], 'linux/arm64', []],
  ['the image lacks the platform', ['linux/amd64'], 'linux/arm64', ['linux/arm64']],
  ['a variant of it counts', ['linux/arm/v7'], 'linux/arm', []],
  ['a longer name does not', ['linux/arm64'], 'linux/arm', ['linux/arm']],
  ['the platforms of the image are not known', [], 'linux/amd64', null],
  ['the platform of the node is not known', ['linux/amd64'], '', null],
] as const)
  test(`platforms of the next pod: ${name}`, () => {
    const known = knowledge({ [TAG]: state(A) }, { closure: () => closureOf(...platforms), platform: () => nodes });
    assert.deepEqual(one(row([running(A)]), known).missingPlatforms, missing);
  });

test('of several declared tags, the row shows one that is gone', () => {
  const second = 'registry.test/shop/web:v2';
  const known = knowledge({ [TAG]: state(A), [pollKey(reference(second))]: state(null) });
  const { tag } = one(row([], { declared: [IMAGE, second] }), known);
  assert.deepEqual([tag?.name, tag?.digest], ['v2', null]);
});

test('the tag of a reference, and the key of its polls', () => {
  assert.equal(tagOf(reference(`registry.test/x@${A}`)), undefined);
  assert.equal(tagOf(reference('registry.test/x'))?.tag, 'latest');
  assert.equal(tagOf(reference(`registry.test/x:v1@${A}`))?.digest, undefined);
  assert.equal(pollKey(reference(`registry.test/x:v1@${A}`)), `registry.test/x:${A}`);
});

const same = identifiedAs(A, { state: 'same' });
const signed = { outcome: 'allow' as const, signers: ['release: ann'], reason: '', checked: 0, since: 0 };
const CASES: readonly [filter: Filter, matching: DeployedContainer[], others: DeployedContainer[]][] = [
  [
    'unpinned',
    [deployedRow('a', A), deployedRow('a', A, { pinned: 'invalid' })],
    [deployedRow('a', A, { pinned: 'both' })],
  ],
  [
    'moved',
    [deployedRow('a', A, { running: [same, identifiedAs(A, { state: 'moved', now: B })] })],
    [deployedRow('a', A)],
  ],
  [
    'unverified',
    [
      deployedRow('a', A),
      deployedRow('a', A, { running: [] }),
      deployedRow('a', A, { running: [{ ...same, evidence: { ...signed, signers: [] } }] }),
      deployedRow('a', A, { running: [{ ...same, evidence: { ...signed, outcome: 'open' } }] }),
      deployedRow('a', A, { running: [{ ...same, evidence: signed }, same] }),
    ],
    [deployedRow('a', A, { running: [{ ...same, evidence: signed }] })],
  ],
  [
    'unrecoverable',
    [deployedRow('a', A, { running: [{ ...same, pullable: { digest: A, served: false, checked: 1 } }] })],
    [
      deployedRow('a', A),
      deployedRow('a', A, { running: [{ ...same, pullable: { digest: A, served: null, checked: null } }] }),
    ],
  ],
  ['mixed', [deployedRow('a', A, { mixed: true })], [deployedRow('a', A)]],
  [
    'different',
    [
      deployedRow('a', A, { running: [identifiedAs(A, { state: 'different', declared: C })] }),
      deployedRow('a', A, { running: [{ ...same, blocked: 'evil' }] }),
    ],
    [deployedRow('a', A)],
  ],
  [
    'gone',
    [deployedRow('a', A, { tag: { name: 'v1', ...state(null) } })],
    [deployedRow('a', A), deployedRow('a', A, { tag: undefined })],
  ],
  [
    'missingPlatform',
    [deployedRow('a', A, { missingPlatforms: ['linux/arm64'] })],
    [deployedRow('a', A), deployedRow('a', A, { missingPlatforms: [] })],
  ],
  ['held', [deployedRow('a', A, { hold: { digest: A, reason: '', by: '', since: '' } })], [deployedRow('a', A)]],
  [
    'unknown',
    [
      deployedRow('a', A, { running: [] }),
      deployedRow('a', A, { running: [identifiedAs(A, { state: 'unknown', reason: 'x' })] }),
    ],
    [deployedRow('a', A)],
  ],
];
for (const [filter, matching, others] of CASES)
  test(`filter ${filter}`, () => {
    assert.deepEqual(
      matching.map(FILTERS[filter]),
      matching.map(() => true),
    );
    assert.deepEqual(
      others.map(FILTERS[filter]),
      others.map(() => false),
    );
  });
test('each filter has a test', () =>
  assert.deepEqual(CASES.map(([filter]) => filter).sort(), Object.keys(FILTERS).sort()));

const evaluation = (outcome: 'allow' | 'deny', unchecked: boolean, reason: string): Evaluation =>
  ({
    decision: { outcome, results: [{ rule: 'r', ok: outcome === 'allow', unchecked, reason }] },
    evidence: undefined,
  }) as never;

test('what could not be checked is open, and neither allow nor deny', () => {
  assert.equal(summarizeEvaluation(evaluation('deny', true, 'no answer')).outcome, 'open');
  assert.equal(summarizeEvaluation(evaluation('deny', false, 'not signed')).outcome, 'deny');
  assert.equal(summarizeEvaluation(evaluation('allow', false, 'signed')).outcome, 'allow');
  assert.equal(summarizeEvaluation(evaluation('deny', false, 'x'.repeat(9000))).reason.length, 500, 'bounded');
});

test('signers are those that were verified, each once, sorted', () => {
  const verified = (by: string, subject?: string) => ({
    kind: 'verified',
    by,
    ...(subject && { identity: { subject } }),
  });
  const evidence = {
    verdicts: new Map<string, object>([
      ['release', verified('key 1')],
      ['ci', verified('fulcio', 'ci@example.com')],
      ['other', { kind: 'unsigned' }],
    ]),
    attestations: {
      verified: [
        { authority: 'ci', identity: { subject: 'ci@example.com' }, by: 'x' },
        { authority: 'a', by: 'key 2' },
      ],
    },
  };
  assert.deepEqual(signersOf(evidence as never), ['a: key 2', 'ci: ci@example.com', 'release: key 1']);
  assert.deepEqual(signersOf(undefined), []);
});
