// What a node would pull again for a running container, and whether it could.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, C, digestOf as digest } from '../../test/watcher-fixtures.ts';
import { deployedOf, FILTERS, type Knowledge } from './deployed.ts';
import type { ImageClosure } from './image-identity.ts';
import type { Row } from './inventory.ts';

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

test('what a node would pull again, whether it is served, and for which platforms', () => {
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
  assert.equal(unseen?.running[0]?.pullable?.served, null, 'not polled yet');
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
