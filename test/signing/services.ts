// Fulcio, Rekor 1 and 2 and a timestamp authority as HTTP services on loopback, over a SigstoreStack: what keyless signing talks to.
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import * as der from './der.ts';
import { SigstoreStack } from './sigstore-stack.ts';
import { recordBody2 } from './test-log.ts';

export class Services {
  readonly stack: SigstoreStack;
  readonly log: string[] = [];
  /** Set to make a service cheat or fail. */
  fault: 'none' | 'other key' | 'rekor down' | 'wrong entry' | 'fulcio refuses' = 'none';
  readonly #server: Server;
  url = '';

  constructor(stack = new SigstoreStack()) {
    this.stack = stack;
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.log.push(`${request.method} ${request.url}`);
      try {
        const { status, type, body } = this.#answer(
          request.url as string,
          Buffer.concat(chunks),
          request.headers.authorization?.replace('Bearer ', '') ?? '',
        );
        response.writeHead(status, { 'content-type': type, etag: 'uuid' }).end(body); // Rekor names the entry there
      } catch (error) {
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ message: String(error) }));
      }
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
    return this.url;
  }

  close(): Promise<unknown> {
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, body: Buffer, token: string): { status: number; type: string; body: string | Buffer } {
    const json = (status: number, value: unknown) => ({
      status,
      type: 'application/json',
      body: JSON.stringify(value),
    });
    if (path === '/api/v2/signingCert')
      return json(200, this.#certify({ credentials: { oidcIdentityToken: token }, ...JSON.parse(body.toString()) }));
    if (path === '/api/v1/signingCert')
      return {
        status: 201,
        type: 'application/pem-certificate-chain',
        body: this.#certify1(token, JSON.parse(body.toString())),
      };
    if (path === '/tsa') return { status: 201, type: 'application/timestamp-reply', body: this.#stamp(body) };
    if (this.fault === 'rekor down') return json(400, { message: 'rekor is down' });
    if (path === '/api/v1/log/entries') return json(201, this.#log1(JSON.parse(body.toString())));
    if (path === '/api/v2/log/entries') return json(201, this.#log2(JSON.parse(body.toString())));
    if (path.startsWith('/token?'))
      return json(200, {
        value: tokenOf('https://ci.test', 'https://git.test/org/app/.ci/release.yml@refs/heads/main'),
      });
    return json(404, { message: 'no such path' });
  }

  /** Fulcio's first form, which cosign 2 speaks. */
  #certify1(token: string, request: { publicKey: { content: string }; signedEmailAddress: string }): string {
    const answer = this.#certify({
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { content: Buffer.from(request.publicKey.content, 'base64').toString() },
        proofOfPossession: request.signedEmailAddress,
      },
    });
    return answer.signedCertificateEmbeddedSct.chain.certificates.join('');
  }

  /** Fulcio: the token's subject, the proof that the key is there, and a certificate for both. */
  #certify(request: {
    credentials: { oidcIdentityToken: string };
    publicKeyRequest: { publicKey: { content: string }; proofOfPossession: string };
  }) {
    if (this.fault === 'fulcio refuses') throw new Error('the token is not accepted');
    const { iss, sub } = JSON.parse(
      Buffer.from(request.credentials.oidcIdentityToken.split('.')[1] ?? '', 'base64url').toString(),
    );
    const key = createPublicKey(request.publicKeyRequest.publicKey.content);
    if (!verify('sha256', Buffer.from(sub), key, Buffer.from(request.publicKeyRequest.proofOfPossession, 'base64')))
      throw new Error('the proof of possession is wrong');
    const certified = this.fault === 'other key' ? this.stack.root.publicKey : key;
    const leaf = this.stack.leaf(certified, { issuer: iss, names: [der.uri(sub)] }, new Date());
    const { issuerCertificate, rootCertificate } = this.stack;
    return {
      signedCertificateEmbeddedSct: {
        chain: { certificates: [leaf, issuerCertificate, rootCertificate].map((c) => der.pem(c)) },
      },
    };
  }

  #log1(proposal: {
    apiVersion: string;
    kind: string;
    spec: { proposedContent?: { envelope: string; verifiers: string[] } };
  }) {
    const body = proposal.spec.proposedContent === undefined ? proposal : this.#dsse(proposal.spec.proposedContent);
    const entry = this.stack.log.rekor1Entry(body, new Date());
    const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString('hex');
    const { logIndex, rootHash, treeSize, hashes, checkpoint } = entry.inclusionProof;
    return {
      uuid: {
        body: entry.canonicalizedBody,
        integratedTime: Number(entry.integratedTime),
        logID: fromBase64(entry.logId.keyId),
        logIndex: Number(entry.logIndex),
        verification: {
          signedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
          inclusionProof: {
            checkpoint: checkpoint.envelope,
            hashes: hashes.map(fromBase64),
            logIndex: Number(logIndex),
            rootHash: fromBase64(rootHash),
            treeSize: Number(treeSize),
          },
        },
      },
    };
  }

  /** Rekor keeps hashes of an envelope, not the envelope. */
  #dsse({ envelope, verifiers }: { envelope: string; verifiers: string[] }) {
    const { payload, signatures } = JSON.parse(envelope);
    const bytes = this.fault === 'wrong entry' ? Buffer.from('x') : Buffer.from(payload, 'base64');
    return {
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: {
        envelopeHash: { algorithm: 'sha256', value: hex(Buffer.from(envelope)) },
        payloadHash: { algorithm: 'sha256', value: hex(bytes) },
        signatures: [{ signature: signatures[0].sig, verifier: verifiers[0] }],
      },
    };
  }

  #log2(request: {
    hashedRekordRequestV002: {
      digest: string;
      signature: { content: string; verifier: Record<string, { rawBytes: string }> };
    };
  }) {
    const { digest, signature } = request.hashedRekordRequestV002;
    const isCertificate = signature.verifier['x509Certificate'] !== undefined;
    const signer = Buffer.from(
      (signature.verifier['x509Certificate'] ?? signature.verifier['publicKey'])?.rawBytes ?? '',
      'base64',
    );
    const content = {
      signature: Buffer.from(signature.content, 'base64'),
      signed: Buffer.alloc(0),
      payload: Buffer.alloc(0),
      signer,
      isCertificate,
    };
    const body = recordBody2(content);
    body.spec.hashedRekordV002.data.digest = digest;
    return this.stack.log.rekor2Entry(body);
  }

  /** The imprint stands in the query as it is: SHA-256 of what is to be stamped. */
  #stamp(query: Buffer): Buffer {
    const at = query.indexOf(Buffer.from('0420', 'hex'));
    return der.timeStampResponse({
      imprint: query.subarray(at + 2, at + 34),
      stamped: Buffer.alloc(0),
      at: new Date(),
      certificate: this.stack.tsaCertificate,
      issuer: { CN: 'test root', O: 'tagproof' },
      serial: this.stack.tsaSerial,
      key: this.stack.tsa.privateKey,
    });
  }
}

const hex = (bytes: Buffer) => der.digestHex(bytes);

const ISSUER_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** An identity token as an OIDC issuer makes it; nobody here checks by whom it is signed. */
export function tokenOf(issuer: string, subject: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iss: issuer, sub: subject, aud: 'sigstore', iat: now, exp: now + 600 })}`;
  return `${text}.${sign('sha256', Buffer.from(text), ISSUER_KEY.privateKey).toString('base64url')}`;
}
