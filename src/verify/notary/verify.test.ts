import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DAY } from '../../../test/signing/keys.ts';
import {
  GUN,
  keyOf,
  notaryClient,
  type RepositoryWish,
  rootKeyOf,
  signRole,
  type TestKey,
  TestNotary,
} from '../../../test/signing/notary.ts';
import type { Verdict } from '../../flow.ts';
import { parsePinned } from '../../image/reference.ts';
import { loadNotarySigner } from './signer.ts';
import { verifyNotary } from './verify.ts';

const data = mkdtempSync(join(tmpdir(), 'tagproof-notary-'));
process.env['TAGPROOF_DATA'] = data;
after(() => rmSync(data, { recursive: true, force: true }));

const HEX = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const notary = new TestNotary();
const [alice, bob, stranger] = [keyOf(), keyOf(), keyOf()] as [TestKey, TestKey, TestKey];
let servers = 0;

type Query = { signers?: string[]; roots?: string[]; tag?: string; now?: Date; server?: string };

/** The verdict about HEX under the tag `1`, from a server of its own, so that each test has its own rollback state. */
function verdictOn(files: ReadonlyMap<string, Buffer | number>, query: Query = {}): Promise<Verdict> {
  const { signers = [], roots = [notary.root.pem], tag = ':1', now = new Date() } = query;
  const server = query.server ?? `https://notary${++servers}.test`;
  const signer = loadNotarySigner('dct', { kind: 'notary', annotations: {}, server, roots, signers });
  return verifyNotary(notaryClient(files), parsePinned(`${GUN}${tag}@sha256:${HEX}`), signer, now);
}
const tags = { '1': HEX };

const cases: [name: string, kind: Verdict['kind'], wish: RepositoryWish, query?: Query, says?: RegExp][] = [
  ['the tag has this digest', 'verified', { tags }],
  ['the tag has another digest', 'invalid', { tags: { '1': OTHER } }, {}, /gives .*:1 the digest sha256:b/],
  ['the tag is not signed', 'unsigned', { tags: { '2': HEX } }],
  ['without a tag, any tag with this digest', 'verified', { tags: { '2': HEX } }, { tag: '' }],
  ['without a tag, and none with this digest', 'unsigned', { tags: { '2': OTHER } }, { tag: '' }],
  ['a root that is not pinned', 'others', { tags }, { roots: [rootKeyOf().pem] }],
  ['a pinned key that the root does not use', 'others', { tags }, { roots: [stranger.pem] }],
  // delegations
  ['the releases role decides', 'verified', { delegations: { releases: { key: alice, tags } } }],
  [
    'the releases role decides over targets',
    'invalid',
    { tags, delegations: { releases: { key: alice, tags: { '1': OTHER } } } },
  ],
  ['a named signer', 'verified', { delegations: { alice: { key: alice, tags } } }, { signers: ['alice'] }],
  ['targets does not stand in for a named signer', 'others', { tags }, { signers: ['alice'] }],
  [
    'every named signer must sign',
    'others',
    { delegations: { alice: { key: alice, tags }, bob: { key: bob, tags: {} } } },
    { signers: ['alice', 'bob'] },
  ],
  [
    'two named signers disagree',
    'invalid',
    { delegations: { alice: { key: alice, tags }, bob: { key: bob, tags: { '1': OTHER } } } },
    { signers: ['alice', 'bob'] },
  ],
  [
    'a signer may sign only tags below its paths',
    'others',
    { delegations: { alice: { key: alice, tags, paths: ['2'] } } },
    { signers: ['alice'] },
  ],
  [
    'a delegation signed by another key',
    'invalid',
    { delegations: { alice: { key: alice, tags } }, signers: { 'targets/alice': [stranger] } },
    { signers: ['alice'] },
    /targets\/alice: 0 of the 1 signatures/,
  ],
  [
    'a delegation that the snapshot does not list',
    'others',
    { delegations: { alice: { key: alice, tags, unlisted: true } } },
    { signers: ['alice'] },
  ],
];
for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
  const kind = role === 'root' ? 'others' : 'invalid';
  cases.push(
    [`${role} signed by another key`, kind, { tags, signers: { [role]: [stranger] } }],
    [`${role} not signed`, kind, { tags, signers: { [role]: [] } }],
    [`${role} of another type`, 'invalid', { tags, change: (of, it) => void (of === role && (it._type = 'X')) }],
  );
  cases.push([
    `${role} expired`,
    'invalid',
    { tags, change: (of, it) => void (of === role && (it.expires = new Date(Date.now() - 1000).toISOString())) },
    {},
    new RegExp(`${role} expired on`),
  ]);
}
for (const role of ['snapshot', 'targets'] as const)
  cases.push([
    `${role} replaced by another one that its key signed`,
    'invalid',
    { tags, replace: (of, bytes) => (of === role ? Buffer.concat([bytes, Buffer.from(' ')]) : bytes) },
    {},
    new RegExp(`${role} has \\d+ bytes, expected`),
  ]);
