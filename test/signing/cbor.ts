// Writes CBOR for tests: what COSE envelopes hold, dates as epoch times. RFC 8949.

export function cbor(value: unknown): Buffer {
  const head = (major: number, count: number) =>
    count < 24
      ? Buffer.from([(major << 5) | count])
      : count < 256
        ? Buffer.from([(major << 5) | 24, count])
        : count < 65536
          ? Buffer.from([(major << 5) | 25, count >> 8, count & 255])
          : Buffer.from([
              (major << 5) | 26,
              (count >>> 24) & 255,
              (count >> 16) & 255,
              (count >> 8) & 255,
              count & 255,
            ]);
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  if (value instanceof Date) return Buffer.concat([head(6, 1), cbor(Math.floor(value.getTime() / 1000))]);
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([k, v]) => [cbor(k), cbor(v)])]);
  throw new Error(`no CBOR for ${value}`);
}
