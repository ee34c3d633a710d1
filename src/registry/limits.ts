// Bounds on everything that comes from a network: nothing a registry says can make tagproof run for ever or fill memory.

/** Manifests and indexes, bytes; what registries themselves accept (distribution: 4 MiB). */
export const MAX_MANIFEST = 4 * 1024 * 1024;
/** Image configurations, bytes. */
export const MAX_CONFIG = 8 * 1024 * 1024;
/** Bodies of errors and tokens, bytes. */
export const MAX_SMALL_BODY = 64 * 1024;
export const MAX_REDIRECTS = 5;
/** One exchange with a registry from request to the last byte, milliseconds; waiting for a free slot not counted. */
export const DEADLINE_MS = 30_000;
/** Tries of one request when the network or the registry fails. */
export const MAX_TRIES = 4;
/** First pause before trying again, milliseconds; doubles each time. */
export const BACKOFF_MS = 250;
/** Longest Retry-After that is waited for, milliseconds; a registry that asks for more is reported. */
export const MAX_RETRY_AFTER_MS = 60_000;
/** Requests at once per host. */
export const CONCURRENCY = 64;
/** Repositories asked for in one token (see tokens.ts). */
export const SCOPES_PER_TOKEN = 25;
/** How deep indexes may name indexes. The specification allows nesting; images do not go beyond two. */
export const MAX_INDEX_DEPTH = 3;
/** Children of one image read at the most. */
export const MAX_CHILDREN = 256;
/** Pages of a referrers list, and entries in all, that are read. */
export const MAX_REFERRER_PAGES = 10;
export const MAX_REFERRERS = 1000;
/** Signatures of one image that are looked at; cosign's own cap is higher, an attacker's patience too (T39). */
export const MAX_SIGNATURES = 50;
/** A payload, a bundle or an envelope with a statement such as an SBOM, bytes. */
export const MAX_ATTESTATION_BLOB = 8 * 1024 * 1024;
