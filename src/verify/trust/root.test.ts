// biome-ignore-all lint/suspicious/noExplicitAny: these tests reach into JSON to break it
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as der from '../../../test/signing/der.ts';
import { DAY, pair, spkiOf } from '../../../test/signing/keys.ts';
import { SigstoreStack } from '../../../test/signing/sigstore-stack.ts';
import { Problem } from '../../problem.ts';
import { EMPTY_ROOT, expiries, type Member, parseTrustRoot, withAuthorities } from './root.ts';

const stack = new SigstoreStack();
const bytes = stack.trustedRoot();
const changed = (change: (root: Record<string, any>) => void) => parseTrustRoot(stack.trustedRoot(change), 'x.json');

test('the members of a root, with their terms', () => {
  const { members, id } = parseTrustRoot(bytes, 'x');
  assert.deepEqual(
    members.map(({ kind, name }) => `${kind} ${name}`),
    [
      'certificate authority https://fulcio.test',
      'transparency log https://rekor1.test',
      'transparency log https://rekor2.test',
      'certificate log https://ct.test',
      'timestamp authority https://tsa.test',
    ],
  );
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.notEqual(
    id,
    parseTrustRoot(Buffer.concat([bytes, Buffer.from(' ')]), 'x').id,
    'any change is another version',
  );
  assert.equal(EMPTY_ROOT.members.length, 0);
});

test('what is no complete trust root is refused as a whole', () => {
  const wrong: [bytes: Buffer, says: RegExp][] = [
    [Buffer.from('nonsense'), /as JSON/],
    [Buffer.from('null'), /as JSON/],
    [Buffer.from('{"mediaType":"x"}'), /expected mediaType/],
    [stack.trustedRoot((root: any) => void delete root.tlogs[0].publicKey.validFor.start), /no validFor\.start/],
    [
      stack.trustedRoot((root: any) => void (root.certificateAuthorities[0].certChain.certificates = [])),
      /no certificates/,
    ],
    [
      stack.trustedRoot((root: any) => {
        const { certificates } = root.certificateAuthorities[0].certChain;
        root.certificateAuthorities[0].certChain.certificates = Array(11).fill(certificates[0]);
      }),
      /more than 10/,
    ],
  ];
  for (const [input, says] of wrong)
    assert.throws(
      () => parseTrustRoot(input, 'x.json'),
      (error) => error instanceof Problem && error.code === 'usage' && says.test(error.message),
      String(says),
    );
});

test('a timestamp authority must be for timestamps alone, and its purpose critical', () => {
  const { usage, purposes } = der.EXTENSIONS;
  const TIME = '1.3.6.1.5.5.7.3.8';
  const withPurposes = (...extensions: der.Extension[]) =>
    changed((root) => {
      const certificate = der.certificate({
        subject: { CN: 'clock' },
        issuer: { CN: 'clock' },
        spki: spkiOf(stack.tsa.publicKey),
        signer: stack.tsa.privateKey,
        from: stack.now,
        to: new Date(stack.now.getTime() + DAY),
        extensions: [usage(0x80), ...extensions],
      });
      root['timestampAuthorities'][0].certChain.certificates[0].rawBytes = certificate.toString('base64');
    });
  assert.ok(withPurposes(purposes([TIME], true)));
  for (const extensions of [
    [],
    [purposes([TIME])],
    [purposes([TIME, '1.3.6.1.5.5.7.3.3'], true)],
    [purposes(['1.3.6.1.5.5.7.3.3'], true)],
  ])
    assert.throws(() => withPurposes(...extensions), /not for timestamps alone/);
});

test('own certificate authorities replace those of the root, and make it another version', () => {
  const root = parseTrustRoot(bytes, 'x');
  const chain = der.pem(stack.issuerCertificate) + der.pem(stack.rootCertificate);
  const own = withAuthorities(root, [chain]);
  assert.notEqual(own.id, root.id);
  assert.equal(own.material.certificateAuthorities.length, 1);
  assert.equal(own.material.certificateAuthorities[0]?.certChain.length, 2);
  assert.equal(own.material.tlogs, root.material.tlogs);
  assert.throws(() => withAuthorities(root, ['nonsense']), /expected certificates in PEM/);
  assert.throws(() => withAuthorities(root, [der.pem(stack.leaf(pair().publicKey))]), /not a certificate authority/);
  assert.throws(() => withAuthorities(root, [chain.repeat(6)]), /more than 10/);
});

test('expiries: what ends soon, what has ended, and kinds of which none is left', () => {
  const now = new Date('2026-06-15T00:00:00Z');
  const member = (kind: Member['kind'], end?: string, certificateEnd?: string): Member => ({
    kind,
    name: 'N',
    start: '2020-01-01T00:00:00Z',
    ...(end !== undefined && { end }),
    ...(certificateEnd !== undefined && { certificateEnd }),
  });
  const lines = (...members: Member[]) => expiries({ members }, now, 30);
  assert.deepEqual(
    lines(member('transparency log'), member('certificate authority', undefined, '2030-01-01T00:00:00Z')),
    [],
  );
  assert.deepEqual(lines(member('transparency log', '2026-07-01T00:00:00Z')), [
    'transparency log N ends on 2026-07-01',
  ]);
  assert.deepEqual(lines(member('transparency log', '2026-08-01T00:00:00Z')), []);
  assert.deepEqual(lines(member('certificate authority', undefined, '2026-06-01T00:00:00Z')), [
    'certificate authority N ended on 2026-06-01',
  ]);
  assert.deepEqual(lines(member('timestamp authority', '2026-09-01T00:00:00Z', '2026-07-01T00:00:00Z')), [
    'timestamp authority N ends on 2026-07-01',
  ]);
  const past = '2026-01-01T00:00:00Z';
  assert.deepEqual(lines(member('transparency log', past), member('transparency log')), [], 'a successor is in office');
  assert.match(lines(member('transparency log', past)).join(), /no transparency log is in office any more/);
});
