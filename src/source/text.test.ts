import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../problem.ts';
import { decode, encodeLike, lineAt, MAX_FILE_BYTES, positions, tooLarge } from './text.ts';

const pieces = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', '\r', '', 'é', '😀', '\ufeff'), { maxLength: 30 });
const text = pieces.map((parts) => parts.join(''));

test('property: decoded text encodes to the same bytes, byte order mark included', () => {
  fc.assert(
    fc.property(text, (value) => assert.ok(Buffer.from(decode(Buffer.from(value), 'f')).equals(Buffer.from(value)))),
  );
});

test('P9: property: UTF-16 with a byte order mark, both orders, decodes to its text and encodes to the same bytes', () => {
  fc.assert(
    fc.property(text, fc.boolean(), (value, swap) => {
      const bytes = Buffer.from(`\ufeff${value}`, 'utf16le');
      if (swap) bytes.swap16();
      const before = Buffer.from(bytes);
      assert.equal(decode(bytes, 'f'), `\ufeff${value}`);
      assert.ok(encodeLike(decode(bytes, 'f'), bytes).equals(before));
      assert.ok(bytes.equals(before)); // the input is not swapped in place
    }),
  );
});

const refused: [name: string, bytes: Buffer, message: RegExp][] = [
  ['binary data', Buffer.from([0x61, 0]), /binary data, UTF-32, or UTF-16/],
  ['UTF-16 without byte order mark', Buffer.from('image', 'utf16le'), /UTF-16 without byte order mark/],
  ['a cut UTF-16', Buffer.from('\ufeffimage', 'utf16le').subarray(0, -1), /odd number of bytes/],
  ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), /UTF-32/],
  ['UTF-32, big end first', Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x61]), /UTF-32/],
  ['Latin 1', Buffer.from([0x61, 0xe9]), /another encoding/],
  ['a cut character', Buffer.from('é').subarray(0, 1), /another encoding/],
];
for (const [name, bytes, message] of refused)
  test(`${name} is refused`, () =>
    assert.throws(
      () => decode(bytes, 'f'),
      (error) => error instanceof Problem && error.code === 'encoding' && message.test(error.message),
    ));

test('a file above the limit is refused', () => {
  const bytes = Buffer.alloc(0);
  Object.defineProperty(bytes, 'length', { value: MAX_FILE_BYTES + 1 });
  assert.throws(
    () => decode(bytes, 'f'),
    (error) => error instanceof Problem && error.code === 'limit',
  );
  assert.match(tooLarge(65 * 1024 * 1024, 'f').message, /has 65 MiB, tagproof reads up to 64 MiB/);
});

test('property: line and column are those of splitting at line feeds, in whatever order they are asked for', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), (value, offsets) => {
      const position = positions(value);
      for (const offset of offsets.map((item) => Math.min(item, value.length))) {
        const lines = value.slice(0, offset).split('\n');
        assert.deepEqual(position(offset), { line: lines.length, column: (lines.at(-1) as string).length + 1 });
      }
    }),
  );
});

test('property: the line of an offset contains it, ends before its line break, and lines follow one another', () => {
  fc.assert(
    fc.property(text, fc.nat(60), (value, given) => {
      const offset = Math.min(given, value.length);
      const { start, end, next } = lineAt(value, offset);
      assert.ok(start <= offset && offset <= next);
      assert.ok(start === 0 || value[start - 1] === '\n');
      assert.ok(next === value.length || value[next - 1] === '\n');
      assert.match(value.slice(end, next), /^(\r?\n|\r)?$/);
      assert.ok(!value.slice(start, end).includes('\n'));
    }),
  );
});
