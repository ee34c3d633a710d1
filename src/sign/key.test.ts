// Which keys sign, how, and what opens an encrypted one.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomBytes, scryptSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { loadSigningKey } from './key.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject, more: object = {}) =>
  key.export({ type: 'pkcs8', format: 'pem', ...more } as never) as string;
const load = (text: string, password?: string) => loadSigningKey(text, password, 'a.pem');

const kinds: [name: string, pair: { publicKey: KeyObject; privateKey: KeyObject }, details: string][] = [
  ['ECDSA P-256', ec, 'PKIX_ECDSA_P256_SHA_256'],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'PKIX_RSA_PKCS1V15_2048_SHA256'],
  ['Ed25519', generateKeyPairSync('ed25519'), 'PKIX_ED25519'],
];
for (const [name, { publicKey, privateKey }, details] of kinds)
  test(`${name}: signs with SHA-256 as its public half verifies, and is named as a log names it`, () => {
    const key = load(pem(privateKey));
    const bytes = Buffer.from('signed');
    const algorithm = name === 'Ed25519' ? null : 'sha256';
    assert.ok(verify(algorithm, bytes, publicKey, key.sign(bytes)), 'ECDSA is in DER');
    assert.ok(!verify(algorithm, Buffer.from('other'), publicKey, key.sign(bytes)));
    assert.deepEqual(key.spki, publicKey.export({ type: 'spki', format: 'der' }));
    assert.equal(key.keyDetails, details);
  });

const refused: [name: string, key: KeyObject, says: RegExp][] = [
  [
    'another curve',
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    /expected an ECDSA key on P-256, got secp384r1/,
  ],
  [
    'a short RSA key',
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
    /an RSA key of 1024 bits is too weak/,
  ],
  [
    'a key for agreement',
    generateKeyPairSync('x25519').privateKey,
    /expected an ECDSA P-256, RSA or Ed25519 key, got x25519/,
  ],
];
for (const [name, key, says] of refused)
  test(`${name} is refused`, () => {
    assert.throws(() => load(pem(key)), says);
  });

test('a public key does not sign', () => {
  assert.throws(
    () => load(ec.publicKey.export({ type: 'spki', format: 'pem' }) as string),
    /expected a private key in PEM/,
  );
});

test('encrypted PKCS#8: with its password only', () => {
  const text = pem(ec.privateKey, { cipher: 'aes-256-cbc', passphrase: 'secret' });
  assert.deepEqual(load(text, 'secret').spki, load(pem(ec.privateKey)).spki);
  assert.throws(() => load(text), /the key is encrypted: give its password in COSIGN_PASSWORD/);
  for (const wrong of ['Secret', '']) assert.throws(() => load(text, wrong), /wrong password, or a damaged key/);
});

/** cosign's own form. @param change alters its JSON */
function sealed(password: string, change: (json: Record<string, Record<string, unknown>>) => void = () => {}): string {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const params = { N: 1024, r: 8, p: 1 };
  const secret = scryptSync(password, salt, 32, params);
  const der = ec.privateKey.export({ type: 'pkcs8', format: 'der' });
  const json = {
    kdf: { name: 'scrypt', params, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(xsalsa20poly1305(secret, nonce).encrypt(der)).toString('base64'),
  };
  change(json as never);
  const body = Buffer.from(JSON.stringify(json)).toString('base64');
  return `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;
}

test('cosign’s form: with its password only, an empty one included', () => {
  assert.deepEqual(load(sealed('secret'), 'secret').spki, load(pem(ec.privateKey)).spki);
  assert.deepEqual(load(sealed(''), '').spki, load(pem(ec.privateKey)).spki);
  assert.throws(() => load(sealed('secret')), /give its password in COSIGN_PASSWORD/);
  assert.throws(() => load(sealed('secret'), 'Secret'), /a\.pem: wrong password, or a damaged key/);
});

test('cosign’s form: what a file may ask of the machine is bounded', () => {
  for (const [name, value] of Object.entries({ N: 1 << 21, r: 64, p: 32 })) {
    const text = sealed('secret', ({ kdf }) => void ((kdf?.['params'] as Record<string, number>)[name] = value));
    assert.throws(() => load(text, 'secret'), /not cosign's form of an encrypted key/, name);
  }
  const other = sealed('secret', ({ cipher }) => void ((cipher as Record<string, string>)['name'] = 'none'));
  assert.throws(() => load(other, 'secret'), /not cosign's form of an encrypted key/);
});