for (const [name, kind, wish, query, says] of cases) {
  test(`Notary: ${name}`, async () => {
    const verdict = await verdictOn(notary.files(wish), query);
    assert.equal(verdict.kind, kind, JSON.stringify(verdict));
    if (says !== undefined) assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : '', says);
  });
}

test('Notary: the root that the snapshot names must be the one that was served', async () => {
  const files = notary.files({ tags });
  files.set('root', signRole({ ...notary.rootData(), extra: 1 }, [notary.root]));
  const verdict = await verdictOn(files);
  assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : verdict.kind, /root has \d+ bytes/);
});

test('Notary: "the server has none" is unsigned, everything else that fails is unchecked', async () => {
  assert.equal((await verdictOn(new Map())).kind, 'unsigned');
  for (const status of [401, 403, 404, 429, 500])
    assert.equal((await verdictOn(new Map([['root', status]]))).kind, 'unchecked', String(status));
  for (const name of notary.files({ tags }).keys()) {
    const files = notary.files({ tags });
    const missing = [...files.keys()].find((key) => key.split('.')[0] === name.split('.')[0]) as string;
    files.delete(missing);
    const { kind } = await verdictOn(files);
    assert.equal(kind, missing === 'root' ? 'unsigned' : 'invalid', missing);
  }
});

test('Notary: older metadata, though validly signed, is a rollback (T7); the same version is not', async () => {
  const server = 'https://rollback.test';
  assert.equal((await verdictOn(notary.files({ tags, version: 2 }), { server })).kind, 'verified');
  assert.equal((await verdictOn(notary.files({ tags, version: 2 }), { server })).kind, 'verified');
  for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
    const change = (of: string, it: { version: number }) => void (of === role && (it.version = 1));
    const verdict = await verdictOn(notary.files({ tags, version: 2, change }), { server });
    assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : verdict.kind, /rolled back/, role);
  }
  assert.equal((await verdictOn(notary.files({ tags, version: 1 }), { server: 'https://new.test' })).kind, 'verified');
});

test('Notary: a delegation rolls back too', async () => {
  const server = 'https://delegation.test';
  const delegations = { alice: { key: alice, tags } };
  const signers = ['alice'];
  assert.equal((await verdictOn(notary.files({ delegations, version: 3 }), { server, signers })).kind, 'verified');
  const change = (of: string, it: { version: number }) => void (of === 'targets/alice' && (it.version = 2));
  const old = await verdictOn(notary.files({ delegations, version: 3, change }), { server, signers });
  assert.match(old.kind === 'invalid' ? old.reasons.join() : old.kind, /targets\/alice has version 2/);
});

test('Notary: everything expires', async () => {
  const later = new Date(Date.now() + 2 * DAY);
  const verdict = await verdictOn(notary.files({ tags }), { now: later });
  assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : verdict.kind, /expired on|ended on/);
});

test('Docker Hub without a server of its own is refused: its Notary server is retired', async () => {
  const signer = loadNotarySigner('dct', { kind: 'notary', annotations: {}, roots: [notary.root.pem], signers: [] });
  const verdict = await verifyNotary(notaryClient(new Map()), parsePinned(`nginx:1@sha256:${HEX}`), signer, new Date());
  assert.match(verdict.kind === 'unchecked' ? verdict.problem.message : verdict.kind, /retires Docker Content Trust/);
});
