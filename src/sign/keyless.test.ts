// Keyless signing: which token is used, what is sent to the certificate authority, and which of its answers are believed.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import * as der from '../../test/signing/der.ts';
import { SigstoreStack } from '../../test/signing/sigstore-stack.ts';
import { Problem } from '../problem.ts';
import type { Service } from '../registry/service.ts';
import { ambientToken, certify } from './keyless.ts';

const stack = new SigstoreStack();
const tokenWith = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;
const TOKEN = tokenWith({ sub: 'ci' });

type Request = {
  credentials: { oidcIdentityToken: string };
  publicKeyRequest: { publicKey: { content: string }; proofOfPossession: string };
};

/** Fulcio with one answer. @param certified makes the chain for the key that was sent */
function fulcio(
  { status = 200, field = 'signedCertificateEmbeddedSct' } = {},
  certified = (key: ReturnType<typeof createPublicKey>) => [stack.leaf(key), stack.issuerCertificate],
): { service: Service; sent: Request[] } {
  const sent: Request[] = [];
  const post = async (_path: string, body: string) => {
    const request = JSON.parse(body) as Request;
    sent.push(request);
    const chain = certified(createPublicKey(request.publicKeyRequest.publicKey.content)).map((bytes) => der.pem(bytes));
    const answer = { [field]: { chain: { certificates: chain } }, message: 'no' };
    return { status, headers: {}, body: Buffer.from(JSON.stringify(answer)) };
  };
  return { service: { host: 'fulcio.test', post } as unknown as Service, sent };
}

test('each run has a key of its own, with the certificate that was issued for it', async () => {
  const { service } = fulcio();
  const [first, second] = [await certify(service, TOKEN), await certify(service, TOKEN)];
  assert.notDeepEqual(first.key.spki, second.key.spki);
  for (const { key, certificate } of [first, second]) assert.ok(certificate.includes(key.spki));
  const detached = fulcio({ field: 'signedCertificateDetachedSct', status: 201 });
  assert.ok((await certify(detached.service, TOKEN)).certificate.length > 0);
});

const subjects: [name: string, claims: object, subject: string][] = [
  ['the subject', { sub: 'repo:org/app' }, 'repo:org/app'],
  ['a person’s mail address before the subject', { sub: '17', email: 'ann@example.com' }, 'ann@example.com'],
];
for (const [name, claims, subject] of subjects)
  test(`the new key signs ${name} as proof of possession`, async () => {
    const { service, sent } = fulcio();
    await certify(service, tokenWith(claims));
    const { credentials, publicKeyRequest } = sent[0] as Request;
    assert.equal(credentials.oidcIdentityToken, tokenWith(claims));
    const proof = Buffer.from(publicKeyRequest.proofOfPossession, 'base64');
    assert.ok(verify('sha256', Buffer.from(subject), publicKeyRequest.publicKey.content, proof));
  });

test('a token without a subject is not sent', async () => {
  const { service, sent } = fulcio();
  for (const token of ['', 'x', tokenWith({}), tokenWith({ sub: 1 })])
    await assert.rejects(certify(service, token), /not a JWT with a subject/);
  assert.deepEqual(sent, []);
});

test('a certificate for another key, one beside a refusal, or none at all', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  await assert.rejects(
    certify(fulcio({}, () => [stack.leaf(other)]).service, TOKEN),
    /fulcio\.test issued a certificate for another key/,
  );
  await assert.rejects(
    certify(fulcio({ status: 403 }).service, TOKEN),
    (error) =>
      error instanceof Problem && error.code === 'denied' && /the certificate authority.*403: no/.test(error.message),
  );
  await assert.rejects(certify(fulcio({}, () => []).service, TOKEN), /did not answer with a certificate/);
  await assert.rejects(certify(fulcio({ field: 'other' }).service, TOKEN), /did not answer with a certificate/);
});

const GITHUB = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://ids.test/t?x=1', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret' };
/** GitHub's own service. */
function identityService(status: number, answer: unknown) {
  const asked: { url: string; headers: Record<string, string> | undefined }[] = [];
  const open = (url: string) =>
    ({
      host: 'ids.test',
      get: async (_path: string, _accept: string, _limit: number, headers?: Record<string, string>) => {
        asked.push({ url, headers });
        return { status, headers: {}, body: Buffer.from(JSON.stringify(answer) ?? '') };
      },
    }) as unknown as Service;
  return { open, asked };
}

test('the token of the environment is used as it is, and nobody is asked', async () => {
  const { open, asked } = identityService(200, { value: 'other' });
  assert.equal(await ambientToken({ ...GITHUB, SIGSTORE_ID_TOKEN: ' mine\n' }, open), 'mine');
  assert.deepEqual(asked, []);
});

test('GitHub’s service is asked for a token for sigstore, with the build’s own token', async () => {
  const { open, asked } = identityService(200, { value: 'given' });
  assert.equal(await ambientToken({ ...GITHUB, SIGSTORE_ID_TOKEN: '' }, open), 'given');
  assert.deepEqual(asked, [
    { url: 'https://ids.test/t?x=1&audience=sigstore', headers: { authorization: 'Bearer secret' } },
  ]);
});

test('no token: what to do is said, and an error with a token in it gives none', async () => {
  const ask = (status: number, answer: unknown) => ambientToken(GITHUB, identityService(status, answer).open);
  for (const environment of [{}, { ...GITHUB, ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' }])
    await assert.rejects(ambientToken(environment, assert.fail), /no identity token: run in GitHub Actions/);
  await assert.rejects(ask(500, { value: 'x' }), /the identity service ids\.test answered 500/);
  for (const answer of [{}, { value: 1 }, null]) await assert.rejects(ask(200, answer), /answered 200/);
});
