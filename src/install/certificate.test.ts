// The certificates that the API server accepts: a CA that may sign leaves only, and leaves for the given names only.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makeAuthority, makeCertificates, makeLeaf } from './certificate.ts';

const NOW = new Date('2026-11-25T00:00:00Z');

test('the certificate is signed by its CA, for its names and addresses, and no CA itself', async () => {
  const { ca, cert } = await makeCertificates(['tagproof.svc', '127.0.0.1', '::1'], 365, NOW);
  const [authority, leaf] = [new X509Certificate(ca), new X509Certificate(cert)];
  assert.ok(leaf.verify(authority.publicKey) && leaf.checkIssued(authority));
  assert.deepEqual([authority.ca, leaf.ca], [true, false]);
  assert.equal(leaf.checkHost('tagproof.svc'), 'tagproof.svc');
  assert.equal(leaf.checkHost('evil.svc'), undefined);
  assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(leaf.checkIP('10.0.0.1'), undefined);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'server authentication only');
});

test('validity begins a day early, because clocks differ, and ends in time', async () => {
  const { ca, cert } = await makeCertificates(['a'], 30, NOW);
  for (const pem of [ca, cert]) {
    const { validFrom, validTo } = new X509Certificate(pem);
    assert.equal(Date.parse(validFrom), NOW.getTime() - 86_400_000);
    assert.equal(Date.parse(validTo), NOW.getTime() + 30 * 86_400_000);
  }
});

test('two CAs of one name: a certificate of one is not accepted for the other', async () => {
  const [first, second] = [await makeAuthority(30, NOW), await makeAuthority(30, NOW)];
  const { cert } = await makeLeaf(first, ['a'], 30, NOW);
  const leaf = new X509Certificate(cert);
  const [own, other] = [new X509Certificate(first.ca), new X509Certificate(second.ca)];
  assert.equal(own.subject, other.subject);
  assert.equal(leaf.verify(own.publicKey), true);
  assert.equal(leaf.verify(other.publicKey), false);
  assert.notEqual(own.serialNumber, other.serialNumber);
});
