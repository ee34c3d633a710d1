// Keyless signatures, every part of the argument: what verifies, and each single fault that must not. T-numbers: docs/threats.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBundle } from '../../src/verify/cosign/material.ts';
import type { CosignSigner } from '../../src/verify/cosign/signer.ts';
import { verifyMaterial } from '../../src/verify/cosign/verify-material.ts';
import { parseTrustRoot } from '../../src/verify/trust/root.ts';
import * as der from './der.ts';
import { type Change, digest, entryOf, ISSUER, past, SUBJECT, signer, stack, subject, verdictOf } from './keyless.ts';
import { MINUTE, pair } from './keys.ts';
import { type BundleWish, SigstoreStack } from './sigstore-stack.ts';

type Case = [
  name: string,
  kind: string,
  wish: Partial<BundleWish>,
  more?: Partial<CosignSigner>,
  change?: Change | undefined,
  says?: RegExp,
];
const cases: Case[] = [
  ['Rekor 1: promise, proof, certificate log', 'verified', {}],
  ['long after the certificate ended', 'verified', { at: past }],
  [
    'Rekor 1 and a timestamp',
    'verified',
    { stamp: true },
    { thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 1 } },
  ],
  ['Rekor 2 with a timestamp; a witness’s line beside the log’s', 'verified', { log: 'rekor2', stamp: true, at: past }],
  [
    'Rekor 2 without a timestamp states no time (T35)',
    'invalid',
    { log: 'rekor2' },
    {},
    undefined,
    /nothing says when/,
  ],
  [
    'no log, but a timestamp, and the policy does not ask for a log',
    'verified',
    { log: 'none', stamp: true, at: past },
    { thresholds: { logEntries: 0, certificateTimestamps: 1, timestamps: 0 } },
  ],
  ['no log where one is asked', 'invalid', { log: 'none', stamp: true }, {}, undefined, /expected 1 tlog entries/],
  [
    'a timestamp is asked and there is none',
    'invalid',
    {},
    { thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 1 } },
    undefined,
    /no timestamp/,
  ],
  [
    'log and clock ignored: the chain must hold now',
    'verified',
    { log: 'none' },
    { thresholds: { logEntries: 0, certificateTimestamps: 1, timestamps: 0 } },
  ],
  [
    '… and does not any more',
    'invalid',
    { log: 'none', at: past },
    { thresholds: { logEntries: 0, certificateTimestamps: 1, timestamps: 0 } },
  ],
  // identities (T28, T36)
  ['another issuer', 'others', { issuer: 'https://evil.test' }],
  ['another subject', 'others', { names: [der.uri(`${SUBJECT}-evil`)] }],
  ['the subject as part of another (T28)', 'others', { names: [der.uri(`https://evil.test/?${SUBJECT}`)] }],
  ['the second of several names (gap 5)', 'verified', { names: [der.uri('https://other.test/x'), der.uri(SUBJECT)] }],
  [
    'a mail address',
    'verified',
    { names: [der.mail('ada@org.test')] },
    { identities: [{ issuer: ISSUER, subject: 'ada@org.test' }] },
  ],
  [
    'a user name of Fulcio',
    'verified',
    { names: [der.otherName('ada!org.test')] },
    { identities: [{ issuer: ISSUER, subject: 'ada!org.test' }] },
  ],
  [
    'a DNS name',
    'verified',
    { names: [der.dns('ci.org.test')] },
    { identities: [{ issuer: ISSUER, subject: 'ci.org.test' }] },
  ],
  [
    'a pattern',
    'verified',
    {},
    { identities: [{ issuer: ISSUER, subjectPattern: 'https://git.test/org/*/.ci/*.yml@refs/heads/*' }] },
  ],
  [
    'a pattern is anchored (T28)',
    'others',
    {},
    { identities: [{ issuer: ISSUER, subjectPattern: 'https://git.test/org/*' }] },
  ],
  ['no identity in the policy: nobody', 'others', {}, { identities: [] }],
  [
    'claims are met',
    'verified',
    { claims: { 11: 'github-hosted', 5: 'org/app' } },
    {
      identities: [
        {
          issuer: ISSUER,
          subject: SUBJECT,
          claims: { runnerEnvironment: 'github-hosted', githubWorkflowRepository: 'org/app' },
        },
      ],
    },
  ],
  [
    'a claim is not met',
    'others',
    { claims: { 11: 'self-hosted' } },
    { identities: [{ issuer: ISSUER, subject: SUBJECT, claims: { runnerEnvironment: 'github-hosted' } }] },
  ],
  [
    'a claim is missing',
    'others',
    {},
    { identities: [{ issuer: ISSUER, subject: SUBJECT, claims: { runnerEnvironment: 'github-hosted' } }] },
  ],
  ['a key where an identity is expected (T36)', 'others', { key: pair() }],
  // the certificate (gaps 1 to 3)
  ['gap 1: no extended key usage', 'invalid', { without: ['2.5.29.37'] }, {}, undefined, /not for code signing/],
  [
    'gap 1: for servers only',
    'invalid',
    { without: ['2.5.29.37'], extensions: [der.EXTENSIONS.purposes(['1.3.6.1.5.5.7.3.1'])] },
    {},
    undefined,
    /not for code signing/,
  ],
  ['gap 2: no key usage', 'invalid', { without: ['2.5.29.15'] }, {}, undefined, /not for signatures/],
  [
    'gap 2: for key agreement only',
    'invalid',
    { without: ['2.5.29.15'], extensions: [der.EXTENSIONS.usage(0x08)] },
    {},
    undefined,
    /not for signatures/,
  ],
  [
    'gap 3: an unknown critical extension',
    'invalid',
    { extensions: [{ oid: '1.2.3.4', critical: true, value: der.nothing() }] },
    {},
    undefined,
    /critical extension .*1\.2\.3\.4/,
  ],
  ['an unknown extension that is not critical', 'verified', { extensions: [{ oid: '1.2.3.4', value: der.nothing() }] }],
  [
    'a certificate authority as leaf',
    'invalid',
    { extensions: [der.EXTENSIONS.authority()] },
    {},
    undefined,
    /authority/,
  ],
  ['by another authority', 'invalid', {}, { trust: parseTrustRoot(new SigstoreStack().trustedRoot(), 'other') }],
  // times (T34, T35)
  ['signed before the certificate (T35)', 'invalid', { from: new Date(stack.now.getTime() + MINUTE) }],
  ['signed after the certificate (T35)', 'invalid', { to: new Date(stack.now.getTime() - MINUTE / 2) }],
  [
    'an unsigned time is not believed (T35)',
    'invalid',
    {},
    {},
    (bundle) => void (entryOf(bundle).integratedTime = String(Math.floor(stack.now.getTime() / 1000) + 60)),
  ],
  ['no certificate log entry (T35)', 'invalid', { scts: 0 }, {}, undefined, /SCT/],
  ['a certificate log entry by another key (T35)', 'invalid', { sctKey: pair().privateKey }, {}, undefined, /SCT/],
  [
    'certificate transparency ignored by policy',
    'verified',
    { scts: 0 },
    { thresholds: { logEntries: 1, certificateTimestamps: 0, timestamps: 0 } },
  ],
  // the log (T33)
  [
    'T33, gap 4: an entry about another signer',
    'invalid',
    { entry: { signer: stack.leaf(pair().publicKey) } },
    {},
    undefined,
    /another signer/,
  ],
  [
    'T33, gap 4: the same in Rekor 2',
    'invalid',
    { log: 'rekor2', stamp: true, entry: { signer: stack.leaf(pair().publicKey) } },
    {},
    undefined,
    /another signer/,
  ],
  ['T33: an entry about another signature', 'invalid', { entry: { signature: Buffer.from('other') } }],
  ['T33: an entry about another payload', 'invalid', { entry: { payload: Buffer.from('other') } }],
  ['T33: the same in Rekor 2', 'invalid', { log: 'rekor2', stamp: true, entry: { signed: Buffer.from('other') } }],
  [
    'a proof of another tree',
    'invalid',
    {},
    {},
    (bundle) => void (entryOf(bundle).inclusionProof.hashes[0] = Buffer.alloc(32).toString('base64')),
  ],
  [
    'a checkpoint of another log',
    'invalid',
    { log: 'rekor2', stamp: true },
    {},
    (bundle) => {
      const proof = entryOf(bundle).inclusionProof;
      proof.checkpoint.envelope = proof.checkpoint.envelope.replace(/rekor2\.test (\S+)/, 'rekor2.test AAAAAAAA');
    },
  ],
  [
    'the same entry twice counts once',
    'invalid',
    {},
    { thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 0 } },
    (bundle) => void (bundle.verificationMaterial['tlogEntries'] as object[]).push(entryOf(bundle)),
    /duplicate/,
  ],
  [
    'no entry of a flood is looked at (T39)',
    'invalid',
    {},
    {},
    (bundle) => void (bundle.verificationMaterial['tlogEntries'] = Array(20).fill(entryOf(bundle))),
    /more than 8/,
  ],
  // the statement (gap 6, T31, T32)
  [
    'gap 6, T32: about another image',
    'invalid',
    { digest: `sha256:${'e'.repeat(64)}` },
    {},
    undefined,
    /not about this image/,
  ],
  ['gap 6, T31: an attestation is no signature', 'unsigned', { predicateType: 'https://spdx.dev/Document' }],
  ['annotations', 'verified', { annotations: { build: '42' } }, { annotations: { build: '42' } }],
  ['an annotation is missing', 'invalid', { annotations: { build: '42' } }, { annotations: { build: '43' } }],
];
for (const [name, kind, wish, more, change, says] of cases) {
  test(`keyless: ${name}`, () => {
    const verdict = verdictOf(wish, more, change);
    assert.equal(verdict.kind, kind, JSON.stringify(verdict));
    if (says !== undefined) assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : '', says);
  });
}
// --- attestations ---

test('an attestation is reported with its type and content, and is no signature', () => {
  const bundle = stack.bundle({
    digest,
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: { buildType: 'x' },
  });
  const { attestations, verdict } = verifyMaterial(
    [fromBundle(Buffer.from(JSON.stringify(bundle)))],
    signer(),
    subject,
    stack.now,
  );
  assert.equal(verdict.kind, 'unsigned');
  assert.deepEqual(
    attestations.map(({ authority, predicateType, predicate }) => ({ authority, predicateType, predicate })),
    [{ authority: 'ci', predicateType: 'https://slsa.dev/provenance/v1', predicate: { buildType: 'x' } }],
  );
});
