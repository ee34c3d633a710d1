// What the watcher knows beside tags: what registries allow, what they say of pushes, who changed a workload, what of an image a node needs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evaluation } from '../evaluate/evaluate.ts';
import type { Reference } from '../flow.ts';
import { parsePinned, parseReference, tagKey } from '../image/reference.ts';
import { deployedOf, FILTERS, type Knowledge } from '../inventory/deployed.ts';
import type { ImageClosure } from '../inventory/image-identity.ts';
import type { Row } from '../inventory/inventory.ts';
import { openLedger } from '../ledger/open.ts';
import { Problem } from '../problem.ts';
import type { RateLimit } from '../registry/throttle.ts';
import { actorOf } from './actor.ts';
import { Budget } from './budget.ts';
import { EvidenceKeeper, type SignerChange } from './evidence.ts';
import { WatcherMetrics } from './metrics.ts';
import { type HintKind, hintsOf } from './push-notifications.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const reference = (text: string) => parseReference(text) as Reference;

test('the budget: no burst, one registry does not eat another’s, and half of an announced limit is the nodes’', () => {
  const limits = new Map<string, RateLimit>();
  const budget = new Budget((registry) => limits.get(registry));
  const spend = (registry: string, from: number, seconds: number) => {
    let count = 0;
    for (let ms = 0; ms < seconds * 1000; ms += 50) if (budget.take({ registry, repository: 'x' }, from + ms)) count++;
    return count;
  };
  assert.ok(spend('a.io', 0, 10) <= 66, 'a second’s worth at first, then six a second');
  assert.ok(spend('a.io', 3_600_000, 1) <= 12, 'an idle hour is no licence for a burst');
  limits.set('docker.io', { limit: 100, remaining: 60, windowSeconds: 21_600 });
  assert.equal(budget.pull({ registry: 'docker.io', repository: 'x' }, 4_000_000), true);
  limits.set('docker.io', { limit: 100, remaining: 50, windowSeconds: 21_600 });
  assert.equal(
    budget.pull({ registry: 'docker.io', repository: 'x' }, 4_000_000),
    false,
    'what counts as a pull stops at half',
  );
  assert.ok(spend('docker.io', 4_000_000, 3600) <= 14, 'looks go on, spread over the window');
  limits.set('docker.io', { limit: 100, remaining: 0, windowSeconds: 21_600 });
  assert.equal(spend('docker.io', 8_000_000, 60), 0);
  const shown = budget.show(8_000_000).find(({ registry }) => registry === 'docker.io');
  assert.equal(shown?.restsUntil, 8_000_000 + 5_400_000);
  assert.ok(spend('a.io', 8_000_000, 10) >= 60, 'others go on');
  const two = new Budget(
    () => undefined,
    ({ repository }) => (repository === 'ours' ? 'robot' : 'anonymous'),
  );
  for (const repository of ['ours', 'theirs']) two.take({ registry: 'r.io', repository }, 0);
  assert.deepEqual(
    two.show(0).map(({ credential, asked }) => [credential, asked]),
    [
      ['robot', 1],
      ['anonymous', 1],
    ],
    'registries count each name for itself',
  );
});

test('words of registries: images with tags, and nothing of what is not understood', () => {
  const event = (action: string, target: object) => ({ action, target, request: { host: 'registry.test:5000' } });
  const cases: [HintKind, body: unknown, registry: string | undefined, keys: string[]][] = [
    [
      'distribution',
      {
        events: [
          event('push', { repository: 'web', tag: 'v1', digest: A }),
          event('push', { repository: 'web', digest: A }),
          event('pull', { repository: 'web', tag: 'v1' }),
        ],
      },
      undefined,
      ['registry.test:5000/web:v1'],
    ],
    ['distribution', { events: [event('delete', { repository: 'web', tag: 'v1' })] }, 'r.io', ['r.io/web:v1']],
    [
      'harbor',
      {
        type: 'PUSH_ARTIFACT',
        event_data: {
          resources: [{ digest: A, tag: 'v2', resource_url: 'harbor.test/shop/web:v2' }],
          repository: { repo_full_name: 'shop/web' },
        },
      },
      undefined,
      ['harbor.test/shop/web:v2'],
    ],
    [
      'harbor',
      {
        specversion: '1.0',
        type: 'harbor.artifact.pushed',
        data: { resources: [{ tag: 'v2', resource_url: 'x/y:v2' }], repository: { repo_full_name: 'shop/web' } },
      },
      'harbor.example.com',
      ['harbor.example.com/shop/web:v2'],
    ],
    ['generic', { image: `nginx:1.27@${A}` }, undefined, ['docker.io/library/nginx:1.27']],
    ['generic', { images: ['ghcr.io/org/a:1', 'not an image', 7, 'ghcr.io/org/b'] }, undefined, ['ghcr.io/org/a:1']],
    ['generic', {}, undefined, []],
    ['distribution', { events: 'many' }, undefined, []],
    ['harbor', { event_data: null }, undefined, []],
  ];
  for (const [kind, body, registry, keys] of cases)
    assert.deepEqual(hintsOf(kind, body, registry).map(tagKey), keys, JSON.stringify(body));
  assert.throws(() => hintsOf('generic', 'text', undefined), /expected a JSON object/);
  const flood = { images: Array.from({ length: 5000 }, (_, i) => `r.io/x:${i}`) };
  assert.equal(hintsOf('generic', flood, undefined).length, 1000);
});

