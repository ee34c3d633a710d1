// What must be looked up about deployed containers: the table is the specification.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedRow, identifiedAs } from '../../test/deployed.ts';
import { A, B } from '../../test/watcher-fixtures.ts';
import type { DeployedContainer } from '../inventory/deployed.ts';
import { pollKey } from '../inventory/deployed.ts';
import { needsOf, polledReferences } from './needs.ts';

const rowOf = (declared: string, running: Parameters<typeof identifiedAs>[2][] = []): DeployedContainer =>
  deployedRow('web', A, {
    declared: [declared],
    running: running.map((more) => identifiedAs(A, { state: 'same' }, { image: declared, ...more })),
  });

test('polled are the tags in use, and the digests that a node would have to pull again', () => {
  const pullable = { digest: B, served: null, checked: null };
  const cases: [name: string, row: DeployedContainer, keys: string[]][] = [
    ['a tag', rowOf('nginx:1'), ['docker.io/library/nginx:1']],
    ['no tag is latest', rowOf('nginx'), ['docker.io/library/nginx:latest']],
    ['a digest alone has no tag', rowOf(`nginx@${A}`), [`docker.io/library/nginx:${A}`]],
    ['both', rowOf(`nginx:1@${A}`), ['docker.io/library/nginx:1', `docker.io/library/nginx:${A}`]],
    ['what runs', rowOf('nginx:1', [{ pullable }]), ['docker.io/library/nginx:1', `docker.io/library/nginx:${B}`]],
    ['what cannot be pulled by its name', rowOf('nginx:1', [{ pullable: null }]), ['docker.io/library/nginx:1']],
    ['no reference', rowOf('NOT VALID', [{ pullable }]), []],
  ];
  for (const [name, row, keys] of cases) assert.deepEqual([...polledReferences([row])].map(pollKey), keys, name);
});

test('closures and signatures are needed of what is declared, and of what runs; urgent where they differ', () => {
  const needs = (row: DeployedContainer, digest: string | null | undefined) =>
    [...needsOf([row], () => digest)].map(({ reference, closure }) => [reference.digest, closure]);
  const pullable = (digest: string) => ({ digest, served: true, checked: 0 });
  const cases: [name: string, row: DeployedContainer, tag: string | null | undefined, needs: unknown[]][] = [
    ['the tag is what runs', rowOf('nginx:1', [{ pullable: pullable(A) }]), A, [[A, 'later']]],
    [
      'the tag moved',
      rowOf('nginx:1', [{ pullable: pullable(A) }]),
      B,
      [
        [B, 'urgent'],
        [A, undefined],
      ],
    ],
    ['a part of the index', rowOf('nginx:1', [{ pullable: pullable(B) }]), B, [[B, 'urgent']]],
    ['the tag was not polled yet', rowOf('nginx:1', [{ pullable: pullable(A) }]), undefined, [[A, undefined]]],
    ['the tag is gone', rowOf('nginx:1', [{ pullable: pullable(A) }]), null, [[A, undefined]]],
    ['pinned', rowOf(`nginx@${A}`, [{ pullable: pullable(A) }]), undefined, [[A, 'later']]],
    ['pinned, and another runs', rowOf(`nginx@${B}`, [{ pullable: null }]), undefined, [[B, 'urgent']]],
    ['nothing reported yet', rowOf('nginx:1', [{ digest: undefined, pullable: null }]), A, [[A, 'later']]],
    ['no reference', rowOf('NOT VALID', [{ pullable: null }]), A, []],
  ];
  for (const [name, row, tag, expected] of cases) assert.deepEqual(needs(row, tag), expected, name);
});
