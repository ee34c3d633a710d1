// The bytes under a Notary v1 signature: docker/go's canonical JSON. Keys sorted by their bytes, no white space, only `"` and
// `\` escaped; neither JSON.stringify nor RFC 8785, which escape control characters.

/** @throws for numbers that are no integers: Go's encoder has none */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Error('canonical JSON has integers only');
    return String(value);
  }
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value as object).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${entries.map(([key, item]) => `${canonicalJson(key)}:${canonicalJson(item)}`).join(',')}}`;
}
