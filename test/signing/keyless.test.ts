// Keyless signatures, every part of the argument: what verifies, and each single fault that must not. Attack numbers: T1-T54.
// biome-ignore-all lint/suspicious/noExplicitAny: these tests reach into JSON to break it
import assert from 'node:assert/strict';
import { type KeyObject, verify } from 'node:crypto';
import { test } from 'node:test';
import { parsePinned } from '../../src/image/reference.ts';
import { fromBundle, fromSignatureLayer } from '../../src/verify/cosign/material.ts';
import type { CosignSigner } from '../../src/verify/cosign/signer.ts';
import { verifyMaterial } from '../../src/verify/cosign/verify-material.ts';
import { parseTrustRoot, withAuthorities } from '../../src/verify/trust/root.ts';
import * as der from './der.ts';
import { type BundleWish, DAY, MINUTE, pair, spkiOf, World } from './sigstore-stack.ts';

const HEX = 'd'.repeat(64);
const digest = `sha256:${HEX}`;
const subject = parsePinned(`registry.test/org/app:1@${digest}`);
const world = new World();
const trust = parseTrustRoot(world.trustedRoot(), 'test');
const SUBJECT = 'https://git.test/org/app/.ci/release.yml@refs/heads/main';
const ISSUER = 'https://issuer.test';

const signer = (more: Partial<CosignSigner> = {}): CosignSigner => ({
  kind: 'cosign',
  name: 'ci',
  keys: [],
  identities: [{ issuer: ISSUER, subject: SUBJECT }],
  trust,
  thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 0 },
  annotations: {},
  bindRepository: false,
  ...more,
});

type Change = (bundle: ReturnType<World['bundle']>) => void;
const entryOf = (bundle: ReturnType<World['bundle']>) => (bundle.verificationMaterial as any).tlogEntries[0];

function verdictOf(wish: Partial<BundleWish>, more: Partial<CosignSigner> = {}, change: Change = () => {}, w = world) {
  const bundle = w.bundle({ digest, ...wish });
  change(bundle);
  return verifyMaterial([fromBundle(Buffer.from(JSON.stringify(bundle)))], signer(more), subject, w.now).verdict;
}

