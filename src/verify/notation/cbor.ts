// A strict reader of the CBOR that COSE signatures use: definite lengths, no duplicate keys, no trailing bytes. RFC 8949.

export type Cbor = number | bigint | string | Buffer | boolean | null | readonly Cbor[] | CborMap | Tagged;
export type CborMap = ReadonlyMap<number | string, Cbor>;
export type Tagged = { readonly tag: number; readonly value: Cbor };

const MAX_DEPTH = 16;
const MAX_ITEMS = 1000;

/** @throws for anything but exactly one well-formed item */
export function readCbor(bytes: Buffer): Cbor {
  const [value, end] = item(bytes, 0, 0);
  if (end !== bytes.length) throw new Error('CBOR: bytes after the end');
  return value;
}

function item(bytes: Buffer, start: number, depth: number): [value: Cbor, end: number] {
  if (depth > MAX_DEPTH) throw new Error('CBOR: nested too deeply');
  const first = bytes[start];
  if (first === undefined) throw new Error('CBOR: truncated');
  const major = first >> 5;
  if (major === 7) {
    const simple = { 244: false, 245: true, 246: null }[first];
    if (simple === undefined) throw new Error('CBOR: floats and undefined are not supported');
    return [simple, start + 1];
  }
  const [count, at] = argument(bytes, start, first & 0x1f);
  switch (major) {
    case 0:
      return [count, at];
    case 1:
      return [-1 - count, at];
    case 2:
    case 3: {
      if (at + count > bytes.length) throw new Error('CBOR: truncated');
      const text = bytes.subarray(at, at + count);
      return [major === 2 ? text : new TextDecoder('utf-8', { fatal: true }).decode(text), at + count];
    }
    case 4: {
      const list: Cbor[] = [];
      let end = at;
      for (let i = 0; i < bounded(count); i++) {
        const [value, next] = item(bytes, end, depth + 1);
        list.push(value);
        end = next;
      }
      return [list, end];
    }
    case 5: {
      const map = new Map<number | string, Cbor>();
      let end = at;
      for (let i = 0; i < bounded(count); i++) {
        const [key, middle] = item(bytes, end, depth + 1);
        if (typeof key !== 'number' && typeof key !== 'string')
          throw new Error('CBOR: a key that is neither number nor text');
        if (map.has(key)) throw new Error(`CBOR: the key ${key} occurs twice`);
        const [value, next] = item(bytes, middle, depth + 1);
        map.set(key, value);
        end = next;
      }
      return [map, end];
    }
    default: {
      const [value, end] = item(bytes, at, depth + 1);
      return [{ tag: count, value }, end];
    }
  }
}

function argument(bytes: Buffer, start: number, info: number): [value: number, at: number] {
  if (info < 24) return [info, start + 1];
  const width = { 24: 1, 25: 2, 26: 4, 27: 8 }[info];
  if (width === undefined) throw new Error('CBOR: indefinite lengths are not supported');
  if (start + 1 + width > bytes.length) throw new Error('CBOR: truncated');
  const value = width === 8 ? Number(bytes.readBigUInt64BE(start + 1)) : bytes.readUIntBE(start + 1, width);
  if (!Number.isSafeInteger(value)) throw new Error('CBOR: a number that is too large');
  return [value, start + 1 + width];
}

function bounded(count: number): number {
  if (count > MAX_ITEMS) throw new Error(`CBOR: more than ${MAX_ITEMS} items`);
  return count;
}

/** What COSE signs: `["Signature1", protected, h'', payload]`. RFC 9052 4.4. */
export function signatureStructure(protectedHeader: Buffer, payload: Buffer): Buffer {
  const string = (major: number, bytes: Buffer) => {
    const length =
      bytes.length < 24 ? Buffer.from([(major << 5) | bytes.length]) : Buffer.from([(major << 5) | 26, 0, 0, 0, 0]);
    if (length.length === 5) length.writeUInt32BE(bytes.length, 1);
    const compact =
      bytes.length >= 24 && bytes.length < 0x100
        ? Buffer.from([(major << 5) | 24, bytes.length])
        : bytes.length >= 0x100 && bytes.length < 0x10000
          ? Buffer.from([(major << 5) | 25, bytes.length >> 8, bytes.length & 0xff])
          : length;
    return Buffer.concat([compact, bytes]);
  };
  const parts = [
    string(3, Buffer.from('Signature1')),
    string(2, protectedHeader),
    string(2, Buffer.alloc(0)),
    string(2, payload),
  ];
  return Buffer.concat([Buffer.from([0x84]), ...parts]);
}
