// The steps of a renewal, one look after the other, over years: at every moment what is shown is
// trusted by what the API server has.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { AUTHORITY_DAYS, LEAF_DAYS, renewal, type StoredCertificate } from './serving-certificate.ts';

const NAMES = ['tagproof-admission.tagproof.svc'];
const DAY = 86_400_000;

/** As RFC 5280 would, without revocation: issued by one of the bundle that is itself in term. */
function isTrusted({ cert }: StoredCertificate, bundle: readonly string[], now: number): boolean {
  const leaf = new X509Certificate(cert);
  const inTerm = (of: X509Certificate) => Date.parse(of.validFrom) <= now && now < Date.parse(of.validTo);
  return (
    inTerm(leaf) &&
    bundle
      .map((pem) => new X509Certificate(pem))
      .some((ca) => inTerm(ca) && leaf.checkIssued(ca) && leaf.verify(ca.publicKey))
  );
}

test('seven years, a look a day: never a gap, leaves and authorities renewed in time, old ones forgotten', async () => {
  const start = Date.parse('2026-11-24T00:00:00Z');
  let kept = (await renewal(undefined, NAMES, false, new Date(start))) as StoredCertificate;
  let published: readonly string[] = [];
  const leaves = new Set([kept.cert]);
  const authorities = new Set(kept.bundle);
  for (let day = 0; day < 7 * 365; day += 1) {
    const now = start + day * DAY;
    const already = JSON.stringify(published) === JSON.stringify(kept.bundle);
    published = kept.bundle;
    assert.ok(isTrusted(kept, published, now), `day ${day}`);
    const next = await renewal(kept, NAMES, already, new Date(now));
    if (next === undefined) continue;
    // The API server still has the bundle of this morning.
    assert.ok(isTrusted(next, published, now), `day ${day}, the next one`);
    kept = next;
    leaves.add(kept.cert);
    for (const pem of kept.bundle) authorities.add(pem);
    assert.ok(kept.bundle.length <= 2, `day ${day}: ${kept.bundle.length} authorities`);
  }
  assert.ok(leaves.size >= (7 * 365) / LEAF_DAYS && leaves.size < (7 * 365) / 20, String(leaves.size));
  assert.ok(
    authorities.size >= Math.floor((7 * 365) / AUTHORITY_DAYS) && authorities.size <= 6,
    String(authorities.size),
  );
});

test('nothing is signed by an authority that the API server has not been told of', async () => {
  const then = new Date();
  const first = (await renewal(undefined, NAMES, false, then)) as StoredCertificate;
  const later = new Date(then.getTime() + (AUTHORITY_DAYS - 30) * DAY);
  const second = (await renewal(first, NAMES, true, later)) as StoredCertificate;
  assert.equal(second.bundle.length, 2);
  assert.equal(second.cert, first.cert, 'first the authority');
  assert.equal(await renewal(second, NAMES, false, later), undefined, 'not told yet');
  const third = (await renewal(second, NAMES, true, later)) as StoredCertificate;
  assert.notEqual(third.cert, first.cert, 'then the leaf');
});

test('other names of the Service want another leaf', async () => {
  const kept = (await renewal(undefined, NAMES, false, new Date())) as StoredCertificate;
  assert.equal(await renewal(kept, NAMES, true, new Date()), undefined);
  const next = await renewal(kept, ['other.svc'], true, new Date());
  assert.ok(new X509Certificate(next?.cert ?? '').checkHost('other.svc'));
});
