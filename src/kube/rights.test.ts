// SubjectAccessReviews: only an explicit `allowed: true` is a yes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, scriptedServer, statusError } from '../../test/kube-server.ts';
import { may } from './rights.ts';

const attributes = { namespace: 'n', verb: 'bypass', group: 'g', resource: 'r' };
const subject = { user: 'u', groups: ['a'], extra: { x: ['y'] } };

const answers: [name: string, status: object, allowed: boolean][] = [
  ['allowed', { status: { allowed: true } }, true],
  ['denied', { status: { allowed: false } }, false],
  ['denied beats allowed', { status: { allowed: false, denied: true } }, false],
  ['no status', {}, false],
  ['no word of it', { status: { reason: 'x' } }, false],
  ['a text in the place of the truth value', { status: { allowed: 'true' } }, false],
];
for (const [name, status, allowed] of answers)
  test(name, async () => {
    const { client, requests, close } = await scriptedServer([json(status, 201)]);
    assert.equal(await may(client, subject, attributes), allowed);
    assert.deepEqual(JSON.parse(requests[0]?.body ?? ''), {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { ...subject, resourceAttributes: attributes },
    });
    await close();
  });

test('a server that fails is never a yes', async () => {
  const { client, close } = await scriptedServer([statusError(500)]);
  await assert.rejects(may(client, subject, attributes), /status 500/);
  await close();
});
