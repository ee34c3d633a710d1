// Image references: the grammar of distribution/reference, which Docker and the CRI of containerd
// use, and Docker's defaults.
//
//   reference  := [domain "/"] path [":" tag] ["@" digest]
//   domain     := host [":" port]      host := name | IPv4 | "[" IPv6 "]"
//   path       := component ("/" component)*
//   component  := [a-z0-9]+ (separator [a-z0-9]+)*    separator := "." | "_" | "__" | "-"+
//   tag        := [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
//
// `nginx`, `docker.io/nginx` and `index.docker.io/library/nginx` are one image. The first part is a
// host only if it has a dot, a colon or an upper-case letter, or is `localhost`. Else it is a path
// on Docker Hub.
import type { PinnedReference, Reference } from '../flow.ts';
import { Problem } from '../problem.ts';
import { isDigest } from './digest.ts';

const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
// distribution/reference takes a first part with a dot that is no host name (`a__b.io/x`) as a path
// component. So does this.
const REFERENCE = new RegExp(
  `^(${DOMAIN}|${COMPONENT})/(${COMPONENT}(?:/${COMPONENT})*)(?::(\\w[\\w.-]{0,127}))?(?:@(.+))?$`,
);

const HOST = new RegExp(`^${DOMAIN}$`);

/**
 * Longer text is not parsed. Far above any valid reference: name 255 + tag 128 + digest, plus a
 * host.
 */
const MAX_LENGTH = 1024;
/** RepositoryNameTotalLengthMax of distribution/reference. */
const MAX_PATH = 255;

/**
 * Parses a reference as `docker pull` does, with the same result as ParseNormalizedNamed of
 * distribution/reference.
 * @returns the Reference, or a Problem of code `reference` that names the offending part
 */
export function parseReference(text: string): Reference | Problem {
  if (text === '') return invalid(text, 'it is empty');
  if (text.length > MAX_LENGTH) return invalid(`${text.slice(0, 60)}…`, `it has ${text.length} characters`);
  if (/^[a-f0-9]{64}$/.test(text)) return invalid(text, 'it is a bare image ID, which names no image of a registry');
  const { domain, rest } = splitDomain(text);
  const match = REFERENCE.exec(`${domain}/${rest}`);
  if (match === null) return invalid(text, explainInvalid(text, rest));
  const [, , path, tag, digest] = match as unknown as [string, string, string, string?, string?];
  const length = HOST.test(domain) ? path.length : domain.length + 1 + path.length;
  if (length > MAX_PATH)
    return invalid(text, `the repository name has ${length} characters, the maximum is ${MAX_PATH}`);
  if (digest !== undefined && !isDigest(digest)) {
    return invalid(text, `'${digest}' is not a digest: expected sha256: and 64 lower-case hex digits`);
  }
  const registry = canonicalRegistry(domain);
  const suffix = (tag === undefined ? 0 : tag.length + 1) + (digest === undefined ? 0 : digest.length + 1);
  return {
    text,
    name: text.slice(0, text.length - suffix),
    registry,
    repository: registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/**
 * Docker's rule for what is a host (splitDockerDomain), and `library/` for Docker Hub's official
 * images.
 */
function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = !isHost || first === 'index.docker.io' ? 'docker.io' : first;
  const rest = isHost ? text.slice(slash + 1) : text;
  return { domain, rest: domain === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest };
}

/**
 * One spelling for one registry (T10): host in lower case, no default port, Docker Hub under its
 * one name.
 */
function canonicalRegistry(domain: string): string {
  const host = domain.toLowerCase().replace(/:443$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function explainInvalid(text: string, rest: string): string {
  if (/\s/.test(text)) return 'it contains white space';
  if (text.includes('://')) return 'it is a URL: leave out the scheme';
  const path = rest.split(/[:@]/, 1)[0] as string;
  if (path !== path.toLowerCase()) return `the repository name '${path}' must be lower case`;
  return 'expected [host[:port]/]path[:tag][@sha256:…]';
}

function invalid(text: string, reason: string): Problem {
  return new Problem('reference', `not a valid image reference: ${reason}`, { image: text });
}

/** Canonical repository: `docker.io/library/nginx`. */
export function repositoryOf(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`;
}

/**
 * Canonical form with tag and digest as written: `docker.io/library/nginx:1.27@sha256:…`. It gets
 * no default tag.
 */
export function printReference(reference: Reference): string {
  return repositoryOf(reference) + suffixOf(reference);
}

/**
 * What a pull without digest asks for: the canonical name with the tag, `latest` by default. The
 * key of the lock.
 */
export function tagKey(reference: Reference): string {
  return `${repositoryOf(reference)}:${reference.tag ?? 'latest'}`;
}

/** The reference with this digest; name and tag stay as written. */
export function withDigest(reference: Reference, digest: string): PinnedReference {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  return { ...reference, digest, text: `${reference.name}${tag}@${digest}` };
}

/** Does the reference name one image, rather than a tag that may move? */
export function isPinned<T extends Reference>(reference: T): reference is T & PinnedReference {
  return reference.digest !== undefined;
}

/** @throws Problem `reference` unless the text is a valid reference with a digest */
export function parsePinned(text: string): PinnedReference {
  const reference = parseReference(text);
  if (reference instanceof Problem) throw reference;
  if (!isPinned(reference)) throw new Problem('reference', 'expected a reference with a digest', { image: text });
  return reference;
}

/** The tagged reference without its digest. */
export function withoutDigest(reference: Reference): Reference {
  const { digest: _, ...rest } = reference;
  return { ...rest, text: `${reference.name}${reference.tag === undefined ? '' : `:${reference.tag}`}` };
}

/** How a reference names its image. Only a digest names one for ever. */
export type Posture = 'latest' | 'untagged' | 'tag' | 'digest' | 'tag+digest';

export function postureOf({ tag, digest }: Reference): Posture {
  if (digest !== undefined) return tag === undefined ? 'digest' : 'tag+digest';
  return tag === undefined ? 'untagged' : tag === 'latest' ? 'latest' : 'tag';
}

function suffixOf({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}
