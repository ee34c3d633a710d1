// A registry's own history of a tag: what is taken of it, and that our own API can be read by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { RegistryClient } from './client.ts';
import { EmbeddedRegistry } from './embedded.ts';
import { readTagHistory } from './tag-history.ts';

const [A, B] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
const body = (json: unknown) => Buffer.from(JSON.stringify(json));

test('digests and times, oldest first; nothing of what is neither', () => {
  const history = [
    { digest: B, updateTimestamp: '2026-02-01T00:00:00Z' },
    { digest: A, timestamp: '2026-01-01T00:00:00+01:00' },
    { digest: null, updateTimestamp: '2026-03-01T00:00:00Z' },
    { digest: A, updateTimestamp: 'yesterday' },
    { digest: 'sha256:short', updateTimestamp: '2026-01-01T00:00:00Z' },
    null,
  ];
  assert.deepEqual(readTagHistory(body({ history }), 'r.io'), [
    { digest: A, since: '2025-12-31T23:00:00.000Z' },
    { digest: B, since: '2026-02-01T00:00:00.000Z' },
  ]);
  for (const wrong of [{}, [], { history: 'long' }, null])
    assert.throws(() => readTagHistory(body(wrong), 'r.io'), /r\.io: the history of a tag is malformed/);
});

test('the proposed path first, then Chainguard’s; a registry that has neither says so', async () => {
  const asked: string[] = [];
  let serves = '_chainguard/history';
  const registry = new EmbeddedRegistry({
    intercept: (request, response) => {
      asked.push(request.url ?? '');
      if (!request.url?.includes(serves)) return false;
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ history: [{ digest: A, updateTimestamp: '2026-01-01T00:00:00Z' }] }));
      return true;
    },
  });
  const host = await registry.listen();
  const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
  const reference = parseReference(`${host}/org/app:v1`) as Reference;
  assert.equal((await client.tagHistory(reference))?.length, 1);
  assert.deepEqual(asked, ['/v2/org/app/_oci/tag-history/v1', '/v2/org/app/_chainguard/history/v1']);
  serves = '_oci/tag-history';
  assert.equal((await client.tagHistory(reference))?.length, 1);
  serves = 'nothing';
  assert.equal(await client.tagHistory(reference), undefined);
  await client.close();
  await registry.close();
});
