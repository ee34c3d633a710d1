// A server that is not a registry but is spoken to with the same care: bounded bodies, deadlines, tokens of a registry where
// it asks for some. Notary servers, Fulcio, Rekor, timestamp authorities, revocation lists.
import { readNamed } from '../file.ts';
import { Problem } from '../problem.ts';
import type { CredentialSource } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { Authorizer } from './tokens.ts';
import type { RegistryResponse, Transport } from './transport.ts';

export type ServiceSetting = {
  /** `https://notary.example.com`, with or without a path. */
  readonly url: string;
  /** Path of a PEM file with its CA. */
  readonly ca?: string | undefined;
  /** An answer named it, not the user or the policy: only public addresses, or those of our own class of network. */
  readonly answered?: boolean;
  /** The registry whose credentials buy tokens for it; without one nothing is ever sent along. */
  readonly registry?: string;
};

export class Service {
  readonly host: string;
  readonly #url: string;
  readonly #endpoint: Endpoint;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #trusted: boolean;

  constructor(
    { url, ca, registry, answered = false }: ServiceSetting,
    transport: Transport,
    credentials: CredentialSource,
    tokenHost: string | undefined,
    guarded = false,
  ) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new Problem('usage', `expected a URL with https:// or http://, got '${url}'`);
    this.host = new URL(url).host;
    this.#url = url;
    this.#transport = transport;
    this.#trusted = !answered;
    this.#endpoint = {
      base: url.endsWith('/') ? url : `${url}/`,
      registry: registry ?? this.host,
      mirror: false,
      skipVerify: false,
      headers: {},
      guarded,
      ...(ca !== undefined && { ca: [readNamed(ca).toString('utf8')] }),
    };
    const source = registry === undefined ? async () => undefined : credentials;
    this.#authorizer = new Authorizer(this.#endpoint, transport, source, tokenHost);
  }

  /**
   * @param path below the URL, without a leading slash
   * @param scope repository for the token
   * @param limit bytes
   * @param headers of the caller's own
   */
  get(path: string, scope: string, limit: number, headers: Record<string, string> = {}): Promise<RegistryResponse> {
    return this.#authorizer.authorized(scope, (authorization) =>
      this.#transport.send(
        this.#endpoint,
        {
          method: 'GET',
          url: this.#urlOf(path),
          headers: { ...headers, ...(authorization !== undefined && { authorization }) },
          limit,
        },
        this.#trusted,
      ),
    );
  }

  /** No credentials but those that the caller gives. */
  post(path: string, body: string | Buffer, headers: Record<string, string>, limit: number): Promise<RegistryResponse> {
    return this.#transport.send(
      this.#endpoint,
      { method: 'POST', url: this.#urlOf(path), headers, body, limit },
      this.#trusted,
    );
  }

  #urlOf(path: string): string {
    return path === '' ? this.#url : new URL(path, this.#endpoint.base).href;
  }
}
