import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { KEY_AUTHORITY } from '../../test/signing/authority.ts';
import type { PinnedReference, Reference, Verdict } from '../flow.ts';
import { digestOf } from '../image/hash.ts';
import { OCI_MANIFEST } from '../image/media-type.ts';
import { parsePinned, parseReference, withDigest } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { SIMPLE_SIGNING } from '../sigstore/payload.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../sigstore/statement.ts';
import type { SignatureCandidate } from './cosign/fetch.ts';
import { loadKey } from './cosign/key.ts';
import { fromBundle, fromSignatureLayer, type Material } from './cosign/material.ts';
import { type CosignSigner, loadCosignSigner } from './cosign/signer.ts';
import { verifyMaterial as judgeAll } from './cosign/verify-material.ts';
import { gatherVerdicts, loadSigners } from './verify.ts';

const D = `sha256:${'d'.repeat(64)}`;
const SETTINGS = { hashAlgorithm: 'sha256', rsaScheme: 'pkcs1' } as const;
const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const theirs = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string;

const signer = (annotations: Record<string, string> = {}): Promise<CosignSigner> =>
  loadCosignSigner('me', { ...KEY_AUTHORITY, keys: [pem(mine.publicKey)], annotations });

/** About the one digest that these tests sign. */
const subject = parsePinned(`registry.test/x:1@${D}`);
const evaluator = (candidates: SignatureCandidate[], me: CosignSigner) =>
  judgeAll(candidates, me, subject, new Date()).verdict;

/** One signer's verdict on what a registry holds. */
const verdictOf = async (image: PinnedReference) =>
  (await gatherVerdicts([await signer()], { client, subject: image })).verdicts.get('me') as Verdict;

// --- making signatures as cosign does ---

function payload(digest = D, change: (json: Record<string, unknown>) => unknown = (json) => json): Buffer {
  const critical = {
    identity: { 'docker-reference': 'x' },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  };
  return Buffer.from(JSON.stringify(change({ critical, optional: { build: '42' } })));
}

function signature(bytes = payload(), key = mine.privateKey, hasCertificate = false): SignatureCandidate {
  return fromSignatureLayer(bytes, {
    'dev.cosignproject.cosign/signature': sign('sha256', bytes, key).toString('base64'),
    ...(hasCertificate && {
      'dev.sigstore.cosign/certificate': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    }),
  });
}

type Statement = {
  _type: string;
  predicateType: string;
  subject: { digest: Record<string, string>; annotations?: Record<string, string> }[];
  predicate?: object;
};
const statement = (more: Partial<Statement> = {}): Statement => ({
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: SIGN_PREDICATE,
  subject: [{ digest: { sha256: D.slice(7) }, annotations: { build: '42' } }],
  ...more,
});

function bundleOf(content: object = statement(), key = mine.privateKey): Record<string, unknown> {
  const body = Buffer.from(JSON.stringify(content));
  const type = 'application/vnd.in-toto+json';
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]);
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'x' } },
    dsseEnvelope: {
      payload: body.toString('base64'),
      payloadType: type,
      signatures: [{ sig: sign('sha256', signed, key).toString('base64') }],
    },
  };
}

const bundle = (json: object = bundleOf()): SignatureCandidate => fromBundle(Buffer.from(JSON.stringify(json)));

// --- one candidate ---

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
    'somebody else’s',
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
    const verdict = evaluator(candidates, await signer(annotations));
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
      assert.notEqual(evaluator([changed], me).kind, 'verified', `${part} ${i}`);
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
      if (evaluator([bundle(copy)], me).kind === 'verified') paths.push([...path, key].join('.'));
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
      evaluator([bundle({ ...good, dsseEnvelope: { ...good.dsseEnvelope, payload: flipped.toString('base64') } })], me)
        .kind,
      'verified',
      `${i}`,
    );
  }
});

// --- keys ---

test('keys: each kind in its one way', async () => {
  const bytes = Buffer.from('text');
  const check = async (key: KeyObject, signed: Buffer, settings: Parameters<typeof loadKey>[1] = SETTINGS) =>
    loadKey(pem(key), settings).verifies(bytes, signed);
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  assert.ok(
    await check(p384.publicKey, sign('sha384', bytes, p384.privateKey), { ...SETTINGS, hashAlgorithm: 'sha384' }),
  );
  assert.ok(!(await check(p384.publicKey, sign('sha384', bytes, p384.privateKey))));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pss = sign('sha256', bytes, { key: rsa.privateKey, padding: 6, saltLength: 32 });
  assert.ok(await check(rsa.publicKey, sign('sha256', bytes, rsa.privateKey)));
  assert.ok(await check(rsa.publicKey, pss, { ...SETTINGS, rsaScheme: 'pss' }));
  assert.ok(!(await check(rsa.publicKey, pss)), 'the scheme comes from the policy');
  const ed = generateKeyPairSync('ed25519');
  assert.ok(await check(ed.publicKey, sign(null, bytes, ed.privateKey)));
  const seed = ed.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  assert.ok(await check(ed.publicKey, Buffer.from(ed25519ph.sign(bytes, seed))));
  assert.ok(!(await check(ed.publicKey, Buffer.from('not a signature'))));
});

test('keys that cannot be used safely are refused, with the name of their authority', async () => {
  const weak = pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
  const curve = pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey);
  for (const [key, message] of [
    [weak, /at least 2048 bits, got 1024/],
    [curve, /P-256, P-384 or P-521/],
    ['-----BEGIN PUBLIC KEY-----\nx', /expected a public key/],
  ] as const) {
    await assert.rejects(
      loadSigners({ release: { ...KEY_AUTHORITY, keys: [key] } }),
      (error) => /authority 'release'/.test(String(error)) && message.test(String(error)),
    );
  }
});

