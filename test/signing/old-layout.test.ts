// cosign's older layout: payload, signature and proofs in the annotations of a layer. By certificate and by key.
import assert from 'node:assert/strict';
import { type KeyObject, verify } from 'node:crypto';
import { test } from 'node:test';
import { fromSignatureLayer } from '../../src/verify/cosign/material.ts';
import type { CosignSigner } from '../../src/verify/cosign/signer.ts';
import { verifyMaterial } from '../../src/verify/cosign/verify-material.ts';
import { digest, past, signer, stack, subject } from './keyless.ts';
import { pair, spkiOf } from './keys.ts';
import type { BundleWish } from './sigstore-stack.ts';

const layer = (
  wish: Partial<BundleWish> & { repository?: string },
  more: Partial<CosignSigner> = {},
  change = (_: Record<string, string>) => {},
) => {
  const { payload, annotations } = stack.layer({ digest, ...wish });
  change(annotations);
  return verifyMaterial([fromSignatureLayer(payload, annotations)], signer(more), subject, stack.now).verdict;
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
