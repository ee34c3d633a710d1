// What the dashboard shows in its test: rows of each kind, and a ledger with their history.
import type { Source } from '../../src/api/deployed-page.ts';
import type { DeployedContainer } from '../../src/inventory/deployed.ts';
import type { ImageFacts } from '../../src/ledger/event.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { deployedRow, identifiedAs } from '../deployed.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
export const [A, B, C] = [digest('a'), digest('b'), digest('c')];

const LIMIT = { limit: 100, remaining: 40, windowSeconds: 21_600 };
const checked = Date.now() - 120_000;
const signed = { outcome: 'allow', signers: ['release: key 3fa1'], reason: 'signed', checked, since: 0 } as const;
const unsigned = { outcome: 'deny', signers: [], reason: 'not signed at all', checked, since: 0 } as const;
export const ROWS: DeployedContainer[] = [
  deployedRow('web', A, {
    running: [
      identifiedAs(
        A,
        { state: 'moved', now: B },
        { pods: 9, nodes: ['n1'], evidence: signed, pullable: { digest: A, served: false, checked } },
      ),
      identifiedAs(
        B,
        { state: 'same' },
        {
          pods: 1,
          nodes: ['n2'],
          evidence: unsigned,
          pullable: { digest: B, served: true, checked },
          blocked: 'it leaks',
        },
      ),
    ],
    mixed: true,
    hold: { digest: A, reason: 'v2 leaks', by: 'ann', since: new Date(checked).toISOString() },
  }),
  deployedRow('worker', C, {
    pinned: 'both',
    declared: [`registry.test/shop/worker:v1@${C}`],
    running: [
      identifiedAs(C, { state: 'exact' }, { evidence: signed, pullable: { digest: C, served: true, checked } }),
    ],
  }),
  deployedRow('silent', A, {
    running: [identifiedAs(A, { state: 'unknown', reason: 'registry.test did not answer' })],
  }),
  ...Array.from({ length: 150 }, (_, i) =>
    deployedRow(`filler-${String(i).padStart(3, '0')}`, A, {
      namespace: 'lab',
      running: [
        identifiedAs(A, { state: 'same' }, { evidence: signed, pullable: { digest: A, served: true, checked } }),
      ],
    }),
  ),
];
const image = (revision: string, env: string): ImageFacts => ({
  platform: 'linux/amd64',
  entrypoint: '/web',
  cmd: '',
  user: '',
  workingDir: '',
  env: { COLLECT_TO: env },
  labels: {
    'org.opencontainers.image.source': 'https://github.com/shop/web',
    'org.opencontainers.image.revision': revision,
  },
  layers: [[C, 7]],
});
const closure = (of: string, facts: ImageFacts) =>
  ({ kind: 'closure', root: of, members: [{ digest: of, role: 'manifest' }], images: [facts] }) as const;

/** What the rows ran and what their tags pointed to in the last three days. */
export async function recordedLedger(): Promise<Ledger> {
  const ledger = await openLedger(':memory:');
  const hours = (count: number) => new Date(Date.now() - count * 3_600_000);
  const run = (of: string, pods: number) =>
    ({
      kind: 'run',
      cluster: 'prod',
      namespace: 'shop',
      workload: { kind: 'Deployment', name: 'web' },
      container: 'main',
      type: 'container',
      image: 'registry.test/shop/web:v1',
      digest: of,
      pods,
    }) as const;
  const tag = (of: string) =>
    ({
      kind: 'tag',
      registry: 'registry.test',
      repository: 'shop/web',
      tag: 'v1',
      digest: of,
      source: 'poll',
    }) as const;
  await ledger.append([tag(C), run(C, 3)], hours(72));
  await ledger.append([tag(A), run(C, 0), run(A, 9)], hours(30));
  await ledger.append([tag(B), run(B, 1)], hours(5));
  await ledger.append([closure(A, image('4f1c9d2', '0')), closure(B, image('e0a7b66', '1'))]);
  const evidence = {
    kind: 'evidence',
    registry: 'registry.test',
    repository: 'shop/web',
    policy: 'sha256:p',
    source: 'watcher',
  } as const;
  await ledger.append([{ ...evidence, digest: A, outcome: 'allow', signers: ['release: key 3fa1'], reason: 'signed' }]);
  const about = { cluster: 'prod', namespace: 'shop', kind: 'Deployment', name: 'web', container: 'main' };
  const alarm = {
    key: 'x',
    code: 'mixed-replicas',
    severity: 'critical',
    subject: 'shop/Deployment/web main',
  } as const;
  await ledger.alarms.fire([{ ...alarm, message: 'A on 9 pods, B on 1', about }], 'prod', () => [
    { sink: 'ops', body: '' },
  ]);
  return ledger;
}

export function sourceOf(rows: () => readonly DeployedContainer[]): Source {
  return {
    deployed: rows,
    synced: true,
    clusters: [{ name: 'prod', synced: true }],
    hasPolicy: true,
    freshness: { lateMs: 0, tags: 4, fresh: 4, objectiveMs: 300_000 },
    polls: () => ({
      budget: [
        {
          registry: 'docker.io',
          credential: 'robot',
          perSecond: 0.002,
          asked: 7,
          limit: LIMIT,
          restsUntil: undefined,
        },
      ],
      next: [{ key: 'registry.test/shop/web:v1', due: Date.now() + 600_000, checked, failure: null }],
    }),
    metrics: async () => '',
    onChange: () => () => {},
  };
}
