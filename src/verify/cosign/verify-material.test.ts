import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { test } from 'node:test';
import {
  bundle,
  bundleOf,
  D,
  mine,
  payload,
  signature,
  signer,
  statement,
  subject,
  theirs,
} from '../../../test/signing/by-key.ts';
import { pem as pemOf } from '../../../test/signing/der.ts';
import { SigstoreStack } from '../../../test/signing/sigstore-stack.ts';
import type { Verdict } from '../../flow.ts';
import { Problem } from '../../problem.ts';
import { parseTrustRoot } from '../trust/root.ts';
import type { SignatureCandidate } from './fetch.ts';
import { fromBundle, fromSignatureLayer, type Material } from './material.ts';
import type { CosignSigner } from './signer.ts';
import { verifyMaterial } from './verify-material.ts';

const verdictOf = (candidates: SignatureCandidate[], by: CosignSigner) =>
  verifyMaterial(candidates, by, subject, new Date()).verdict;

const cases: [
  name: string,
  candidates: SignatureCandidate[],
  kind: Verdict['kind'],
  annotations?: Record<string, string>,
][] = [
  ['nothing there', [], 'unsigned'],
  ['a signature', [signature()], 'verified'],
  ['a bundle', [bundle()], 'verified'],
  ['annotations are met', [signature()], 'verified', { build: '42' }],
  ['annotations are not met', [signature()], 'invalid', { build: '43' }],
  ['annotations of a bundle count from the matching subject', [bundle()], 'verified', { build: '42' }],
  [
    'annotations of another subject do not count',
    [
      bundle(
        bundleOf(
          statement({
            subject: [
              { digest: { sha256: D.slice(7) } },
              { digest: { sha256: 'e'.repeat(64) }, annotations: { build: '42' } },
            ],
          }),
        ),
      ),
    ],
    'invalid',
    { build: '42' },
  ],
  [
    'someone else’s',
    [signature(payload(), theirs.privateKey), bundle(bundleOf(statement(), theirs.privateKey))],
    'others',
  ],
  ['of another digest, copied here (T33)', [signature(payload(`sha256:${'e'.repeat(64)}`))], 'invalid'],
  [
    'a bundle about another digest (T32)',
    [bundle(bundleOf(statement({ subject: [{ digest: { sha256: 'e'.repeat(64) } }] })))],
    'invalid',
  ],
  [
    'several subjects, one of them this',
    [
      bundle(
        bundleOf(statement({ subject: [{ digest: { sha256: 'e'.repeat(64) } }, { digest: { sha256: D.slice(7) } }] })),
      ),
    ],
    'verified',
  ],
  [
    'an attestation is no signature (T31)',
    [bundle(bundleOf(statement({ predicateType: 'https://spdx.dev/Document' })))],
    'unsigned',
  ],
  ['a signed text that is no payload', [signature(Buffer.from('{"critical":{}}'))], 'invalid'],
  [
    'another payload type',
    [signature(payload(D, (json) => ({ ...json, critical: { ...(json['critical'] as object), type: 'x' } })))],
    'invalid',
  ],
  ['a certificate beside a key (T36)', [signature(payload(), mine.privateKey, true)], 'invalid'],
  [
    'a bundle with a certificate (T36)',
    [bundle({ ...bundleOf(), verificationMaterial: { certificate: { rawBytes: 'AAAA' } } })],
    'invalid',
  ],
  [
    'a message signature is refused',
    [bundle({ ...bundleOf(), dsseEnvelope: undefined, messageSignature: {} })],
    'invalid',
  ],
  [
    'two signatures in one envelope',
    [
      bundle({
        ...bundleOf(),
        dsseEnvelope: { ...(bundleOf()['dsseEnvelope'] as object), signatures: [{ sig: 'AAAA' }, { sig: 'AAAA' }] },
      }),
    ],
    'invalid',
  ],
  [
    'one good among garbage (T38)',
    [fromBundle(Buffer.from('garbage')), signature(payload(), theirs.privateKey), signature()],
    'verified',
  ],
  ['one good, one that could not be fetched', [new Problem('unreachable', 'down'), signature()], 'verified'],
  [
    'none good, one that could not be fetched',
    [new Problem('unreachable', 'down'), signature(payload(), theirs.privateKey)],
    'unchecked',
  ],
];
for (const [name, candidates, kind, annotations] of cases) {
  test(`verdict: ${name}`, async () => {
    const verdict = verdictOf(candidates, await signer(annotations));
    assert.equal(verdict.kind, kind, JSON.stringify(verdict));
  });
}

test('flip any byte of a payload or signature: it verifies no more', async () => {
  const good = signature() as Material;
  const me = await signer();
  for (const part of ['payload', 'signature'] as const) {
    for (let i = 0; i < good[part].length; i++) {
      const flipped = Buffer.from(good[part]);
      flipped[i] = (flipped[i] as number) ^ 1;
      const changed = { ...good, [part]: flipped, ...(part === 'payload' && { signed: flipped }) };
      assert.notEqual(verdictOf([changed], me).kind, 'verified', `${part} ${i}`);
    }
  }
});

test('drop any field of a bundle, flip any byte of its payload: nothing but the key’s hint may go', async () => {
  const me = await signer();
  const paths: string[] = [];
  const walk = (value: unknown, path: string[]) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      const copy = structuredClone(bundleOf());
      let at = copy as Record<string, unknown>;
      for (const step of path) at = at[step] as Record<string, unknown>;
      delete at[key];
      if (verdictOf([bundle(copy)], me).kind === 'verified') paths.push([...path, key].join('.'));
      walk((value as Record<string, unknown>)[key], [...path, key]);
    }
  };
  walk(bundleOf(), []);
  assert.deepEqual(paths, ['verificationMaterial.publicKey.hint']);
  const good = bundleOf() as { dsseEnvelope: { payload: string } };
  const bytes = Buffer.from(good.dsseEnvelope.payload, 'base64');
  for (let i = 0; i < bytes.length; i++) {
    const flipped = Buffer.from(bytes);
    flipped[i] = (flipped[i] as number) ^ 1;
    assert.notEqual(
      verdictOf([bundle({ ...good, dsseEnvelope: { ...good.dsseEnvelope, payload: flipped.toString('base64') } })], me)
        .kind,
      'verified',
      `${i}`,
    );
  }
});

test('a valid certificate beside a signature by key: who signed is ambiguous (T36)', async () => {
  const stack = new SigstoreStack();
  const trust = parseTrustRoot(stack.trustedRoot(), 'test');
  const bytes = payload();
  const annotations = {
    'dev.cosignproject.cosign/signature': sign('sha256', bytes, mine.privateKey).toString('base64'),
  };
  const certificate = { 'dev.sigstore.cosign/certificate': pemOf(stack.leaf(mine.publicKey)) };
  const by = { ...(await signer()), trust };
  assert.equal(verdictOf([fromSignatureLayer(bytes, annotations)], by).kind, 'verified');
  const verdict = verdictOf([fromSignatureLayer(bytes, { ...annotations, ...certificate })], by);
  assert.match(verdict.kind === 'invalid' ? verdict.reasons.join() : verdict.kind, /ambiguous/);
});
