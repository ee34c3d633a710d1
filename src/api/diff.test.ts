// How two digests differ, from what the ledger has; labels are text of strangers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, withLedger } from '../../test/watcher-fixtures.ts';
import type { ImageFacts } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { diffOf } from './diff.ts';

const facts = (more: Partial<ImageFacts> = {}): ImageFacts => ({
  platform: 'linux/amd64',
  entrypoint: '',
  cmd: '',
  user: '',
  workingDir: '',
  env: {},
  labels: {},
  layers: [],
  ...more,
});
const closure = (root: string, images: ImageFacts[]) =>
  ({ kind: 'closure', root, members: [{ digest: root, role: 'manifest' }], images }) as const;
const labelled = (source: string, revision: string) =>
  facts({ labels: { 'org.opencontainers.image.source': source, 'org.opencontainers.image.revision': revision } });
async function commits(ledger: Ledger, before: ImageFacts, after: ImageFacts) {
  await ledger.append([closure(A, [before]), closure(B, [after])]);
  return (await diffOf(ledger, A, B)).commits;
}

test(
  'what was never read has no platform and no differences: nothing is called equal',
  withLedger(async (ledger) => {
    await ledger.append([closure(A, [facts()])]);
    assert.deepEqual(await diffOf(ledger, A, B), {
      from: A,
      to: B,
      differences: [],
      signers: { from: null, to: null },
    });
  }),
);

test(
  'platforms, configuration and signers are compared',
  withLedger(async (ledger) => {
    await ledger.append([
      closure(A, [facts({ user: 'a' }), facts({ platform: 'linux/arm64' })]),
      closure(B, [facts({ user: 'b' })]),
      {
        kind: 'evidence',
        registry: 'r.io',
        repository: 'x',
        digest: A,
        outcome: 'allow',
        signers: ['ann'],
        reason: 'r',
        policy: 'p',
        source: 'watcher',
      },
    ]);
    const diff = await diffOf(ledger, A, B);
    assert.deepEqual(diff.differences, [
      { what: 'platform', from: 'linux/arm64' },
      { what: 'user', from: 'a', to: 'b' },
    ]);
    assert.deepEqual(diff.signers, { from: ['ann'], to: null });
  }),
);

test(
  'commits are linked where both revisions are commits of a project on GitHub',
  withLedger(async (ledger) =>
    assert.equal(
      await commits(
        ledger,
        labelled('https://github.com/shop/web', '4f1c9d2'),
        labelled('https://github.com/shop/web.git', 'e0a7b66'),
      ),
      'https://github.com/shop/web/compare/4f1c9d2...e0a7b66',
    ),
  ),
);

for (const [name, source, revision] of [
  ['another host', 'https://evil.test/shop/web', 'e0a7b66'],
  ['a host that only begins so', 'https://github.com.evil.test/shop/web', 'e0a7b66'],
  ['a script', 'javascript:alert(1)//github.com/shop/web', 'e0a7b66'],
  ['a user in the address', 'https://github.com@evil.test/shop/web', 'e0a7b66'],
  ['more than a project', 'https://github.com/shop/web/../../evil/x', 'e0a7b66'],
  ['a revision that is no commit', 'https://github.com/shop/web', 'main'],
  ['a revision with a path', 'https://github.com/shop/web', '../../evil'],
  ['the same revision', 'https://github.com/shop/web', '4f1c9d2'],
] as const)
  test(
    `no link is made of ${name}`,
    withLedger(async (ledger) =>
      assert.equal(
        await commits(ledger, labelled('https://github.com/shop/web', '4f1c9d2'), labelled(source, revision)),
        undefined,
      ),
    ),
  );
