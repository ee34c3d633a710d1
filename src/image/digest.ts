// Content digests: `sha256:<64 hex>`. OCI image-spec, descriptor.md, section Digests.

/** Hex length by algorithm; the three that containerd's parser accepts. */
const HEX_LENGTH: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };

/** True for a well-formed digest of a known algorithm; upper-case hex is not (image-spec: lower case MUST). */
export function isDigest(text: string): boolean {
  const colon = text.indexOf(':');
  const length = HEX_LENGTH[text.slice(0, colon)];
  const hex = text.slice(colon + 1);
  return colon > 0 && length === hex.length && /^[a-f0-9]+$/.test(hex);
}

/** `sha256:0123456789ab`: enough for a person to compare, as docker prints it. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(':');
  return digest.slice(0, colon + 13);
}
