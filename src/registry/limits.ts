// Bounds on everything that comes from a network, so that no answer can make tagproof run without
// end or fill memory.

/**
 * Manifests and indexes, bytes: the size that registries themselves accept (distribution: 4 MiB).
 */
export const MAX_MANIFEST = 4 * 1024 * 1024;
/** Image configurations, bytes. */
export const MAX_CONFIG = 8 * 1024 * 1024;
/** Bodies of errors and tokens, bytes. */
export const MAX_SMALL_BODY = 64 * 1024;
export const MAX_REDIRECTS = 5;
/** One exchange from request to last byte, milliseconds, without the wait for a free slot. */
export const DEADLINE_MS = 30_000;
/** Attempts of one request when the network or the registry fails. */
export const MAX_TRIES = 4;
/** First pause before another attempt, milliseconds; it doubles each time. */
export const BACKOFF_MS = 250;
/** Longest Retry-After that is waited for, milliseconds; a longer one is reported. */
export const MAX_RETRY_AFTER_MS = 60_000;
/** Concurrent requests to one host. */
export const CONCURRENCY = 64;
/** Repositories in one token request (see tokens.ts). */
export const SCOPES_PER_TOKEN = 25;
/** How deep indexes may nest. The specification allows nesting; real images use two levels. */
export const MAX_INDEX_DEPTH = 3;
/** Children of one image that are read. */
export const MAX_CHILDREN = 256;
/** Pages of a list of referrers, and entries in all, that are read. */
export const MAX_REFERRER_PAGES = 10;
export const MAX_REFERRERS = 1000;
/**
 * Signatures of one image that are checked. cosign's own cap is higher; each costs time, and an
 * attacker can add many (T39).
 */
export const MAX_SIGNATURES = 50;
/** A payload, a bundle or an envelope with a statement such as an SBOM, bytes. */
export const MAX_ATTESTATION_BLOB = 8 * 1024 * 1024;
