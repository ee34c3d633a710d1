// What opens a registry, and where it comes from: types that every source of credentials shares.

export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, which only the token service may see. */
  | { readonly kind: 'identity'; readonly token: string };

/**
 * Finds the credential for a registry and repository in canonical form; undefined: the request goes
 * without.
 */
export type CredentialSource = (registry: string, repository: string) => Promise<Credential | undefined>;
