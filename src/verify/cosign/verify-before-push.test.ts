// A signature that was just made is pushed only if it would verify: its claim, its bytes, its certificate and each of its proofs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest, entryOf, stack, subject, trust } from '../../../test/signing/keyless.ts';
import { MINUTE, pair, spkiOf } from '../../../test/signing/keys.ts';
import type { BundleWish } from '../../../test/signing/sigstore-stack.ts';
import { fromBundle, type Material } from './material.ts';
import { verifyBeforePush } from './verify-before-push.ts';

const key = pair();
const other = pair();
const spki = spkiOf(key.publicKey);
type Json = ReturnType<typeof stack.bundle>;

/** What is wrong with a bundle by a plain key, or by the certificate in it. */
function wrongWith(wish: Partial<BundleWish>, change: (bundle: Json) => void = () => {}, signer?: Buffer) {
  const bundle = stack.bundle({ digest, ...wish });
  change(bundle);
  const material = fromBundle(Buffer.from(JSON.stringify(bundle))) as Material;
  assert.ok(!('malformed' in material), JSON.stringify(material));
  const own = material.certificate === undefined ? spki : spkiIn(material.certificate);
  return verifyBeforePush(material, subject, trust, signer ?? own);
}

/** The key of a certificate: its bytes are those of a P-256 key after its head. */
function spkiIn(certificate: Buffer): Buffer {
  const at = certificate.indexOf(spki.subarray(0, 27));
  return certificate.subarray(at, at + spki.length);
}

test('a signature by key, with and without log entry, and a keyless one', () => {
  for (const log of ['none', 'rekor1', 'rekor2'] as const) assert.equal(wrongWith({ key, log }), undefined, log);
  assert.equal(wrongWith({}), undefined);
  assert.equal(wrongWith({ log: 'rekor2', stamp: true }), undefined);
  assert.equal(wrongWith({ log: 'none', stamp: true }), undefined);
});

const wrong: [name: string, wish: Partial<BundleWish>, says: RegExp, change?: (bundle: Json) => void][] = [
  ['another digest', { key, log: 'none', digest: `sha256:${'e'.repeat(64)}` }, /about another digest/],
  ['another key', { key: other, log: 'none' }, /the signature is wrong/],
  ['a log entry about another signature', { key, entry: { signature: Buffer.from('x') } }, /proofs do not hold/],
  ['a log entry by another signer', { key, entry: { signer: spkiOf(other.publicKey) } }, /another signer/],
  ['a certificate that no log knows', { scts: 0 }, /proofs do not hold/],
  ['a certificate whose log is not trusted', { sctKey: other.privateKey }, /proofs do not hold/],
  ['a certificate for another purpose', { without: ['2.5.29.37'] }, /purpose|usage/],
  ['a log entry whose promise is forged', { key }, /proofs do not hold/, forgePromise],
  ['a time stamp over something else', { key, log: 'none', stamp: true }, /proofs do not hold/, stampOther],
  [
    'a certificate that has ended before its time stamp',
    { log: 'none', stamp: true, ...ended() },
    /proofs do not hold/,
  ],
];
for (const [name, wish, says, change] of wrong)
  test(`refused: ${name}`, () => {
    assert.match(wrongWith(wish, change) ?? 'nothing is wrong', says);
  });

test('refused: a signature by key whose log is in no trust root', () => {
  const material = fromBundle(Buffer.from(JSON.stringify(stack.bundle({ digest, key })))) as Material;
  assert.match(verifyBeforePush(material, subject, undefined, spki) ?? 'nothing is wrong', /proofs do not hold/);
});

function forgePromise(bundle: Json): void {
  entryOf(bundle).integratedTime = String(Number(entryOf(bundle).integratedTime) - 60);
}

function stampOther(bundle: Json): void {
  const [stamp] = (
    bundle.verificationMaterial['timestampVerificationData'] as { rfc3161Timestamps: { signedTimestamp: string }[] }
  ).rfc3161Timestamps;
  if (stamp !== undefined) stamp.signedTimestamp = stack.stamp(Buffer.from('other')).toString('base64');
}

function ended() {
  const now = stack.now.getTime();
  return { from: new Date(now - 30 * MINUTE), to: new Date(now - 20 * MINUTE) };
}
