// T46: a pod can name any host; the watcher reaches private addresses only of hosts that its policy names.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pinnedTo, referenceTo } from '../../../test/watcher-fixtures.ts';
import type { Config } from '../../policy/config.ts';
import { parseConfig } from '../../policy/config-file.ts';
import { Problem } from '../../problem.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';
import { openWatcherClient } from './watcher-client.ts';

const registry = new EmbeddedRegistry();
let host = '';
let digest = '';
before(async () => {
  host = await registry.listen();
  digest = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'web' });
});
after(() => registry.close());

const configOf = (json: object): Config => parseConfig(JSON.stringify(json), 'tagproof.yaml');
/** How each kind of request of the watcher ends, and what reached the registry. */
async function requests(config: Config, at = host): Promise<{ answers: unknown[]; asked: number }> {
  registry.log.length = 0;
  const { client } = openWatcherClient(config);
  const answers = await Promise.all(
    [
      client.head(referenceTo(`${at}/web:v1`)).then((answer) => answer.digest),
      client.manifest(referenceTo(`${at}/web@${digest}`)).then((answer) => answer.digest),
      client.referrers(pinnedTo(`${at}/web@${digest}`)).then((list) => list.length),
    ].map((answer) => answer.catch((error) => (error instanceof Problem ? error.code : error))),
  );
  await client.close();
  return { answers, asked: registry.log.length };
}

const REFUSED = ['refused', 'refused', 'refused'];
const rule = (pattern: string) => ({ name: 'r', images: [pattern], digest: 'required' });
const unnamed: [name: string, config: object][] = [
  ['no policy', {}],
  ['a rule for all images, which names no host', { rules: [rule('**')] }],
  ['a rule for another host', { rules: [rule('ghcr.io/**')] }],
  ['settings of another host', { registries: [{ host: 'registry.corp' }] }],
];
for (const [name, config] of unnamed)
  test(`T46: nothing reaches a private host: ${name}`, async () => {
    assert.deepEqual(await requests(configOf(config)), { answers: REFUSED, asked: 0 });
    const literal = host.replace('localhost', '127.0.0.1');
    assert.deepEqual(await requests(configOf(config), literal), { answers: REFUSED, asked: 0 });
  });

test('T46: a host that a rule or a setting names is reached, also on loopback', async () => {
  for (const config of [{ rules: [rule(`${host}/**`)] }, { registries: [{ host }] }]) {
    const { answers, asked } = await requests(configOf(config));
    assert.deepEqual(answers, [digest, digest, 0]);
    assert.ok(asked >= 3);
  }
});

test('requests are counted in the budget that comes with the client', async () => {
  const { client, budget } = openWatcherClient(configOf({ registries: [{ host }] }));
  await client.manifest(referenceTo(`${host}/web@${digest}`));
  assert.deepEqual(
    budget.show().map(({ registry: name, credential, asked }) => [name, credential, asked]),
    [[host, 'anonymous', 1]],
  );
  await client.close();
});
