// Reads WWW-Authenticate. Pure. RFC 9110 section 11.6.1; distribution-spec, "token authentication".

export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined };

/**
 * Reads the challenges of a header, which may hold several: `Bearer realm="…",service="…", Basic
 * realm="…"`. It leaves out unknown schemes.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  // A scheme is a token followed by a space and a parameter, or by the end.
  for (const part of header.slice(0, 8192).split(/,?\s*(?=\b(?:Bearer|Basic|Negotiate|NTLM|Digest)(?:\s|$))/i)) {
    const scheme = /^\s*(\w+)/.exec(part)?.[1]?.toLowerCase();
    if (scheme === 'basic') challenges.push({ scheme });
    if (scheme !== 'bearer') continue;
    const parameters = new Map<string, string>();
    for (const [, name, quoted, bare] of part.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
      parameters.set((name as string).toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? (bare as string));
    }
    const realm = parameters.get('realm');
    if (realm !== undefined) challenges.push({ scheme, realm, service: parameters.get('service') });
  }
  return challenges;
}
