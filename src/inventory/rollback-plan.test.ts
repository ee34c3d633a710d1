// What a rollback would change: clusters are never mixed, only templates are targets, and a plan is whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunInterval } from '../ledger/ledger.ts';
import { Problem } from '../problem.ts';
import { type Checked, candidatesOf, type RollbackCandidate } from './rollback-candidates.ts';
import {
  imageToPull,
  oneCluster,
  parseTarget,
  planNamespace,
  refusedIn,
  targetsOf,
  workloadName,
} from './rollback-plan.ts';

const D = (letter: string) => `sha256:${letter.repeat(64)}`;
const run = (more: Partial<RunInterval> = {}): RunInterval =>
  ({
    cluster: 'prod',
    namespace: 'shop',
    kind: 'Deployment',
    name: 'web',
    container: 'c',
    type: 'container',
    image: 'r.test/web:1',
    digest: D('a'),
    since: '2026-01-01T00:00:00Z',
    until: '2026-01-02T00:00:00Z',
    ...more,
  }) as RunInterval;
const time = new Date('2026-01-01T12:00:00Z');

test('two clusters that have a workload of one name are never mixed', () => {
  const runs = [run(), run({ cluster: 'stage' })];
  assert.throws(() => oneCluster(runs, undefined), /several clusters: choose with --cluster-name prod or stage/);
  assert.deepEqual(oneCluster(runs, 'stage'), [runs[1]]);
  assert.deepEqual(oneCluster([run()], undefined), [run()]);
});

test('a namespace: what has a template and ran something else; the rest is named', () => {
  const now = { since: '2026-01-02T00:00:00Z', until: null };
  const make = (kind: string, name: string) => run({ kind, name });
  const then = [
    make('Deployment', 'web'),
    make('Deployment', 'steady'),
    make('Job', 'once'),
    make('Pod', 'lone'),
    make('Deployment', 'other'),
  ];
  const candidates = new Map<string, RollbackCandidate[]>(
    then.map((item) => [
      workloadName(item),
      candidatesOf([run({ ...item, ...now, digest: D(item.name === 'steady' ? 'a' : 'b') }), item], new Map()),
    ]),
  );
  const present = [...then, make('Deployment', 'new')].map((item) => run({ ...item, ...now }));
  const only = new Set(['web', 'steady', 'new'].map((name) => `shop/Deployment/${name}`))
    .add('shop/Job/once')
    .add('shop/Pod/lone');
  const { steps, left } = planNamespace({ namespace: 'shop', time, ran: then, runs: present, candidates, only });
  assert.deepEqual(
    steps.map(({ workload, chosen }) => [workload.name, chosen.map(({ reference }) => reference.digest)]),
    [['web', [D('a')]]],
  );
  assert.deepEqual(left, [
    'shop/Deployment/steady runs that already',
    'shop/Job/once has no template to change',
    'shop/Pod/lone has no template to change',
    'shop/Deployment/new did not run then',
  ]);
  assert.throws(
    () => planNamespace({ namespace: 'shop', time, ran: [], runs: present, candidates, only: undefined }),
    /nothing ran in shop/,
  );
});

test('what a node named only in part: the image that the tag pointed to then', () => {
  const part = run({ digest: D('f') });
  const tag = (letter: string, since: string, until: string | null) => ({ digest: D(letter), since, until });
  assert.equal(imageToPull(part, [], []), undefined);
  assert.equal(imageToPull(part, [D('a')], []), D('a'));
  assert.equal(imageToPull(part, [D('a'), D('b')], []), undefined, 'nobody can tell');
  assert.equal(imageToPull(part, [D('a'), D('b')], [tag('b', '2026-01-01T06:00:00Z', null)]), D('b'));
  assert.equal(imageToPull(part, [D('a'), D('b')], [tag('b', '2026-01-03T00:00:00Z', null)]), undefined);
  assert.equal(
    imageToPull(part, [D('a'), D('b')], [tag('b', '2025-01-01T00:00:00Z', '2025-02-01T00:00:00Z')]),
    undefined,
  );
  const pinned = run({ digest: D('f'), image: `r.test/web:1@${D('b')}` });
  assert.equal(imageToPull(pinned, [D('a'), D('b')], []), D('b'));
});

test('refused: what cannot be pulled or is denied; unknown is no finding', () => {
  const [candidate] = candidatesOf([run()], new Map());
  const workload = { namespace: 'shop', kind: 'Deployment', name: 'web' };
  const refused = (more: Partial<Checked>) =>
    refusedIn([{ workload, chosen: [{ ...(candidate as RollbackCandidate), ...more }] }]).map(
      ({ message, unchecked }) => `${unchecked} ${message}`,
    );
  assert.deepEqual(refused({}), []);
  assert.match(
    refused({ notPullable: new Problem('not-found', 'gone') }).join(),
    /^false shop.*c: it cannot be pulled: gone/,
  );
  assert.match(refused({ notPullable: new Problem('unreachable', 'down') }).join(), /^true /);
  assert.match(refused({ denied: 'no' }).join(), /^false .*today's policy denies it: no/);
  assert.match(refused({ denied: 'no', open: true }).join(), /^true /);
});

test('targets as they are typed', () => {
  assert.deepEqual(targetsOf('shop/Deployment/web.x'), { namespace: 'shop', kind: 'Deployment', name: 'web.x' });
  assert.deepEqual(targetsOf('shop'), { namespace: 'shop' });
  for (const wrong of ['', 'shop/Deployment', 'Shop', 'a/b/c/d'])
    assert.throws(() => targetsOf(wrong), /expected NAMESPACE/);
  assert.equal(parseTarget(D('a')).kind, 'digest');
  assert.equal(parseTarget('3').kind, 'revision');
  assert.equal(parseTarget('2026-01-01T00:00:00Z').kind, 'time');
  assert.throws(() => parseTarget('yesterday'), /expected a digest/);
});
