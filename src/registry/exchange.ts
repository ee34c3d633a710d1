// What goes to a registry and what comes back: the types that transport, tokens and client share.

export type RegistryResponse = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  /** Nothing in the protocol shows where the body ends, so a cut one looks like a whole one. */
  readonly hasOpenEnd?: true;
};

export type Call = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer;
  /** Largest body that is read, bytes. */
  readonly limit: number;
};
