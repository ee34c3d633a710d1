import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { mine, pem } from '../../../test/signing/by-key.ts';
import { loadKey } from './key.ts';

const SETTINGS = { hashAlgorithm: 'sha256', rsaScheme: 'pkcs1' } as const;

test('keys: each kind in its one way', async () => {
  const bytes = Buffer.from('text');
  const check = async (key: KeyObject, signed: Buffer, settings: Parameters<typeof loadKey>[1] = SETTINGS) =>
    loadKey(pem(key), settings).verifies(bytes, signed);
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  assert.ok(
    await check(p384.publicKey, sign('sha384', bytes, p384.privateKey), { ...SETTINGS, hashAlgorithm: 'sha384' }),
  );
  assert.ok(!(await check(p384.publicKey, sign('sha384', bytes, p384.privateKey))));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pss = sign('sha256', bytes, { key: rsa.privateKey, padding: 6, saltLength: 32 });
  assert.ok(await check(rsa.publicKey, sign('sha256', bytes, rsa.privateKey)));
  assert.ok(await check(rsa.publicKey, pss, { ...SETTINGS, rsaScheme: 'pss' }));
  assert.ok(!(await check(rsa.publicKey, pss)), 'the scheme comes from the policy');
  const ed = generateKeyPairSync('ed25519');
  assert.ok(await check(ed.publicKey, sign(null, bytes, ed.privateKey)));
  const seed = ed.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  assert.ok(await check(ed.publicKey, Buffer.from(ed25519ph.sign(bytes, seed))));
  assert.ok(!(await check(ed.publicKey, Buffer.from('not a signature'))));
});

test('a key is named by the hash of its SPKI', async () => {
  const id = createHash('sha256')
    .update(mine.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  assert.equal(loadKey(pem(mine.publicKey), SETTINGS).id, id);
});