type Case = [
  name: string,
  kind: string,
  wish: Partial<BundleWish>,
  more?: Partial<CosignSigner>,
  change?: Change | undefined,
  says?: RegExp,
];
const past = new Date(world.now.getTime() - 100 * DAY);
const cases: Case[] = [
  ['Rekor 1: promise, proof, certificate log', 'verified', {}],
  ['long after the certificate ended', 'verified', { at: past }],
  [
    'Rekor 1 and a timestamp',
    'verified',
    { stamp: true },
    { thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 1 } },
  ],
  [
    'Rekor 2 with a timestamp; a witness’s line beside the log’s',
    'verified',
    { log: 'rekor2', stamp: true, at: past },
  ],
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
  ['by another authority', 'invalid', {}, { trust: parseTrustRoot(new World().trustedRoot(), 'other') }],
  // times (T34, T35)
  ['signed before the certificate (T35)', 'invalid', { from: new Date(world.now.getTime() + MINUTE) }],
  ['signed after the certificate (T35)', 'invalid', { to: new Date(world.now.getTime() - MINUTE / 2) }],
  [
    'an unsigned time is not believed (T35)',
    'invalid',
    {},
    {},
    (bundle) => void (entryOf(bundle).integratedTime = String(Math.floor(world.now.getTime() / 1000) + 60)),
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
    { entry: { signer: world.leaf(pair().publicKey) } },
    {},
    undefined,
    /another signer/,
  ],
  [
    'T33, gap 4: the same in Rekor 2',
    'invalid',
    { log: 'rekor2', stamp: true, entry: { signer: world.leaf(pair().publicKey) } },
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

test('gap 7: a trust root without the beginning of a term is refused', () => {
  for (const list of ['tlogs', 'ctlogs', 'certificateAuthorities', 'timestampAuthorities']) {
    const broken = world.trustedRoot((root) => {
      const item = (root[list] as any[])[0];
      delete (item.publicKey ?? item).validFor;
    });
    assert.throws(() => parseTrustRoot(broken, 'x.json'), /x\.json: the .* has no validFor\.start/, list);
  }
});

test('a log whose term was over, or had not begun, when it was signed (gap: proofs only)', () => {
  const ended = parseTrustRoot(
    world.trustedRoot(
      (root) =>
        void ((root['tlogs'] as any[])[1].publicKey.validFor.end = new Date(
          world.now.getTime() - 10 * DAY,
        ).toISOString()),
    ),
    'x',
  );
  assert.equal(verdictOf({ log: 'rekor2', stamp: true }, { trust: ended }).kind, 'invalid');
  assert.equal(verdictOf({ log: 'rekor2', stamp: true, at: past }, { trust: ended }).kind, 'verified');
});

test('an intermediate that had ended when it was signed (T34)', () => {
  const ended = parseTrustRoot(
    world.trustedRoot((root) => void ((root['certificateAuthorities'] as any[])[0].validFor.end = past.toISOString())),
    'x',
  );
  assert.equal(verdictOf({}, { trust: ended }).kind, 'invalid');
  assert.equal(verdictOf({ at: new Date(past.getTime() - DAY) }, { trust: ended }).kind, 'verified');
});

test('a clock that may do more than keep time is refused', () => {
  const root = world.trustedRoot((json) => {
    (json['timestampAuthorities'] as any[])[0].certChain.certificates[0].rawBytes = world
      .leaf(pair().publicKey)
      .toString('base64');
  });
  assert.throws(() => parseTrustRoot(root, 'x'), /not for timestamps alone/);
});

test('own certificate authorities in place of the trust root’s; a chain of a thousand is refused (T41)', () => {
  const chain = der.pem(world.issuerCertificate) + der.pem(world.rootCertificate);
  const own = withAuthorities(parseTrustRoot(new World().trustedRoot(), 'other'), [chain]);
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
  assert.throws(() => withAuthorities(trust, [der.pem(world.rootCertificate).repeat(1000)]), /more than 10/);
  assert.throws(() => withAuthorities(trust, [der.pem(world.leaf(pair().publicKey))]), /not a certificate authority/);
});

// --- the old layout ---

const layer = (
  wish: Partial<BundleWish> & { repository?: string },
  more: Partial<CosignSigner> = {},
  change = (_: Record<string, string>) => {},
) => {
  const { payload, annotations } = world.layer({ digest, ...wish });
  change(annotations);
  return verifyMaterial([fromSignatureLayer(payload, annotations)], signer(more), subject, world.now).verdict;
};
const own = pair();
const key = {
  keys: [
    {
      id: 'k',
      spki: spkiOf(own.publicKey),
      verifies: (bytes: Uint8Array, signature: Uint8Array) => verifyWith(own.publicKey, bytes, signature),
    },
  ],
};
function verifyWith(publicKey: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', bytes, publicKey, signature);
}

const oldCases: [name: string, kind: string, verdict: () => { kind: string }][] = [
  ['promise and certificate', 'verified', () => layer({})],
  ['long ago', 'verified', () => layer({ at: past })],
  [
    'with a timestamp',
    'verified',
    () =>
      layer({ stamp: true, log: 'none' }, { thresholds: { logEntries: 0, certificateTimestamps: 1, timestamps: 1 } }),
  ],
  ['a key with its log entry', 'verified', () => layer({ key: own }, key)],
  ['a key without the log entry that is asked', 'invalid', () => layer({ key: own, log: 'none' }, key)],
  [
    'T33: a key, an entry about another',
    'invalid',
    () => layer({ key: own, entry: { signer: spkiOf(pair().publicKey) } }, key),
  ],
  ['T33: an entry about another signature', 'invalid', () => layer({ entry: { signature: Buffer.from('x') } })],
  ['T33: an entry about other bytes', 'invalid', () => layer({ entry: { signed: Buffer.from('x') } })],
  [
    'the chain beside it is not read',
    'verified',
    () => layer({}, {}, (a) => void (a['dev.sigstore.cosign/chain'] = 'garbage')),
  ],
  ['a log entry that is no JSON', 'invalid', () => layer({}, {}, (a) => void (a['dev.sigstore.cosign/bundle'] = '{'))],
  ['T8: bound to its repository', 'verified', () => layer({}, { bindRepository: true })],
  [
    'T8: copied from another repository',
    'invalid',
    () => layer({ repository: 'registry.test/org/low' }, { bindRepository: true }),
  ],
  ['T8: not bound, as cosign does', 'verified', () => layer({ repository: 'registry.test/org/low' })],
];
for (const [name, kind, verdict] of oldCases) {
  test(`old layout: ${name}`, () => {
    const got = verdict();
    assert.equal(got.kind, kind, JSON.stringify(got));
  });
}

// --- attestations ---

test('a statement is told with its type and content; a threshold counts its maker once', () => {
  const bundle = world.bundle({
    digest,
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: { buildType: 'x' },
  });
  const { attestations, verdict } = verifyMaterial(
    [fromBundle(Buffer.from(JSON.stringify(bundle)))],
    signer(),
    subject,
    world.now,
  );
  assert.equal(verdict.kind, 'unsigned');
  assert.deepEqual(
    attestations.map(({ authority, predicateType, predicate }) => ({ authority, predicateType, predicate })),
    [{ authority: 'ci', predicateType: 'https://slsa.dev/provenance/v1', predicate: { buildType: 'x' } }],
  );
});

// --- mutation ---

test('drop any field of a keyless bundle: nothing that is read may go', () => {
  const good = world.bundle({ digest, stamp: true });
  const survived: string[] = [];
  const walk = (value: unknown, at: string[]) => {
    if (typeof value !== 'object' || value === null) return;
    for (const field of Object.keys(value)) {
      const copy = structuredClone(good);
      let parent = copy as unknown as Record<string, unknown>;
      for (const step of at) parent = parent[step] as Record<string, unknown>;
      delete parent[field];
      const { kind } = verifyMaterial(
        [fromBundle(Buffer.from(JSON.stringify(copy)))],
        signer(),
        subject,
        world.now,
      ).verdict;
      if (kind === 'verified') survived.push([...at, field].join('.'));
      walk((value as Record<string, unknown>)[field], [...at, field]);
    }
  };
  walk(good, []);
  assert.deepEqual(survived, [
    // Promise and timestamp both state the time: one of them is enough where the policy asks for neither by name.
    'verificationMaterial.tlogEntries.0.inclusionPromise',
    // Root and size come from the signed checkpoint; what the bundle says of them is not read.
    'verificationMaterial.tlogEntries.0.inclusionProof.rootHash',
    'verificationMaterial.tlogEntries.0.inclusionProof.treeSize',
    'verificationMaterial.timestampVerificationData',
    'verificationMaterial.timestampVerificationData.rfc3161Timestamps',
    'dsseEnvelope.signatures.0.keyid',
  ]);
});

/** Read by nobody: a hint; root and size, which come from the signed checkpoint. */
const UNREAD = /signatures\.0\.keyid$|inclusionProof\.(rootHash|treeSize)$/;
/** Bytes of a timestamp's wrapping that CMS leaves unsigned, and the spare bits of base64 in a note, may change; what they prove may not. */
const WRAPPED = /signedTimestamp$|checkpoint\.envelope$/;

test('flip a byte anywhere in the signed material: it verifies no more, or proves the very same', () => {
  const good = world.bundle({ digest, stamp: true });
  const verdictOfCopy = (copy: unknown) =>
    verifyMaterial([fromBundle(Buffer.from(JSON.stringify(copy)))], signer(), subject, world.now).verdict;
  const before = verdictOfCopy(good);
  assert.equal(before.kind, 'verified');
  const paths: string[][] = [];
  const walk = (value: unknown, at: string[]) => {
    if (typeof value === 'string') paths.push(at);
    else if (typeof value === 'object' && value !== null)
      for (const [field, item] of Object.entries(value)) walk(item, [...at, field]);
  };
  walk(good, []);
  for (const at of paths) {
    const name = at.join('.');
    if (name === 'mediaType' || UNREAD.test(name)) continue;
    const original = at.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], good) as string;
    const binary = /rawBytes|sig$|payload$|signedTimestamp|signedEntry|canonicalizedBody|hashes|keyId/.test(name);
    const bytes = Buffer.from(original, binary ? 'base64' : 'utf8');
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i] = (flipped[i] as number) ^ 1;
      const copy = structuredClone(good);
      const parent = at.slice(0, -1).reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], copy);
      (parent as Record<string, unknown>)[at.at(-1) as string] = flipped.toString(binary ? 'base64' : 'utf8');
      const verdict = verdictOfCopy(copy);
      if (verdict.kind !== 'verified') continue;
      assert.ok(WRAPPED.test(name), `${name} byte ${i}`);
      assert.deepEqual(verdict, before, `${name} byte ${i}`);
    }
  }
});
