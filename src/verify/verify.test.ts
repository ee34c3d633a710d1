import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { KEY_AUTHORITY } from '../../test/signing/authority.ts';
import { mine, pem, theirs } from '../../test/signing/by-key.ts';
import { loadSigners } from './verify.ts';

test('keys that cannot be used safely are refused, with the name of their authority', async () => {
  const weak = pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
  const curve = pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey);
  for (const [key, message] of [
    [weak, /at least 2048 bits, got 1024/],
    [curve, /P-256, P-384 or P-521/],
    ['-----BEGIN PUBLIC KEY-----\nx', /expected a public key/],
  ] as const) {
    await assert.rejects(
      loadSigners({ release: { ...KEY_AUTHORITY, keys: [key] } }),
      (error) => /authority 'release'/.test(String(error)) && message.test(String(error)),
    );
  }
});

test('two authorities with one key are refused: a threshold would count it twice (T37)', async () => {
  const authority = { ...KEY_AUTHORITY, keys: [pem(mine.publicKey)] };
  await assert.rejects(loadSigners({ a: authority, b: authority }), /'a' and 'b' share a key/);
  assert.equal(
    (await loadSigners({ a: { ...authority, keys: [...authority.keys, pem(theirs.publicKey)] } })).length,
    1,
  );
});