test('who changed it: the last manager of an image, and what deployers write beside it', () => {
  const fields = (name: string) => ({
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { [`k:{"name":"${name}"}`]: { 'f:image': {} } } } } },
  });
  const manager = (name: string, time: string, fieldsV1: object) => ({
    manager: name,
    operation: 'Update',
    time,
    fieldsV1,
  });
  const managedFields = [
    manager('helm', '2026-11-01T00:00:00Z', fields('c')),
    manager('kubectl-set', '2026-11-02T00:00:00Z', fields('c')),
    manager('kube-controller-manager', '2026-11-03T00:00:00Z', { 'f:status': {} }),
  ];
  const cases: [metadata: object, actor: string | undefined][] = [
    [{ managedFields }, 'kubectl-set'],
    [{ managedFields, annotations: { 'kubernetes.io/change-cause': 'fix the leak' } }, 'kubectl-set, “fix the leak”'],
    [{ annotations: { 'meta.helm.sh/release-name': 'web' } }, 'Helm release web'],
    [{ labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, 'Flux kustomization apps'],
    [{}, undefined],
  ];
  for (const [metadata, actor] of cases) assert.equal(actorOf({ metadata } as never), actor);
});

const row = (declared: string, running: [digest: string, imageId: string][], nodes: string[] = ['n1']): Row => ({
  cluster: 'prod',
  namespace: 'shop',
  kind: 'Deployment',
  name: 'web',
  uid: 'u',
  container: 'c',
  type: 'container',
  declared: [declared],
  running: running.map(([of, imageId]) => ({ image: declared, digest: of, imageId, pods: 1, nodes })),
  pods: 1,
  mixed: false,
});
const closure: ImageClosure = {
  root: A,
  members: new Map([
    [A, { role: 'index' as const }],
    [B, { role: 'manifest' as const, platform: 'linux/amd64' }],
    [C, { role: 'config' as const, platform: 'linux/arm/v7' }],
  ]),
};
const served = (to: string | null) => ({ digest: to, since: 0, checked: 1, failure: null });
const known = (more: Partial<Knowledge> = {}): Knowledge => ({
  tagState: () => undefined,
  closure: (of) => (of === A ? closure : undefined),
  evidence: () => undefined,
  platform: () => undefined,
  hold: () => undefined,
  blocked: () => undefined,
  ...more,
});

test('a row: what a node would pull again, whether it is served, and for which platforms', () => {
  const looks: Record<string, ReturnType<typeof served>> = {
    'docker.io/library/web:v1': served(A),
    [`docker.io/library/web:${A}`]: served(A),
    [`docker.io/library/web:${digest('d')}`]: served(null),
  };
  const look = (key: string) => looks[key];
  const first = (given: Row, more: Partial<Knowledge> = {}) =>
    deployedOf([given], known({ tagState: look, ...more }))[0];
  // The node names a manifest, or a configuration: by the tag's index it would be pulled again.
  for (const [of, imageId] of [
    [B, `web@${B}`],
    [C, C],
  ] as const)
    assert.deepEqual(first(row('web:v1', [[of, imageId]]))?.running[0]?.pullable, {
      digest: A,
      served: true,
      checked: 1,
    });
  const moved = first(row('web:v1', [[digest('d'), `web@${digest('d')}`]]));
  assert.equal(moved?.running[0]?.identity.state, 'moved');
  assert.equal(moved?.running[0]?.pullable?.served, false);
  assert.ok(moved !== undefined && FILTERS.unrecoverable(moved));
  const loaded = first(row('web:v1', [[digest('e'), digest('e')]]));
  assert.equal(
    loaded?.running[0]?.pullable,
    null,
    'a configuration that belongs to nothing known cannot be pulled by its name',
  );
  const unseen = first(row(`other@${A}`, [[A, `other@${A}`]]));
  assert.equal(unseen?.running[0]?.pullable?.served, null, 'nobody has looked');
  const node = (platform: string) =>
    first(row('web:v1', [[A, `web@${A}`]]), { platform: () => platform })?.missingPlatforms;
  assert.deepEqual(
    [node('linux/amd64'), node('linux/arm'), node('linux/s390x'), node('')],
    [[], [], ['linux/s390x'], null],
  );
  assert.equal(
    first(row('other:v1', [[A, `x@${A}`]]), { platform: () => 'linux/amd64' })?.missingPlatforms,
    null,
    'not known is not fine',
  );
});

