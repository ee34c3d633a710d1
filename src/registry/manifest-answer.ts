// What an answer to a question for a manifest is worth: a digest counts only when the answer is the whole manifest,
// or a HEAD that describes one. Pure. OCI image-spec manifest.md, image-index.md; distribution-spec, "pulling manifests".
import type { Reference } from '../flow.ts';
import { isDigest } from '../image/digest.ts';
import { digestOf } from '../image/hash.ts';
import { manifestKind, OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { repositoryOf } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { Descriptor, Manifest } from './descriptor.ts';
import type { Endpoint } from './endpoint.ts';
import type { RegistryResponse } from './exchange.ts';
import { digestMismatch, header, registryWords } from './registry-error.ts';

/** Types that storage behind a redirect gives to all bytes. The document itself then says what it is. */
const SILENT_TYPES = new Set(['', 'application/json', 'application/octet-stream', 'binary/octet-stream', 'text/plain']);
/** What a proxy gives as the digest of a body that it did not get. */
const EMPTY = digestOf('');
const SCHEMA_1 =
  "the image in Docker's retired schema 1, which cannot be pinned safely: push it again with a current client";
const PROXY = 'ask who runs this registry, or a proxy in front of it';

/**
 * What HEAD says about a manifest.
 * @returns undefined where it says too little, and GET must be asked
 * @throws Problem `protocol` for an image of schema 1
 */
export function describedByHead(
  endpoint: Endpoint,
  reference: Reference,
  answer: RegistryResponse,
): Descriptor | undefined {
  const [digest, ...others] = digestHeaders(answer);
  const mediaType = header(answer, 'content-type') ?? '';
  const kind = manifestKind(mediaType);
  if (kind === 'schema1') throw unexpected(endpoint, reference, SCHEMA_1);
  if (kind === 'unknown' || digest === undefined || others.length > 0) return undefined;
  if (!isDigest(digest) || digest === EMPTY) return undefined;
  const size = header(answer, 'content-length');
  const isStoredSize = size !== undefined && encodingOf(answer) === undefined;
  return { digest, mediaType, ...(isStoredSize && { size: Number(size) }) };
}

/**
 * The manifest that GET brought, with the digest of its bytes.
 * @throws Problem `protocol` for everything else that may come with status 200, `mismatch` for other bytes than the
 *   digest of the reference or of the header
 */
export function manifestOf(endpoint: Endpoint, reference: Reference, answer: RegistryResponse): Manifest {
  const { body: bytes } = answer;
  const document = readDocument(answer);
  if (typeof document === 'string') throw unexpected(endpoint, reference, document);
  const wanted = reference.digest === undefined ? digestHeaders(answer) : [reference.digest];
  const malformed = wanted.find((digest) => !isDigest(digest));
  if (malformed !== undefined)
    throw unexpected(endpoint, reference, `'${malformed.slice(0, 80)}' as its digest: ${PROXY}`);
  const digest = digestOf(bytes, wanted[0]);
  const other = wanted.find((one) => one !== digestOf(bytes, one));
  if (other !== undefined) throw digestMismatch(endpoint, other, digestOf(bytes, other));
  if (wanted.length === 0 && answer.hasOpenEnd)
    throw unexpected(
      endpoint,
      reference,
      `${bytes.length} bytes without their length or digest, so that nothing shows whether they are all: ${PROXY}`,
    );
  return { digest, mediaType: document.mediaType, size: bytes.length, bytes };
}

function unexpected({ base }: Endpoint, reference: Reference, came: string): Problem {
  const { host } = new URL(base);
  const { tag = 'latest', digest } = reference;
  const what = `${repositoryOf(reference)}${digest === undefined ? `:${tag}` : `@${digest}`}`;
  return new Problem('protocol', `expected the image manifest or index of ${what}, ${host} sent ${came}`);
}

/** All digests that the headers state, each once. */
function digestHeaders({ headers }: RegistryResponse): string[] {
  return [...new Set([headers['docker-content-digest'] ?? []].flat())];
}

function encodingOf(answer: RegistryResponse): string | undefined {
  const encoding = header(answer, 'content-encoding') ?? '';
  return encoding === '' || encoding === 'identity' ? undefined : encoding.slice(0, 40);
}

/** A body that no registry has under any digest: what came, and what to do. HTML is not "wrong bytes". */
export function foreignBody(answer: RegistryResponse): string | undefined {
  const { body } = answer;
  if (body.length === 0) return `an empty body: ${PROXY}`;
  const isPage = /^text\/html\b/i.test(header(answer, 'content-type') ?? '');
  return isPage || /^\s*<(!doctype|html)/i.test(body.toString('latin1', 0, 200))
    ? "an HTML page, as a login page or a proxy does: check the registry's name and the proxy settings"
    : undefined;
}

/** @returns the type of the manifest, or what came in its place, and what to do about it */
function readDocument(answer: RegistryResponse): { mediaType: string } | string {
  const { body } = answer;
  const stated = header(answer, 'content-type') ?? '';
  const type = (stated.split(';', 1)[0] as string).trim().toLowerCase();
  const kind = manifestKind(stated);
  const foreign = foreignBody(answer);
  if (foreign !== undefined) return foreign;
  if (kind === 'schema1') return SCHEMA_1;
  if (kind === 'unknown' && !SILENT_TYPES.has(type))
    return `a body of type '${stated.slice(0, 80)}': check that this name is an image's`;
  const json = parse(body);
  const encoding = encodingOf(answer);
  if (json === undefined && encoding !== undefined)
    return `it in content-encoding '${encoding}', although tagproof accepts only the bytes as they are: turn compression off for /v2/`;
  if (json === undefined) return `${body.length} bytes that are no complete JSON: try again; if it stays, ${PROXY}`;
  const found = kindOfDocument(json);
  if (found === 'schema1') return SCHEMA_1;
  if (found !== 'index' && found !== 'manifest') {
    const words = registryWords(body);
    return `${words === undefined ? `JSON that is no manifest (${found.not})` : `an error with status 200 ('${words}')`}: ${PROXY}`;
  }
  if (kind !== 'unknown' && kind !== found)
    return `it as '${stated.slice(0, 80)}', which the document contradicts: ${PROXY}`;
  if (kind !== 'unknown') return { mediaType: stated };
  const { mediaType } = json as { mediaType?: string };
  return { mediaType: mediaType ?? (found === 'index' ? OCI_INDEX : OCI_MANIFEST) };
}

function parse(body: Buffer): unknown {
  try {
    // A byte order mark stays, and is no JSON: clients that pull refuse it.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}

/**
 * A document that could be read as both kinds is none, as in containerd (CVE-2021-41190).
 * @returns `not`: why it is no manifest
 */
function kindOfDocument(json: unknown): 'index' | 'manifest' | 'schema1' | { not: string } {
  if (typeof json !== 'object' || json === null) return { not: 'no object' };
  const { schemaVersion, mediaType, config, layers, manifests, fsLayers } = json as Record<string, unknown>;
  if (schemaVersion === 1 || fsLayers !== undefined) return 'schema1';
  if (schemaVersion !== 2) return { not: 'expected schemaVersion 2' };
  if (manifests !== undefined && (config !== undefined || layers !== undefined))
    return { not: 'both manifests and config or layers' };
  const kind = manifests === undefined ? 'manifest' : 'index';
  const list = manifests ?? layers;
  if (!Array.isArray(list)) return { not: 'neither manifests nor layers' };
  const strange = list.findIndex((one) => !isDescriptor(one));
  if (strange >= 0) return { not: `${kind === 'index' ? 'manifests' : 'layers'}[${strange}] has no digest` };
  if (kind === 'manifest' && !isDescriptor(config)) return { not: 'config has no digest' };
  const isNamed = typeof mediaType === 'string' && manifestKind(mediaType) === kind;
  return mediaType === undefined || isNamed ? kind : { not: 'its mediaType is of something else' };
}

function isDescriptor(value: unknown): boolean {
  const digest = (value as { digest?: unknown } | null | undefined)?.digest;
  return typeof digest === 'string' && isDigest(digest);
}
