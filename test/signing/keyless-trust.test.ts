// The trust root of keyless signatures: terms of office, own certificate authorities, and what makes a root unusable.
// biome-ignore-all lint/suspicious/noExplicitAny: these tests reach into JSON to break it
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTrustRoot, withAuthorities } from '../../src/verify/trust/root.ts';
import * as der from './der.ts';
import { past, SUBJECT, stack, trust, verdictOf } from './keyless.ts';
import { DAY, pair } from './keys.ts';
import { SigstoreStack } from './sigstore-stack.ts';

test('gap 7: a trust root without the beginning of a term is refused', () => {
  for (const list of ['tlogs', 'ctlogs', 'certificateAuthorities', 'timestampAuthorities']) {
    const broken = stack.trustedRoot((root) => {
      const item = (root[list] as any[])[0];
      delete (item.publicKey ?? item).validFor;
    });
    assert.throws(() => parseTrustRoot(broken, 'x.json'), /x\.json: the .* has no validFor\.start/, list);
  }
});

test('a log whose term was over, or had not begun, when it was signed (gap: proofs only)', () => {
  const ended = parseTrustRoot(
    stack.trustedRoot(
      (root) =>
        void ((root['tlogs'] as any[])[1].publicKey.validFor.end = new Date(
          stack.now.getTime() - 10 * DAY,
        ).toISOString()),
    ),
    'x',
  );
  assert.equal(verdictOf({ log: 'rekor2', stamp: true }, { trust: ended }).kind, 'invalid');
  assert.equal(verdictOf({ log: 'rekor2', stamp: true, at: past }, { trust: ended }).kind, 'verified');
});

test('an intermediate that had ended when it was signed (T34)', () => {
  const ended = parseTrustRoot(
    stack.trustedRoot((root) => void ((root['certificateAuthorities'] as any[])[0].validFor.end = past.toISOString())),
    'x',
  );
  assert.equal(verdictOf({}, { trust: ended }).kind, 'invalid');
  assert.equal(verdictOf({ at: new Date(past.getTime() - DAY) }, { trust: ended }).kind, 'verified');
});

test('a clock that may do more than keep time is refused', () => {
  const root = stack.trustedRoot((json) => {
    (json['timestampAuthorities'] as any[])[0].certChain.certificates[0].rawBytes = stack
      .leaf(pair().publicKey)
      .toString('base64');
  });
  assert.throws(() => parseTrustRoot(root, 'x'), /not for timestamps alone/);
});

test('own certificate authorities in place of the trust root’s; a chain of a thousand is refused (T41)', () => {
  const chain = der.pem(stack.issuerCertificate) + der.pem(stack.rootCertificate);
  const own = withAuthorities(parseTrustRoot(new SigstoreStack().trustedRoot(), 'other'), [chain]);
  const thresholds = { logEntries: 0, certificateTimestamps: 0, timestamps: 0 } as const;
  const wish = { log: 'none', scts: 0, without: ['1.3.6.1.4.1.57264.1.8'] } as const;
  assert.equal(
    verdictOf({ ...wish, without: [...wish.without] }, { trust: own, thresholds, identities: [{ subject: SUBJECT }] })
      .kind,
    'verified',
  );
  assert.equal(
    verdictOf({ ...wish, without: [...wish.without] }, { trust: own, thresholds }).kind,
    'others',
    'an issuer is asked and there is none',
  );
  assert.throws(() => withAuthorities(trust, [der.pem(stack.rootCertificate).repeat(1000)]), /more than 10/);
  assert.throws(() => withAuthorities(trust, [der.pem(stack.leaf(pair().publicKey))]), /not a certificate authority/);
});
