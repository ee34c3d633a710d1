// Keyless signing: exchanges the build's OIDC token for a certificate of a key that exists only for this run. Fulcio, POST
// /api/v2/signingCert (fulcio.proto); GitHub's "Configuring OpenID Connect".
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import { Problem } from '../problem.ts';
import type { Service } from '../registry/service.ts';
import { parseJson } from '../sigstore/json.ts';
import { type SigningKey, signingKeyOf } from './key.ts';
import { refused } from './witness.ts';

const MAX_ANSWER = 64 * 1024;
const AUDIENCE = 'sigstore';

/**
 * The token of the current build: SIGSTORE_ID_TOKEN (GitLab and others set it), or from GitHub Actions' own service.
 * @param open connects to the service that the environment names
 */
export async function ambientToken(environment: NodeJS.ProcessEnv, open: (url: string) => Service): Promise<string> {
  const { SIGSTORE_ID_TOKEN, ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN } = environment;
  if (SIGSTORE_ID_TOKEN) return SIGSTORE_ID_TOKEN.trim();
  if (!ACTIONS_ID_TOKEN_REQUEST_URL || !ACTIONS_ID_TOKEN_REQUEST_TOKEN)
    throw new Problem(
      'usage',
      'no identity token: run in GitHub Actions with permissions id-token: write, set SIGSTORE_ID_TOKEN, or sign with --key',
    );
  const url = new URL(ACTIONS_ID_TOKEN_REQUEST_URL);
  url.searchParams.set('audience', AUDIENCE);
  const service = open(url.href);
  const answer = await service.get('', '', MAX_ANSWER, { authorization: `Bearer ${ACTIONS_ID_TOKEN_REQUEST_TOKEN}` });
  const { value } = (parseJson(answer.body) ?? {}) as { value?: unknown };
  if (answer.status !== 200 || typeof value !== 'string') throw refused(service, answer, 'the identity service');
  return value;
}

const ChainSchema = v.object({
  chain: v.object({ certificates: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(10)) }),
});
const AnswerSchema = v.object({
  signedCertificateEmbeddedSct: v.optional(ChainSchema),
  signedCertificateDetachedSct: v.optional(ChainSchema),
});

export type Certified = { readonly key: SigningKey; readonly certificate: Buffer };

/** A new key and the certificate that Fulcio issues for it and the token's subject. */
export async function certify(fulcio: Service, token: string): Promise<Certified> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const proof = sign('sha256', Buffer.from(subjectOf(token)), privateKey);
  const request = {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
      proofOfPossession: proof.toString('base64'),
    },
  };
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const answer = await fulcio.post('api/v2/signingCert', JSON.stringify(request), headers, MAX_ANSWER);
  if (answer.status !== 200 && answer.status !== 201) throw refused(fulcio, answer, 'the certificate authority');
  const result = v.safeParse(AnswerSchema, parseJson(answer.body));
  const pem = result.success
    ? (result.output.signedCertificateEmbeddedSct ?? result.output.signedCertificateDetachedSct)?.chain.certificates[0]
    : undefined;
  if (pem === undefined) throw new Problem('protocol', `${fulcio.host} did not answer with a certificate`);
  const certificate = new X509Certificate(pem);
  const key = signingKeyOf(privateKey);
  if (!certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(key.spki))
    throw new Problem('protocol', `${fulcio.host} issued a certificate for another key`);
  return { key, certificate: certificate.raw };
}

/** What Fulcio requires signed as proof of possession: a person's mail address, otherwise the token's subject. */
function subjectOf(token: string): string {
  const payload = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
  const { email, sub } = (payload ?? {}) as { email?: unknown; sub?: unknown };
  const subject = email ?? sub;
  if (typeof subject !== 'string') throw new Problem('usage', 'the identity token is not a JWT with a subject');
  return subject;
}
