// Renewal step by step, over years: at every moment the served certificate is trusted by what the
// API server has.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { AUTHORITY_DAYS, LEAF_DAYS, renewal, type StoredCertificate } from './serving-certificate.ts';

const NAMES = ['tagproof-admission.tagproof.svc'];
const DAY = 86_400_000;

/** As in RFC 5280, without revocation: issued by a CA of the bundle that is valid itself. */
function isTrusted({ cert }: StoredCertificate, bundle: readonly string[], now: number): boolean {
  const leaf = new X509Certificate(cert);
  const isValidAt = (of: X509Certificate) => Date.parse(of.validFrom) <= now && now < Date.parse(of.validTo);
  return (
    isValidAt(leaf) &&
    bundle
      .map((pem) => new X509Certificate(pem))
      .some((ca) => isValidAt(ca) && leaf.checkIssued(ca) && leaf.verify(ca.publicKey))
  );
}

test('seven years, a check each day: never a gap, certificates and CAs renewed in time, old CAs removed', async () => {
  const start = Date.parse('2026-11-24T00:00:00Z');
  let stored = (await renewal(undefined, NAMES, false, new Date(start))) as StoredCertificate;
  let published: readonly string[] = [];
  const leaves = new Set([stored.cert]);
  const authorities = new Set(stored.bundle);
  for (let day = 0; day < 7 * 365; day += 1) {
    const now = start + day * DAY;
    const already = JSON.stringify(published) === JSON.stringify(stored.bundle);
    published = stored.bundle;
    assert.ok(isTrusted(stored, published, now), `day ${day}`);
    const next = await renewal(stored, NAMES, already, new Date(now));
    if (next === undefined) continue;
    // The API server still has the bundle from before this check.
    assert.ok(isTrusted(next, published, now), `day ${day}, the next one`);
    stored = next;
    leaves.add(stored.cert);
    for (const pem of stored.bundle) authorities.add(pem);
    assert.ok(stored.bundle.length <= 2, `day ${day}: ${stored.bundle.length} authorities`);
  }
  assert.ok(leaves.size >= (7 * 365) / LEAF_DAYS && leaves.size < (7 * 365) / 20, String(leaves.size));
  assert.ok(
    authorities.size >= Math.floor((7 * 365) / AUTHORITY_DAYS) && authorities.size <= 6,
    String(authorities.size),
  );
});

test('no certificate is served by a CA that the API server does not trust yet', async () => {
  const then = new Date();
  const first = (await renewal(undefined, NAMES, false, then)) as StoredCertificate;
  const later = new Date(then.getTime() + (AUTHORITY_DAYS - 30) * DAY);
  const second = (await renewal(first, NAMES, true, later)) as StoredCertificate;
  assert.equal(second.bundle.length, 2);
  assert.equal(second.cert, first.cert, 'first the CA');
  assert.equal(await renewal(second, NAMES, false, later), undefined, 'not published yet');
  const third = (await renewal(second, NAMES, true, later)) as StoredCertificate;
  assert.notEqual(third.cert, first.cert, 'then the certificate');
});

test('other names of the Service need a new certificate', async () => {
  const stored = (await renewal(undefined, NAMES, false, new Date())) as StoredCertificate;
  assert.equal(await renewal(stored, NAMES, true, new Date()), undefined);
  const next = await renewal(stored, ['other.svc'], true, new Date());
  assert.ok(new X509Certificate(next?.cert ?? '').checkHost('other.svc'));
});
