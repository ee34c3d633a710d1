import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as der from '../../../test/signing/der.ts';
import { DAY, pair, spkiOf } from '../../../test/signing/keys.ts';
import { GUN, rootKeyOf, type Signed, signRole, type TestKey, TestNotary } from '../../../test/signing/notary.ts';
import { Disorder, Root, readRole } from './metadata.ts';
import { trustRoot } from './root.ts';
import { loadNotarySigner } from './signer.ts';

const notary = new TestNotary();
const now = new Date();
const second = rootKeyOf();
const third = rootKeyOf();

/** Roots by version: their data and who signed them. */
type Roots = Record<number, { data: Signed; by: TestKey[] }>;

async function trust(roots: Roots, pins: string[], at = now) {
  const pinned = loadNotarySigner('x', { kind: 'notary', annotations: {}, roots: pins, signers: [] });
  const files = Object.entries(roots).map(([version, { data, by }]) => [Number(version), signRole(data, by)] as const);
  const byVersion = new Map(files);
  const latest = readRole(files.at(-1)?.[1] as Buffer, Root, 'root');
  return trustRoot(latest, {
    pins: pinned,
    gun: GUN,
    now: at,
    fetchVersion: async (version) => byVersion.get(version),
  });
}

const one = { data: notary.rootData(1), by: [notary.root] };
const two = { data: notary.rootData(2, [second]), by: [notary.root, second] };
const three = { data: notary.rootData(3, [third]), by: [second, third] };

test('a pinned root, and rotations that lead back to it step by step', async () => {
  assert.equal((await trust({ 1: one }, [notary.root.pem]))?.data.version, 1);
  assert.equal((await trust({ 1: one, 2: two, 3: three }, [notary.root.pem]))?.data.version, 3);
  assert.equal((await trust({ 1: one, 2: two, 3: three }, [third.pem]))?.data.version, 3, 'pinned at the latest');
});

test('a root that does not lead back to a pin is trusted by nobody', async () => {
  assert.equal(await trust({ 1: one }, [second.pem]), undefined);
  assert.equal(await trust({ 2: two, 3: three }, [notary.root.pem]), undefined, 'version 1 is not there');
});

const faults: [name: string, roots: Roots, says: RegExp][] = [
  [
    'not signed by the keys before',
    { 1: one, 2: { ...two, by: [second] } },
    /not signed by the keys of the root before/,
  ],
  ['not signed by its own keys', { 1: one, 2: { ...two, by: [notary.root] } }, /too few signatures/],
  ['a step in between is not signed', { 1: one, 2: two, 3: { ...three, by: [third] } }, /root 3 is not signed/],
  ['a file of another version', { 1: { ...one, data: notary.rootData(7) }, 2: two }, /root 1 says it is version 7/],
];
for (const [name, roots, says] of faults)
  test(`root rotation: ${name}`, () =>
    assert.rejects(trust(roots, [notary.root.pem]), (error) => error instanceof Disorder && says.test(error.message)));

test('a threshold of two needs two pinned keys', async () => {
  const both = notary.rootData(1, [notary.root, second]);
  both.roles.root.threshold = 2;
  const signed = { 1: { data: both, by: [notary.root, second] } };
  assert.equal(await trust(signed, [notary.root.pem]), undefined);
  assert.ok(await trust(signed, [notary.root.pem, second.pem]));
  const same = notary.rootData(1, [notary.root]);
  same.roles.root = { keyids: [notary.root.id, notary.root.id], threshold: 2 };
  assert.equal(
    await trust({ 1: { data: same, by: [notary.root, notary.root] } }, [notary.root.pem]),
    undefined,
    'twice the same',
  );
});

test('the root certificate: for this name, in its time, no authority, no SHA-1', async () => {
  const day = (days: number) => new Date(now.getTime() + days * DAY);
  const certificates: [name: string, more: Partial<der.Certificate>, says: RegExp | undefined][] = [
    ['a prefix', { subject: { CN: 'registry.test/org/*' } }, undefined],
    ['another prefix', { subject: { CN: 'registry.test/other/*' } }, /not for registry\.test\/org\/app/],
    ['a bare star', { subject: { CN: '*' } }, /is for \*/],
    ['another name', { subject: { CN: 'registry.test/org/app2' } }, /is for registry\.test\/org\/app2/],
    ['no name', { subject: { O: 'x' } }, /is for no name/],
    ['ended', { to: day(-0.5) }, /ended on/],
    ['not valid yet', { from: day(2), to: day(3) }, /not valid yet/],
    ['a day of tolerance', { from: day(0.5), to: day(3) }, undefined],
    ['an authority', { extensions: [der.EXTENSIONS.authority(), der.EXTENSIONS.usage(0x04)] }, /certificate authority/],
    ['SHA-1', { hash: 'sha1' }, /SHA-1/],
  ];
  for (const [name, more, says] of certificates) {
    const key = rootKeyOf(more);
    const result = trust({ 1: { data: notary.rootData(1, [key]), by: [key] } }, [key.pem]);
    if (says === undefined) assert.ok(await result, name);
    else await assert.rejects(result, says, name);
  }
});

test('a pinned authority vouches for the root certificates that it issued, and only for those', async () => {
  const { publicKey, privateKey } = pair();
  const CA = { CN: 'own CA' };
  const term = { from: new Date(now.getTime() - DAY), to: new Date(now.getTime() + DAY) };
  const extensions = [der.EXTENSIONS.authority(), der.EXTENSIONS.usage(0x04)];
  const authority = der.certificate({
    subject: CA,
    issuer: CA,
    spki: spkiOf(publicKey),
    signer: privateKey,
    ...term,
    extensions,
  });
  const plain = der.certificate({
    subject: CA,
    issuer: CA,
    spki: spkiOf(publicKey),
    signer: privateKey,
    ...term,
    extensions: [],
  });
  const issued = rootKeyOf({ issuer: CA, signer: privateKey });
  const forged = rootKeyOf({ issuer: CA });
  const by = (key: TestKey) => ({ 1: { data: notary.rootData(1, [key]), by: [key] } });
  assert.ok(new X509Certificate(authority).ca);
  assert.ok(await trust(by(issued), [der.pem(authority)]));
  assert.equal(await trust(by(forged), [der.pem(authority)]), undefined, 'names the authority, which did not sign it');
  assert.equal(await trust(by(issued), [der.pem(plain)]), undefined, 'a pin that is no authority');
});
