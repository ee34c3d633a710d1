import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyOf, rootKeyOf, signRole, TestNotary } from '../../../test/signing/notary.ts';
import { canonicalJson } from './canonical.ts';
import { checkBytes, checkRole, Disorder, keysOf, Root, readRole } from './metadata.ts';

const notary = new TestNotary();
const now = new Date();
const [a, b] = [keyOf(), keyOf()];
const keysById = { [a.id]: a.json, [b.id]: b.json };
const keys = keysOf(keysById, { keyids: [a.id, b.id] });
const read = (bytes: Buffer) => readRole(bytes, Root, 'root');
const fileBy = (...signers: (typeof a)[]) => read(signRole(notary.rootData(), signers));

test('a threshold counts each key once', () => {
  assert.deepEqual([...fileBy(a, a).signedBy(keys)], [a.id]);
  assert.equal(fileBy(a, b).signedBy(keys).size, 2);
  const check = (file: ReturnType<typeof read>) => checkRole(file, { keys, threshold: 2, role: 'root', now });
  check(fileBy(a, b));
  assert.throws(() => check(fileBy(a, a)), /root: 1 of the 2 signatures/);
  assert.throws(() => check(fileBy(a, keyOf())), /1 of the 2/);
});

test('metadata that has expired, at the very moment too', () => {
  const data = notary.rootData();
  const check = (at: Date) => checkRole(read(signRole(data, [a])), { keys, threshold: 1, role: 'root', now: at });
  check(new Date(Date.parse(data.expires) - 1));
  assert.throws(() => check(new Date(data.expires)), /expired on/);
});

test('a key counts only under its own id, and only if it is strong enough', () => {
  assert.deepEqual(keysOf({ [a.id]: b.json }, { keyids: [a.id] }), []);
  assert.deepEqual(keysOf({}, { keyids: [a.id] }), []);
  assert.equal(keysOf(keysById, { keyids: [a.id, a.id] }).length, 1);
  const root = rootKeyOf();
  assert.equal(
    keysOf({ [root.id]: root.json }, { keyids: [root.id] })[0]?.certificate?.subject,
    'CN=registry.test/org/app',
  );
});

test('a signature by another method, or under another id, is none', () => {
  const change = (edit: (signature: Record<string, string>) => void) => {
    const file = JSON.parse(signRole(notary.rootData(), [a]).toString());
    edit(file.signatures[0]);
    return read(Buffer.from(JSON.stringify(file))).signedBy(keys).size;
  };
  assert.equal(
    change(() => {}),
    1,
  );
  assert.equal(
    change((it) => void (it['method'] = 'eddsa')),
    0,
  );
  assert.equal(
    change((it) => void (it['keyid'] = b.id)),
    0,
  );
  assert.equal(
    change((it) => void (it['sig'] = 'AAAA')),
    0,
  );
});

test('the signature covers every member, also those that the schema does not know', () => {
  const file = JSON.parse(signRole({ ...notary.rootData(), extra: 1 }, [a]).toString());
  assert.equal(read(Buffer.from(JSON.stringify(file))).signedBy(keys).size, 1);
  file.signed.extra = 2;
  assert.equal(read(Buffer.from(JSON.stringify(file))).signedBy(keys).size, 0);
});

test('malformed metadata is in disorder, and says where', () => {
  const wrong: [change: object, says: RegExp][] = [
    [{ _type: 'Targets' }, /root: _type/],
    [{ version: 0 }, /root: version/],
    [{ version: 1.5 }, /root: version/],
    [{ expires: 'never' }, /root: expires/],
    [{ keys: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [String(i), a.json])) }, /too many keys/],
  ];
  for (const [change, says] of wrong) {
    const file = { signed: { ...notary.rootData(), ...change }, signatures: [] };
    assert.throws(
      () => read(Buffer.from(JSON.stringify(file))),
      (error) => error instanceof Disorder && says.test(error.message),
      JSON.stringify(change).slice(0, 40),
    );
  }
  assert.throws(() => read(Buffer.from('nonsense')), Disorder);
});

test('bytes are bound by their length and every hash that is known, at least one (T3)', () => {
  const bytes = Buffer.from('metadata');
  const hash = (algorithm: string, of = bytes) => createHash(algorithm).update(of).digest('base64');
  const check = (hashes: Record<string, string>, length = bytes.length) => checkBytes(bytes, { length, hashes }, 'it');
  const other = Buffer.from('other');
  check({ sha256: hash('sha256') });
  check({ sha512: hash('sha512'), md5: 'x' });
  assert.throws(() => check({ sha256: hash('sha256') }, 1), /expected 1/);
  assert.throws(() => check({}), /no hash/);
  assert.throws(() => check({ md5: 'x' }), /no hash/);
  assert.throws(() => check({ sha256: hash('sha256'), sha512: hash('sha512', other) }), /expected sha512/);
  assert.throws(() => check({ sha256: hash('sha256', other) }), /expected sha256/);
});

test('canonical JSON: keys by their bytes, only quotes and backslashes escaped, integers only', () => {
  assert.equal(
    canonicalJson({ b: [true, null, 'x"\\\n'], a: { é: 1, z: -2 } }),
    '{"a":{"z":-2,"é":1},"b":[true,null,"x\\"\\\\\n"]}',
  );
  assert.equal(canonicalJson({ '\u{1f600}': 1, '\uffff': 2 }), '{"\uffff":2,"\u{1f600}":1}', 'bytes, not UTF-16 units');
  for (const number of [1.5, 2 ** 53, Number.NaN]) assert.throws(() => canonicalJson(number), /integers only/);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonicalJson(value), canonicalJson(reversed));
    }),
  );
});
