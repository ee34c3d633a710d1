// The webhook against hostile registries and tags: tags that lie or return, hosts that no policy
// names, registries that hang.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { keyAuthorityYaml } from '../../test/signing/authority.ts';
import { ask, patchOf, pod, startWebhookFixture } from '../../test/webhook-fixture.ts';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { parseConfig } from '../policy/config-file.ts';
import { namesHost } from '../policy/hosts.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { signSample } from '../sign/sample.ts';
import { Leases } from './leases.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
type Intercept = NonNullable<NonNullable<ConstructorParameters<typeof EmbeddedRegistry>[0]>['intercept']>;
let intercept: Intercept = () => false;
const registry = new EmbeddedRegistry({ intercept: (...args) => intercept(...args) });
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, deadlineMs: 2000 });
let host = '';
before(async () => void (host = await registry.listen()));
after(async () => {
  await client.close();
  await registry.close();
});

async function push(repository: string, tag: string, content: string): Promise<string> {
  const digest = await pushSample(host, { repository, tag, platforms: ['linux/amd64'], content });
  await signSample(host, repository, digest, privateKey);
  return digest;
}
const policy = (more = '', at = host) =>
  `authorities:\n${keyAuthorityYaml('release', publicKey)}rules:\n  - {name: ours, images: ["${at}/**"], digest: resolve, signatures: {all: [release]}${more}}\n`;

test('T5: a tag that disagrees with its digest: the digest is verified; a rule may demand that they agree', async () => {
  const first = await push('lying', 'v1', 'one');
  const second = await push('lying', 'v1', 'two');
  const image = `${host}/lying:v1@${first}`;
  const plain = await startWebhookFixture(client, policy());
  assert.equal((await ask(plain.app, 'validate', { object: pod(image) })).allowed, true);
  const honest = await startWebhookFixture(client, policy(', tagAgrees: true'));
  const denied = await ask(honest.app, 'validate', { object: pod(image) });
  assert.match(
    denied.status?.message ?? '',
    new RegExp(`the tag v1 must still resolve to this digest, and resolves to ${second} now`),
  );
  assert.equal((await ask(honest.app, 'validate', { object: pod(`${host}/lying:v1@${second}`) })).allowed, true);
  const warning = await startWebhookFixture(client, policy(', tagAgrees: true, mode: warn'));
  const warned = await ask(warning.app, 'validate', { object: pod(image) });
  assert.match(warned.warnings?.join() ?? '', /tagproof: .*must still resolve to this digest/);
});

test('T7: a tag that returns to a digest that it had left: a warning, and a denial if a rule demands it', async () => {
  const digests = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
  let now = 0;
  const leases = new Leases(async (reference) => ({
    reference,
    digest: digests[now] as string,
    from: 'registry',
    at: '',
  }));
  const reference = parseReference('r.io/x:1') as Reference;
  const at = (seconds: number) => leases.digestOf(reference, Date.parse('2026-01-01T00:00:00Z') + seconds * 1000);
  assert.deepEqual(Object.keys(await at(0)).includes('leftAt'), false);
  now = 1;
  assert.deepEqual(Object.keys(await at(60)).includes('leftAt'), false);
  now = 0;
  assert.equal(((await at(120)) as { leftAt?: string }).leftAt, '2026-01-01T00:01:00.000Z');
  assert.equal(
    ((await at(121)) as { leftAt?: string }).leftAt,
    '2026-01-01T00:01:00.000Z',
    'for as long as the tag stays there',
  );

  const old = await push('frozen', 'v1', 'old');
  for (const [more, allowed] of [
    ['', true],
    [', noRollback: true', false],
  ] as const) {
    const config = await startWebhookFixture(client, policy(more));
    const mutate = () => ask(config.app, 'mutate', { object: pod(`${host}/frozen:v1`) });
    const { setTime } = clock();
    try {
      await push('frozen', 'v1', 'old');
      await mutate();
      await push('frozen', 'v1', 'new');
      setTime(60_000);
      assert.equal((await mutate()).warnings, undefined);
      await push('frozen', 'v1', 'old');
      setTime(120_000);
      const back = await mutate();
      assert.match(back.warnings?.join() ?? '', /the tag returned to a digest that it had left at/);
      assert.equal(patchOf(back).length, allowed ? 1 : 0);
      const decided = await ask(config.app, 'validate', {
        object: pod(patchOf(back)[0]?.value ?? `${host}/frozen:v1`),
      });
      assert.equal(decided.allowed, allowed, old);
    } finally {
      setTime(undefined);
    }
  }
});

/** Leases read Date.now. */
function clock(): { setTime: (aheadMs: number | undefined) => void } {
  const real = Date.now;
  return {
    setTime: (aheadMs) => {
      Date.now = aheadMs === undefined ? real : () => real() + aheadMs;
    },
  };
}

