// A server that is no registry but needs the same care: bounded bodies, deadlines, and a registry's
// tokens where it asks for them. Notary servers, Fulcio, Rekor, timestamp authorities, revocation
// lists.
import { readNamed } from '../file.ts';
import { Problem } from '../problem.ts';
import type { CredentialSource } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import type { RegistryResponse } from './exchange.ts';
import { Authorizer } from './tokens.ts';
import type { Transport } from './transport.ts';

export type ServiceSetting = {
  /** `https://notary.example.com`, with or without a path. */
  readonly url: string;
  /** Path of a PEM file with its CA. */
  readonly ca?: string | undefined;
  /**
   * An answer named it, not the user or the policy: only public addresses, or its own class of
   * network, are reached.
   */
  readonly answered?: boolean;
  /**
   * The registry whose credentials are exchanged for tokens. Without one, requests carry no
   * credentials.
   */
  readonly registry?: string;
};

export type ServiceParts = {
  readonly transport: Transport;
  readonly credentials: CredentialSource;
  readonly tokenHost: string | undefined;
  /** Public addresses only, checked after DNS (T46). */
  readonly guarded?: boolean;
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
    { transport, credentials, tokenHost, guarded = false }: ServiceParts,
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
    this.#authorizer = new Authorizer({
      endpoint: this.#endpoint,
      transport,
      credentials: registry === undefined ? async () => undefined : credentials,
      tokenHost,
      actions: 'pull',
    });
  }

  /**
   * @param path below the URL, without a leading slash
   * @param scope repository for the token
   * @param limit bytes
   * @param headers that the caller adds
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

  /** Sends no credentials except those that the caller gives. */
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
