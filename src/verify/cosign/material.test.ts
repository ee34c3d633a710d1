import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleOf, payload } from '../../../test/signing/by-key.ts';
import { fromAttestationLayer, fromBundle, fromSignatureLayer, type LayerAnnotations } from './material.ts';

const read = (json: unknown) => fromBundle(Buffer.from(JSON.stringify(json) ?? 'not JSON'));
const envelopeOf = () => (bundleOf() as { dsseEnvelope: Record<string, unknown> }).dsseEnvelope;
const says = (result: object) => ('malformed' in result ? String(result.malformed) : 'read');

test('a bundle: an in-toto envelope with one signature, whose type is part of what is signed', () => {
  const material = read(bundleOf());
  assert.ok('layout' in material && material.layout === 'bundle' && material.form === 'statement');
  assert.match(material.signed.toString(), /^DSSEv1 28 application\/vnd\.in-toto\+json \d+ \{/);
  assert.equal(material.certificate, undefined);
});

const signatures = [{ sig: 'AAAA' }, { sig: 'AAAA' }];
const bundles: [name: string, json: unknown, malformed: RegExp][] = [
  ['not JSON', undefined, /bundle/],
  [
    'another payload type',
    { ...bundleOf(), dsseEnvelope: { ...envelopeOf(), payloadType: 'text/plain' } },
    /payloadType/,
  ],
  ['two signatures', { ...bundleOf(), dsseEnvelope: { ...envelopeOf(), signatures } }, /signature/],
  ['no envelope', { ...bundleOf(), dsseEnvelope: undefined }, /bundle/],
  ['an unknown version', { ...bundleOf(), mediaType: 'application/vnd.dev.sigstore.bundle.v9+json' }, /bundle/],
  ['base64 that is none', { ...bundleOf(), dsseEnvelope: { ...envelopeOf(), payload: '!' } }, /payload/],
];
for (const [name, json, malformed] of bundles)
  test(`a malformed bundle: ${name}`, () => assert.match(says(read(json)), malformed));

const layers: [name: string, annotations: LayerAnnotations, malformed: RegExp][] = [
  ['the certificate is not PEM', { 'dev.sigstore.cosign/certificate': 'x' }, /not PEM/],
  ['the log entry is not JSON', { 'dev.sigstore.cosign/bundle': '{' }, /log entry/],
  ['the log entry has no promise', { 'dev.sigstore.cosign/bundle': '{"Payload":{}}' }, /log entry/],
  ['the timestamp is not JSON', { 'dev.sigstore.cosign/rfc3161timestamp': 'x' }, /timestamp/],
];
for (const [name, annotations, malformed] of layers)
  test(`a malformed layer: ${name}`, () => {
    assert.match(says(fromSignatureLayer(payload(), annotations)), malformed);
    assert.match(says(fromAttestationLayer(Buffer.from(JSON.stringify(envelopeOf())), annotations)), malformed);
  });

test('an attestation layer: its timestamp covers the whole envelope, that of a signature the signature', () => {
  const bytes = Buffer.from(JSON.stringify(envelopeOf()));
  const attestation = fromAttestationLayer(bytes, {});
  assert.ok('stamped' in attestation && attestation.stamped.equals(bytes));
  const signature = fromSignatureLayer(payload(), { 'dev.cosignproject.cosign/signature': 'AAAA' });
  assert.ok('stamped' in signature && signature.stamped.equals(signature.signature));
  for (const envelope of ['x', JSON.stringify({ ...envelopeOf(), signatures }), '{}'])
    assert.match(says(fromAttestationLayer(Buffer.from(envelope), {})), /envelope/);
});
