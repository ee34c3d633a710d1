// Content digests: `sha256:<64 hex>`. OCI image-spec, descriptor.md, section Digests.

/**
 * The algorithms that containerd's parser accepts; upper-case hex is none (image-spec: lower case
 * MUST).
 */
export const DIGEST = /^(sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** `sha256:0123456789ab`: enough for a person to compare, as docker prints it. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(':');
  return digest.slice(0, colon + 13);
}
