// What a workload can be rolled back to: candidates from the ledger, and the checks before one is
// used.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadPolicyContext } from '../evaluate/evaluate.ts';
import type { RunInterval } from '../ledger/ledger.ts';
import { parseConfig } from '../policy/config-file.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { type CandidateCheck, candidatesOf, check, choose, distinct, type Target } from './rollback-candidates.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B, INDEX] = ['a', 'b', 'f'].map(digest) as [string, string, string];
const minute = (n: number) => `2026-11-24T12:0${n}:00.000Z`;
const interval = (of: string, since: number, until: number | null, more: Partial<RunInterval> = {}): RunInterval => ({
  cluster: 'prod',
  namespace: 'shop',
  kind: 'Deployment',
  name: 'web',
  container: 'main',
  type: 'container',
  image: 'registry.test/shop/web:v1',
  digest: of,
  pods: 1,
  since: minute(since),
  until: until === null ? null : minute(until),
  actor: null,
  revision: '',
  node: null,
  ...more,
});
const candidates = (...runs: RunInterval[]) => candidatesOf(runs, new Map());

test('a candidate has the name and tag of then, with the digest that ran', () => {
  const [one] = candidates(interval(A, 0, 1));
  assert.deepEqual([one?.reference.tag, one?.reference.digest], ['v1', A]);
});

test('where a node reported a part of an image, the candidate is the whole image', () => {
  const run = interval(A, 0, 1);
  assert.equal(candidatesOf([run], new Map([[run, INDEX]]))[0]?.reference.digest, INDEX);
});

test('what has no valid name is no candidate', () => {
  assert.deepEqual(candidates(interval(A, 0, 1, { image: 'not a reference!' })), []);
});

test('what runs now is current, in all its intervals, and in its own container only', () => {
  const list = candidates(
    interval(A, 4, null),
    interval(B, 2, 4),
    interval(A, 0, 2),
    interval(A, 0, 2, { container: 'sidecar' }),
    interval(A, 0, 2, { type: 'init' }),
  );
  assert.deepEqual(
    list.map(({ current }) => current),
    [true, false, true, false, false],
  );
});

test('a list shows each container and digest once, with the last interval', () => {
  const list = distinct(candidates(interval(A, 4, null), interval(B, 2, 4), interval(A, 0, 2)));
  assert.deepEqual(
    list.map(({ interval: { digest: of, since } }) => [of, since]),
    [
      [A, minute(4)],
      [B, minute(2)],
    ],
  );
});

const HISTORY = candidates(
  interval(A, 6, null, { revision: '3' }),
  interval(B, 3, 6, { revision: '2' }),
  interval(A, 0, 3, { revision: '1' }),
  interval(B, 0, null, { container: 'sidecar', revision: '1' }),
);
const at = (n: number, ms = 0): Target => ({ kind: 'time', time: new Date(Date.parse(minute(n)) + ms) });
for (const [name, target, expected] of [
  [
    'a digest: its newest interval in each container',
    { kind: 'digest', digest: B },
    [`main ${minute(3)}`, `sidecar ${minute(0)}`],
  ],
  ['a revision', { kind: 'revision', revision: '2' }, [`main ${minute(3)}`]],
  ['a moment', at(4), [`main ${minute(3)}`, `sidecar ${minute(0)}`]],
  ['the moment at which an interval began', at(3), [`main ${minute(3)}`, `sidecar ${minute(0)}`]],
  ['the moment before', at(3, -1), [`main ${minute(0)}`, `sidecar ${minute(0)}`]],
  ['now', at(9), [`main ${minute(6)}`, `sidecar ${minute(0)}`]],
] as const)
  test(`choose by ${name}`, () =>
    assert.deepEqual(
      choose(HISTORY, target as Target).map(({ interval: { container, since } }) => `${container} ${since}`),
      expected,
    ));

test('an interval does not contain its end', () => {
  const gap = candidates(interval(A, 0, 3));
  assert.equal(choose(gap, at(3, -1)).length, 1);
  assert.throws(() => choose(gap, at(3)), { code: 'not-found' });
});

test('a digest may be that of the whole image, of which a node reported a part', () => {
  const run = interval(A, 0, 1);
  assert.equal(choose(candidatesOf([run], new Map([[run, INDEX]])), { kind: 'digest', digest: INDEX }).length, 1);
});

for (const [target, message] of [
  [{ kind: 'digest', digest: INDEX }, /no record of it: it did not run sha256:f/],
  [{ kind: 'revision', revision: '9' }, /no record of it: it has no revision 9/],
  [at(0, -1), /no record of it: it did not run at 2026-11-24T11:59:59/],
] as const)
  test(`nothing matches ${target.kind}`, () =>
    assert.throws(() => choose(HISTORY.slice(0, 3), target as Target), { code: 'not-found', message }));

const registry = new EmbeddedRegistry();
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
let host = '';
let served = '';
before(async () => {
  host = await registry.listen();
  served = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'web' });
});
after(async () => {
  await client.close();
  await registry.close();
});
const checked = async (of: string, more: Partial<CandidateCheck> = {}) => {
  const [candidate] = candidates(interval(of, 0, 1, { image: `${host}/web:v1` }));
  const workload = { namespace: 'shop', kind: 'Deployment' };
  const context = { client, policyContext: undefined, workload, blocklist: new Map(), ...more };
  return check(candidate as NonNullable<typeof candidate>, context);
};
const policy = (rule: string) =>
  loadPolicyContext(parseConfig(`rules:\n  - {name: r, digest: required, ${rule}}\n`, 'test'), new Map());

test('a digest that its registry serves can be used, where there are no rules', async () => {
  const { notPullable, denied, signers } = await checked(served);
  assert.deepEqual([notPullable, denied, signers], [undefined, undefined, undefined]);
});

test('a digest that its registry no longer serves cannot be used', async () => {
  const { notPullable, denied } = await checked(A);
  assert.deepEqual([notPullable?.code, denied], ['not-found', undefined]);
});

test('a registry that does not answer: not pullable, and the reason says so', async () => {
  const silent = { head: () => Promise.reject(new Error('no answer')) } as unknown as RegistryClient;
  const { notPullable } = await checked(served, { client: silent });
  assert.equal(notPullable?.code, 'unreachable');
});

test('a blocked digest is denied before the registry is asked', async () => {
  registry.log.length = 0;
  const { denied } = await checked(served, { blocklist: new Map([[served, 'v2 leaks']]) });
  assert.equal(denied, 'it must never run again: v2 leaks');
  assert.deepEqual(registry.log, []);
});

test('a digest that today’s policy denies cannot be used; one that it allows can', async () => {
  const denied = await checked(served, { policyContext: await policy('images: ["other.test/**"]') });
  assert.match(denied.denied ?? '', /./);
  assert.equal(denied.open, false);
  const allowed = await checked(served, { policyContext: await policy(`images: ["${host}/**"]`) });
  assert.deepEqual([allowed.denied, allowed.signers], [undefined, []]);
});

test('the policy is evaluated for the workload’s own namespace', async () => {
  const deniedFor = async (namespace: string) =>
    (await checked(served, { policyContext: await policy(`images: ["${host}/**"], namespaces: [${namespace}]`) }))
      .denied;
  assert.equal(await deniedFor('shop'), undefined);
  assert.notEqual(await deniedFor('other'), undefined);
});
