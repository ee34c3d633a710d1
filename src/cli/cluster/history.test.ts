// tagproof history and where: from the ledger, and from a registry that keeps its own history.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { historyOf } from '../../api/tag-history.ts';
import { openLedger } from '../../ledger/open.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { readTagHistory } from '../../registry/tag-history.ts';

const MAIN = resolve('src/cli/main.ts');
const [A, B, C] = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string, string];
const folder = mkdtempSync(join(tmpdir(), 'tagproof-history-'));
let served: object | undefined;
const registry = new EmbeddedRegistry({
  intercept: (request, response) => {
    if (served === undefined || !request.url?.includes('tag-history')) return false;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(served));
    return true;
  },
});
let host = '';
before(async () => {
  host = await registry.listen();
  writeFileSync(join(folder, 'tagproof.yaml'), `registries: [{host: "${host}"}]\n`);
});
after(async () => {
  await registry.close();
  rmSync(folder, { recursive: true });
});

const tagproof = (...args: string[]): Promise<{ code: number; out: string }> =>
  new Promise((done) => {
    const env = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' };
    execFile(process.execPath, [MAIN, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), out: stdout + stderr }),
    );
  });
const inLedger = async <T>(task: (ledger: Awaited<ReturnType<typeof openLedger>>) => Promise<T>) => {
  const ledger = await openLedger(join(folder, 'tagproof.db'));
  try {
    return await task(ledger);
  } finally {
    await ledger.close();
  }
};

test('a registry’s own history is shown, and on request added for the time before the ledger’s own', async () => {
  const image = `${host}/org/app:v1`;
  const none = await tagproof('history', image, '--from-registry');
  assert.equal(none.code, 2);
  assert.match(none.out, /keeps no history of its tags: tagproof serve watcher records it from now on/);
  served = {
    history: [
      { digest: C, updateTimestamp: '2026-03-01T00:00:00Z' },
      { digest: B, updateTimestamp: '2026-02-01T00:00:00Z' },
      { digest: A, updateTimestamp: '2026-01-01T00:00:00Z' },
    ],
  };
  const shown = await tagproof('history', image, '--from-registry');
  assert.match(shown.out, /sha256:cccccccccccc +2026-03-01T00:00:00Z +now +history[\s\S]*sha256:aaaaaaaaaaaa/);
  // The ledger's own history begins in the middle of February.
  await inLedger((ledger) =>
    ledger.append(
      [{ kind: 'tag', registry: host, repository: 'org/app', tag: 'v1', digest: B, source: 'poll' }],
      new Date('2026-02-15T00:00:00Z'),
    ),
  );
  for (const added of [2, 0]) {
    const kept = await tagproof('history', image, '--from-registry', '--keep');
    assert.match(kept.out, new RegExp(`${added} entr(y|ies) of it added to the ledger`), kept.out);
  }
  const own = await inLedger((ledger) => ledger.tagHistory(host, 'org/app', 'v1'));
  assert.deepEqual(
    own.map(({ digest, since, until, source }) => [digest, since.slice(0, 10), until?.slice(0, 10), source]),
    [
      [B, '2026-02-15', undefined, 'poll'],
      [B, '2026-02-01', '2026-02-15', 'history'],
      [A, '2026-01-01', '2026-02-01', 'history'],
    ],
    'the ledger’s own history stays as it is',
  );
  const ours = readTagHistory(Buffer.from(JSON.stringify(historyOf(own))), host);
  assert.deepEqual(
    ours.map(({ digest }) => digest),
    [A, B, B],
    'the history that we serve is read by the same reader',
  );
});

test('a workload: what it ran, who changed it, and the evidence on which it was admitted', async () => {
  const at = (hour: number) => new Date(Date.UTC(2026, 10, 24, hour));
  const run = (digest: string, pods: number, revision: string, actor: string) =>
    ({
      kind: 'run',
      cluster: 'prod',
      namespace: 'shop',
      workload: { kind: 'Deployment', name: 'web' },
      container: 'c',
      type: 'container',
      image: 'web:v1',
      digest,
      pods,
      revision,
      actor,
    }) as const;
  const evidence = (source: 'admission' | 'watcher', signers: string[]) =>
    ({
      kind: 'evidence',
      registry: 'docker.io',
      repository: 'library/web',
      digest: B,
      outcome: 'allow',
      signers,
      reason: 'because',
      policy: 'sha256:p',
      source,
    }) as const;
  await inLedger(async (ledger) => {
    await ledger.append([run(A, 1, '1', 'helm')], at(1));
    await ledger.append([evidence('admission', ['release: ann'])], at(2));
    await ledger.append([run(A, 0, '1', 'helm'), run(B, 1, '2', 'bob')], at(3));
    await ledger.append([evidence('watcher', ['release: eve'])], at(4));
  });
  const { code, out } = await tagproof('history', 'shop/Deployment/web');
  assert.equal(code, 0, out);
  assert.match(out, /sha256:bbbbbbbbbbbb .* now +revision 2, bob +admitted: signed by release: ann/);
  assert.match(out, /sha256:aaaaaaaaaaaa .*revision 1, helm +none recorded/);
});
