// Real bundles of the public-good instance against the trust root that comes with tagproof. Offline. See production/README.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCertificate } from '../../src/verify/cosign/certificate.ts';
import { prove } from '../../src/verify/cosign/engine.ts';
import { matchIdentity } from '../../src/verify/cosign/identity.ts';
import { fromBundle } from '../../src/verify/cosign/material.ts';
import { expiries, parseTrustRoot } from '../../src/verify/trust/root.ts';
import { shippedSeed } from '../../src/verify/trust/store.ts';
import { SigstoreStack } from './sigstore-stack.ts';

const STRICT = { logEntries: 1, certificateTimestamps: 1, timestamps: 0 } as const;
const ISSUER = 'https://token.actions.githubusercontent.com';
const read = (name: string) => readFileSync(join(import.meta.dirname, 'production', name));
const now = new Date();

for (const [name, ref, time] of [
  ['sigstore-js-2.0.0-provenance.json', 'refs/heads/main', '2023-08-18T16:05:35.000Z'],
  ['sigstore-js-1.3.0-provenance.json', 'refs/heads/main', '2023-04-18T17:45:12.000Z'],
] as const) {
  test(`production: ${name}`, async () => {
    const { material } = parseTrustRoot((await shippedSeed()).targets, 'shipped');
    const bundle = fromBundle(read(name));
    assert.ok(!('malformed' in bundle), JSON.stringify(bundle));
    const proven = prove({ material: bundle, trust: material, thresholds: STRICT, now, policyKey: undefined });
    assert.ok(!('wrong' in proven), JSON.stringify(proven));
    assert.deepEqual(
      proven.times.map((at) => at.toISOString()),
      [time],
    );
    const facts = readCertificate(bundle.certificate as Buffer);
    assert.ok(!('wrong' in facts));
    const subject = `https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@${ref}`;
    assert.equal(matchIdentity([{ issuer: ISSUER, subject }], facts), subject);
    assert.equal(
      matchIdentity(
        [{ issuer: ISSUER, subjectPattern: 'https://github.com/sigstore/*/.github/workflows/*@refs/heads/main' }],
        facts,
      ),
      subject,
    );
    assert.equal(
      matchIdentity([{ issuer: ISSUER, subject, claims: { githubWorkflowRepository: 'sigstore/sigstore-js' } }], facts),
      subject,
    );
    assert.equal(
      matchIdentity([{ issuer: ISSUER, subject, claims: { githubWorkflowRepository: 'evil/sigstore-js' } }], facts),
      undefined,
    );
    const elsewhere = parseTrustRoot(new SigstoreStack().trustedRoot(), 'other').material;
    assert.ok(
      'wrong' in prove({ material: bundle, trust: elsewhere, thresholds: STRICT, now, policyKey: undefined }),
      'another root does not trust it',
    );
  });
}

test('the shipped trust root: who is in it, and it says when it ends', async () => {
  const root = parseTrustRoot((await shippedSeed()).targets, 'shipped');
  const kinds = new Set(root.members.map(({ kind }) => kind));
  assert.deepEqual([...kinds], ['certificate authority', 'transparency log', 'certificate log', 'timestamp authority']);
  assert.deepEqual(
    expiries(root, new Date('2026-11-23'), 30).filter((line) => line.startsWith('no ')),
    [],
  );
  assert.match(expiries(root, new Date('2040-01-01'), 30).join('\n'), /certificate authority .* ended on/);
});
