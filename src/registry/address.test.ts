// T46–T48: which addresses an answer may lead to, checked after DNS, every address of a name.
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AddressClass, addressClass, checkLiteral, guardedLookup, hostClass } from './address.ts';

test('address classes, at their borders', () => {
  const cases: Record<AddressClass, string[]> = {
    loopback: ['127.0.0.1', '127.255.255.255', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'],
    'link-local': ['169.254.0.0', '169.254.169.254', '169.254.255.255', 'fe80::1', 'febf::1', '::ffff:169.254.169.254'],
    private: [
      '10.0.0.0',
      '10.255.255.255',
      '172.16.0.0',
      '172.31.255.255',
      '192.168.0.0',
      '192.168.255.255',
      '100.64.0.0',
      '100.127.255.255',
      'fc00::1',
      'fdff::1',
      '::ffff:10.0.0.1',
    ],
    public: [
      '1.0.0.0',
      '9.255.255.255',
      '11.0.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '172.15.255.255',
      '172.32.0.1',
      '192.167.255.255',
      '192.169.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '169.253.255.255',
      '169.255.0.0',
      '8.8.8.8',
      '2606:4700::1',
      'fe00::1',
    ],
  };
  for (const [kind, addresses] of Object.entries(cases))
    for (const address of addresses) assert.equal(addressClass(address), kind, address);
});

test('a literal address: public, or of the registry’s own class', () => {
  const allowed = (host: string, home: AddressClass): boolean => {
    try {
      checkLiteral(host, home);
      return true;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'refused');
      return false;
    }
  };
  for (const home of ['public', 'private', 'loopback', 'link-local'] as const) {
    assert.ok(allowed('8.8.8.8', home), home);
    assert.ok(allowed('[2606:4700::1]', home), home);
    assert.ok(allowed('example.com', home), 'a name is checked after its lookup');
    assert.equal(allowed('10.0.0.1', home), home === 'private', home);
    assert.equal(allowed('127.0.0.1', home), home === 'loopback', home);
    assert.equal(allowed('[::1]', home), home === 'loopback', home);
    assert.equal(allowed('169.254.169.254', home), home === 'link-local', home);
  }
});

/** Runs a guarded lookup against a resolver with these answers. */
function look(addresses: readonly string[] | Error, home: AddressClass, all: boolean): Promise<unknown> {
  const found = addresses instanceof Error ? [] : addresses.map((address) => ({ address, family: isIP(address) }));
  const lookup = guardedLookup(home, (_name, options, callback) => {
    assert.equal(options.all, true, 'every address is asked for');
    callback(addresses instanceof Error ? addresses : null, found);
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  lookup('name.example.com', { all }, (error, address, family) =>
    error ? reject(error) : resolve(all ? (address as LookupAddress[]).map((one) => one.address) : [address, family]),
  );
  return promise;
}

test('a name: every one of its addresses must be allowed, not only the first', async () => {
  for (const all of [true, false]) {
    for (const addresses of [
      ['10.0.0.1'],
      ['8.8.8.8', '10.0.0.1'],
      ['8.8.8.8', '1.1.1.1', '169.254.169.254'],
      ['2606:4700::1', '::1'],
    ])
      await assert.rejects(look(addresses, 'public', all), { code: 'refused' }, `${addresses}`);
    await assert.rejects(look(['10.0.0.1', '127.0.0.1'], 'private', all), { code: 'refused' });
    await assert.rejects(look(new Error('no such name'), 'public', all), /no such name/);
  }
  assert.deepEqual(await look(['8.8.8.8', '1.1.1.1'], 'public', true), ['8.8.8.8', '1.1.1.1']);
  assert.deepEqual(await look(['10.0.0.1', '8.8.8.8'], 'private', true), ['10.0.0.1', '8.8.8.8']);
  assert.deepEqual(await look(['8.8.8.8', '1.1.1.1'], 'public', false), ['8.8.8.8', 4]);
});

test('property: a guarded lookup never gives an address of another class than public or home', async () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.0.0.1', '127.0.0.1', '169.254.1.1', '::1', '::ffff:10.0.0.1', '8.8.8.8', '1.1.1.1'),
  );
  const home = fc.constantFrom<AddressClass>('public', 'private', 'loopback', 'link-local');
  await fc.assert(
    fc.asyncProperty(fc.array(address, { minLength: 1, maxLength: 4 }), home, async (addresses, kind) => {
      const safe = addresses.every((one) => ['public', kind].includes(addressClass(one)));
      const outcome = await look(addresses, kind, true).then(
        (found) => found,
        () => 'refused',
      );
      assert.deepEqual(outcome, safe ? addresses : 'refused');
    }),
  );
});

test('the class of a host: literals with or without brackets, names by the system’s lookup', async () => {
  assert.equal(await hostClass('[::1]'), 'loopback');
  assert.equal(await hostClass('10.1.1.1'), 'private');
  assert.equal(await hostClass('localhost'), 'loopback');
  await assert.rejects(hostClass('no-such-name.invalid'));
});