test('a blocked digest is denied, whatever rule or exemption would admit it', async () => {
  const good = await push('leaky', 'v1', 'good');
  const bad = await push('leaky', 'v2', 'bad');
  const blocked = `blocked: [{digest: "${bad}", repository: "${host}/leaky", reason: v2 leaks}]\n`;
  const exempt = `exemptions: [{images: ["${host}/leaky"], reason: old}]\n`;
  for (const text of [policy() + blocked, policy() + exempt + blocked, policy(', mode: warn') + blocked]) {
    const { app } = await startWebhookFixture(client, text);
    for (const image of [`${host}/leaky:v2`, `${host}/leaky@${bad}`, `${host}/leaky:v1@${bad}`]) {
      const answer = await ask(app, 'validate', { object: pod(image) });
      assert.equal(answer.allowed, false, `${image} ${text}`);
      assert.match(answer.status?.message ?? '', /is on the blocklist: v2 leaks/);
    }
    assert.equal((await ask(app, 'validate', { object: pod(`${host}/leaky@${good}`) })).allowed, true);
  }
});

test('T46: a host that only an image names is reached at public addresses only', async () => {
  let asked = 0;
  intercept = () => (asked++, false);
  const config = parseConfig('rules: [{name: all, images: ["**"], digest: resolve}]', 'test');
  const guarded = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, isNamed: namesHost(config) });
  const { app } = await startWebhookFixture(guarded, 'rules: [{name: all, images: ["**"], digest: resolve}]');
  for (const image of [
    `${host}/x:1`,
    '169.254.169.254/a:b',
    '[::1]:5000/x:1',
    '10.0.0.1:443/x:1',
    `${host.replace('localhost', '127.0.0.1')}/x:1`,
  ]) {
    const answer = await ask(app, 'validate', { object: pod(image) });
    assert.equal(answer.allowed, false, image);
  }
  assert.equal(asked, 0, 'no request was sent');
  intercept = () => false;
  await guarded.close();
  // A host that the policy names may be private.
  const named = parseConfig(
    `registries: [{host: "${host}"}]\nrules: [{name: all, images: ["**"], digest: resolve}]`,
    'test',
  );
  assert.equal(namesHost(named)(host), true);
  assert.equal(namesHost(named)('evil.test'), false);
  const elsewhere = parseConfig(
    `authorities:\n${keyAuthorityYaml('release', publicKey)}    signatureRepository: sigs.corp.test/all\n`,
    'test',
  );
  assert.equal(namesHost(elsewhere)('sigs.corp.test'), true, 'the signature repository of an authority');
  assert.equal(namesHost(parseConfig('rules: [{name: r, images: ["*.corp.test/x/**"]}]', 'test'))('a.corp.test'), true);
});

test('T40: a registry that hangs delays only the pods that need it', async () => {
  await push('quick', 'v1', 'x');
  const slow = new EmbeddedRegistry({ intercept: () => true });
  const other = await slow.listen();
  const rules = `${policy()}  - {name: slow, images: ["${other}/**"], digest: resolve}\n`;
  const { app } = await startWebhookFixture(client, rules);
  const hanging = Array.from({ length: 200 }, (_, i) =>
    ask(app, 'validate', { object: pod(`${other}/x:${i}`) }, '?timeout=3s'),
  );
  const started = performance.now();
  for (let i = 0; i < 20; i++)
    assert.equal(patchOf(await ask(app, 'mutate', { object: pod(`${host}/quick:v1`) })).length, 1);
  const took = performance.now() - started;
  const answers = await Promise.all(hanging);
  assert.ok(took < 1500, `the quick pods waited ${Math.round(took)} ms`);
  assert.ok(answers.every(({ allowed }) => !allowed));
  await slow.close();
});

test('T19: labels and annotations admit nothing; a bypass does, with a warning', async () => {
  const digest = await pushSample(host, { repository: 'unsigned', tag: '1', platforms: ['linux/amd64'], content: 'u' });
  const image = `${host}/unsigned:1@${digest}`;
  const marked = {
    ...pod(image),
    metadata: { annotations: { 'tagproof.dev/bypass': 'me' }, labels: { bypass: 'true' } },
  };
  const closed = await startWebhookFixture(client, policy());
  assert.equal((await ask(closed.app, 'validate', { object: marked })).allowed, false);
  const bypass = {
    namespace: 'n',
    name: 'night',
    images: [image],
    reason: 'incident 4711',
    until: Date.now() + 60_000,
  };
  const opened = await startWebhookFixture(client, policy(), {
    bypass: (namespace) => (namespace === 'n' ? bypass : undefined),
  });
  // Every registry is down: that may be the emergency.
  intercept = (_, response) => (response.writeHead(503).end(), true);
  const answer = await ask(opened.app, 'validate', { object: pod(image) });
  intercept = () => false;
  assert.equal(answer.allowed, true);
  assert.match(answer.warnings?.join() ?? '', /not checked: bypass 'night' until .*: incident 4711/);
  assert.equal((await ask(opened.app, 'validate', { namespace: 'm', object: pod(image) })).allowed, false);
});

test('the log of a decision contains what replaying it needs', async () => {
  const digest = await push('logged', 'v1', 'x');
  const { app, lines } = await startWebhookFixture(client, policy());
  await ask(app, 'validate', { object: pod(`${host}/logged:v1@${digest}`), userInfo: { username: 'jane' } });
  const [line] = JSON.parse(JSON.stringify(lines)) as {
    user: string;
    decisions: { evidence: { verdicts: object } }[];
  }[];
  assert.equal(line?.user, 'jane');
  assert.deepEqual(Object.keys(line?.decisions[0]?.evidence.verdicts ?? {}), ['release']);
});