test('two authorities with one key are refused: a threshold would count it twice (T37)', async () => {
  const authority = { ...KEY_AUTHORITY, keys: [pem(mine.publicKey)] };
  await assert.rejects(loadSigners({ a: authority, b: authority }), /'a' and 'b' share a key/);
  assert.equal(
    (await loadSigners({ a: { ...authority, keys: [...authority.keys, pem(theirs.publicKey)] } })).length,
    1,
  );
});

// --- from a registry ---

const registry = new EmbeddedRegistry();
const old = new EmbeddedRegistry({ referrers: false });
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
after(() => Promise.all([client.close(), registry.close(), old.close()]));
const hosts: string[] = [];
before(async () => void hosts.push(await registry.listen(), await old.listen()));

async function put(host: string, path: string, body: Buffer, type: string): Promise<string> {
  const response = await fetch(`http://${host}/v2/${path}`, { method: 'PUT', body, headers: { 'content-type': type } });
  assert.equal(response.status, 201);
  return digestOf(body);
}

async function putBlob(host: string, bytes: Buffer): Promise<{ digest: string; size: number }> {
  const started = await fetch(`http://${host}/v2/x/blobs/uploads/`, { method: 'POST' });
  await put(
    host,
    `${(started.headers.get('location') as string).slice(4)}?digest=${digestOf(bytes)}`,
    bytes,
    'application/octet-stream',
  );
  return { digest: digestOf(bytes), size: bytes.length };
}

async function image(host: string, content: string): Promise<PinnedReference> {
  return withDigest(
    parseReference(`${host}/x:1`) as Reference,
    await pushSample(host, { repository: 'x', tag: '1', platforms: ['linux/amd64'], content }),
  );
}

async function attach(host: string, subject: PinnedReference, json: object, named = subject.digest): Promise<void> {
  const config = await putBlob(host, Buffer.from('{}'));
  const layer = await putBlob(host, Buffer.from(JSON.stringify(json)));
  const type = BUNDLE_TYPE;
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: type,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...config },
    layers: [{ mediaType: type, ...layer }],
    subject: { mediaType: OCI_MANIFEST, digest: named, size: 1 },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  await put(host, `x/manifests/${digestOf(bytes)}`, bytes, OCI_MANIFEST);
  const index = {
    schemaVersion: 2,
    manifests: [{ mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length, artifactType: type }],
  };
  await put(
    host,
    `x/manifests/${subject.digest.replace(':', '-')}`,
    Buffer.from(JSON.stringify(index)),
    'application/vnd.oci.image.index.v1+json',
  );
}

test('bundles by the referrers API and by the fallback tag; a referrer of something else does not count', async () => {
  for (const host of hosts) {
    const subject = await image(host, `bundle ${host}`);
    assert.equal((await verdictOf(subject)).kind, 'unsigned');
    const content = statement({ subject: [{ digest: { sha256: subject.digest.slice(7) } }] });
    await attach(host, subject, bundleOf(content));
    assert.equal((await verdictOf(subject)).kind, 'verified');
  }
  const host = hosts[1] as string;
  const other = await image(host, 'other subject');
  await attach(host, other, bundleOf(statement({ subject: [{ digest: { sha256: other.digest.slice(7) } }] })), D);
  assert.equal((await verdictOf(other)).kind, 'unchecked');
});

test('the .sig tag: one fetch of a payload however many layers carry it; a cap on signatures, which is said (T39)', async () => {
  const host = hosts[0] as string;
  const subject = await image(host, 'sig');
  const text = payload(subject.digest);
  const layer = { mediaType: SIMPLE_SIGNING, ...(await putBlob(host, text)) };
  const signed = (key: KeyObject) => ({
    ...layer,
    annotations: { 'dev.cosignproject.cosign/signature': sign('sha256', text, key).toString('base64') },
  });
  const tag = `${subject.digest.replace(':', '-')}.sig`;
  const write = (layers: object[]) =>
    put(
      host,
      `x/manifests/${tag}`,
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, layers })),
      OCI_MANIFEST,
    );
  await write([signed(theirs.privateKey), signed(mine.privateKey)]);
  registry.log.length = 0;
  assert.equal((await verdictOf(subject)).kind, 'verified');
  assert.equal(registry.log.filter((line) => line.includes('/blobs/')).length, 1);
  await write([...Array.from({ length: 60 }, () => signed(theirs.privateKey)), signed(mine.privateKey)]);
  const over = await verdictOf(subject);
  assert.equal(over.kind, 'unchecked');
  assert.match(over.kind === 'unchecked' ? over.problem.message : '', /61 signatures, only the first 50/);
});

test('a registry that fails is "could not check", never "unsigned" (T22)', async () => {
  for (const status of [401, 403, 429, 500, 503]) {
    const failing = new EmbeddedRegistry({ intercept: (_, response) => (response.writeHead(status).end(), true) });
    const host = await failing.listen();
    const subject = withDigest(parseReference(`${host}/x:1`) as Reference, D);
    assert.equal((await verdictOf(subject)).kind, 'unchecked', String(status));
    await failing.close();
  }
});

test('a key is named by the hash of its SPKI', async () => {
  const id = createHash('sha256')
    .update(mine.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  assert.equal(loadKey(pem(mine.publicKey), SETTINGS).id, id);
});