test('evidence: judged once while nothing changes, anew when the policy does; what changed is told and recorded', async () => {
  const ledger = await openLedger(':memory:');
  let policy = 'sha256:1';
  let signed = true;
  let evaluation = 0;
  const evaluator = async (): Promise<Evaluation> => {
    evaluation++;
    return {
      resolved: new Problem('unreachable', 'unused'),
      evidence: {
        digest: A,
        verdicts: new Map([
          [
            'release',
            signed
              ? { kind: 'verified', by: 'ann', layout: 'bundle', times: [], annotations: {} }
              : { kind: 'unsigned' },
          ],
        ]),
      },
      decision: {
        outcome: signed ? 'allow' : 'deny',
        results: [{ rule: 'r', ok: signed, unchecked: false, reason: signed ? 'signed by ann' : 'not signed at all' }],
      },
    };
  };
  const changes: (SignerChange | undefined)[] = [];
  const open = async () => {
    const keeper = new EvidenceKeeper(
      ledger,
      async () => ({ policy, evaluate: evaluator }),
      (change) => changes.push(change),
      assert.fail,
    );
    await keeper.start();
    return keeper;
  };
  const keeper = await open();
  const image = parsePinned(`web@${A}`);
  const where = { namespace: 'shop', kind: 'Deployment' };
  const look = async (at = Date.now()) => {
    keeper.want(image, where, at);
    while (keeper.of(image, where) === undefined || evaluation === before)
      await new Promise((wait) => setTimeout(wait, 5));
    await new Promise((wait) => setTimeout(wait, 20));
  };
  let before = evaluation;
  await look();
  assert.deepEqual([keeper.of(image, where)?.outcome, keeper.of(image, where)?.signers], ['allow', ['release: ann']]);
  keeper.want(image, where);
  await new Promise((wait) => setTimeout(wait, 20));
  assert.equal(evaluation, 1);
  signed = false;
  policy = 'sha256:2';
  await keeper.refresh();
  before = evaluation;
  await look();
  assert.equal(keeper.of(image, where)?.outcome, 'deny');
  assert.equal(changes.at(-1)?.before.outcome, 'allow');
  before = evaluation;
  await look(Date.now() + 25 * 3_600_000);
  assert.equal(changes.at(-1), undefined, 'the same again is no change');
  assert.deepEqual(
    (await ledger.statements.evidence([A])).map(({ outcome, signers }) => [outcome, signers]),
    [
      ['deny', []],
      ['allow', ['release: ann']],
    ],
  );
  await keeper.settled();
  const later = await open();
  before = evaluation;
  for (const name of ['web', 'web', 'other']) later.want(parsePinned(`${name}@${A}`), where);
  while (evaluation === before) await new Promise((wait) => setTimeout(wait, 5));
  while (later.of(reference(`other@${A}`), where) === undefined) await new Promise((wait) => setTimeout(wait, 5));
  await later.settled();
  assert.equal(evaluation, before + 2, 'two at once do not take the same');
  assert.equal((await ledger.statements.evidence([A])).length, 3, 'a restart tells nothing twice');
  let tries = 0;
  const failing = new EvidenceKeeper(
    ledger,
    async () => ({ policy, evaluate: async () => Promise.reject(new Error(`no ${++tries}`)) }),
    () => assert.fail(),
    () => {},
  );
  await failing.start();
  for (let i = 0; i < 50; i++) {
    failing.want(image, where);
    await new Promise((wait) => setTimeout(wait, 2));
  }
  assert.equal(tries, 1, 'what fails is not asked again and again');
  assert.equal(failing.of(image, where), undefined);
  const none = new EvidenceKeeper(
    ledger,
    async () => undefined,
    () => {},
    assert.fail,
  );
  await none.start();
  none.want(image, where);
  assert.deepEqual([none.hasPolicy, none.of(image, where)], [false, undefined]);
  await ledger.close();
});

test('figures: counts without names, in the text format', () => {
  const figures = new WatcherMetrics();
  figures.moved();
  figures.hinted(false);
  const rows = deployedOf([row('web:v1', [[A, `web@${A}`]])], known());
  const text = figures.print({
    rows,
    clusters: [{ name: 'prod', synced: true }],
    freshness: { lateMs: 1500, tags: 3, fresh: 2, objectiveMs: 300_000 },
    budget: [
      {
        registry: 'docker.io',
        credential: 'anonymous',
        perSecond: 6,
        asked: 7,
        limit: { limit: 100, remaining: 40, windowSeconds: 60 },
        restsUntil: undefined,
      },
    ],
    alarms: [{ key: 'k', code: 'unpinned', severity: 'warning', subject: 's', message: 'm', about: {} }],
    waiting: [{ sink: 'ops', count: 2 }],
  });
  for (const line of [
    'tagproof_cluster_synced{cluster="prod"} 1',
    'tagproof_containers{cluster="prod",question="unpinned"} 1',
    'tagproof_alarms{code="unpinned",severity="warning"} 1',
    'tagproof_look_late_seconds 1.5',
    'tagproof_registry_remaining{registry="docker.io"} 40',
    'tagproof_deliveries_waiting{sink="ops"} 2',
    'tagproof_tag_moves_total 1',
    'tagproof_hints_total{followed="false"} 1',
  ])
    assert.ok(text.includes(`\n${line}\n`) || text.startsWith(`${line}\n`), `${line}\n${text}`);
  assert.doesNotMatch(text, /shop|web/);
});
