// The registry client within the budget, before a real registry on loopback.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pinnedTo, referenceTo, until } from '../../test/watcher-fixtures.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import type { RateLimit } from '../registry/throttle.ts';
import { Budget } from './budget.ts';
import { PacedClient } from './paced-client.ts';

const registry = new EmbeddedRegistry();
let host = '';
let digest = '';
before(async () => {
  host = await registry.listen();
  digest = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'web' });
});
after(() => registry.close());

function open(limit: () => RateLimit | undefined, credential?: { kind: 'basic'; username: string; password: string }) {
  let refused = 0;
  class CountingBudget extends Budget {
    override pull(...given: Parameters<Budget['pull']>): boolean {
      const granted = super.pull(...given);
      if (!granted) refused++;
      return granted;
    }
  }
  const budget = new CountingBudget(limit, (target) => client.credentialOf(target));
  const client = new PacedClient(budget, { credentials: async () => credential, isNamed: () => true });
  return { budget, client, refused: () => refused };
}

test('a poll is no pull, and needs no budget of pulls', async () => {
  const { client } = open(() => ({ limit: 100, remaining: 1, windowSeconds: 60 }));
  assert.equal((await client.head(referenceTo(`${host}/web:v1`))).digest, digest);
  await client.close();
});

test('what counts as a pull waits while less than half of the limit is left, and is counted', async () => {
  let limit: RateLimit | undefined = { limit: 100, remaining: 10, windowSeconds: 60 };
  const { client, budget, refused } = open(() => limit);
  let done = 0;
  const both = [
    client.manifest(referenceTo(`${host}/web@${digest}`)),
    client.referrers(pinnedTo(`${host}/web@${digest}`)),
  ];
  for (const request of both) void request.then(() => done++);
  // Nothing else keeps the process alive: the pauses of the client do not.
  const alive = setInterval(() => {}, 1000);
  await until('both were refused twice', () => refused() >= 4);
  assert.equal(done, 0);
  limit = undefined;
  await until('both are answered', () => done === 2);
  clearInterval(alive);
  assert.equal(budget.show()[0]?.asked, 2);
  await client.close();
});

test('the user of the credentials is known when the registry demanded them', async () => {
  const guarded = new EmbeddedRegistry({ auth: { kind: 'basic', username: 'robot', password: 'x' } });
  const target = referenceTo(`${await guarded.listen()}/web:v1`);
  const { client } = open(() => undefined, { kind: 'basic', username: 'robot', password: 'x' });
  assert.equal(client.credentialOf(target), 'anonymous');
  await client.head(target).catch(() => {}); // there is no such image
  assert.equal(client.credentialOf(target), 'robot');
  await client.close();
  await guarded.close();
});

test('docker.io is served, and announces its limit, under another host', async () => {
  const { client } = open(() => undefined);
  assert.equal(client.rateLimitOf('docker.io'), undefined);
  const limit = { limit: 100, remaining: 76, windowSeconds: 21_600 };
  client.rateLimits = () => [['registry-1.docker.io', limit]];
  assert.deepEqual(client.rateLimitOf('docker.io'), limit);
  assert.equal(client.rateLimitOf('other.io'), undefined);
  await client.close();
});
