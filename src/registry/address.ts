// Where an answer may lead: redirects and token realms go to public addresses, or stay in the
// registry's own class of network.
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Problem } from '../problem.ts';

export type AddressClass = 'public' | 'private' | 'loopback' | 'link-local';

const CLASSES: [AddressClass, BlockList][] = [
  ['loopback', list(['127.0.0.0/8', '0.0.0.0/8'], ['::1/128', '::/128'])],
  ['link-local', list(['169.254.0.0/16'], ['fe80::/10'])],
  ['private', list(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'], ['fc00::/7'])],
];

function list(ipv4: string[], ipv6: string[]): BlockList {
  const blocks = new BlockList();
  for (const subnet of ipv4) blocks.addSubnet(subnet.split('/')[0] as string, Number(subnet.split('/')[1]), 'ipv4');
  for (const subnet of ipv6) blocks.addSubnet(subnet.split('/')[0] as string, Number(subnet.split('/')[1]), 'ipv6');
  return blocks;
}

/** @param address an IP address; IPv4 mapped into IPv6 counts as IPv4 */
export function addressClass(address: string): AddressClass {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
  return CLASSES.find(([, blocks]) => blocks.check(plain, family))?.[0] ?? 'public';
}

/** The class of the network that a host name (no port) leads to. */
export async function hostClass(hostname: string): Promise<AddressClass> {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host)) return addressClass(host);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  lookup(host, (error, address) => (error ? reject(error) : resolve(address)));
  return addressClass(await promise);
}

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A DNS lookup for connections to a host that only an answer named (T46–T48). It checks every
 * address after resolution, so a name that resolves elsewhere the second time gains nothing.
 * @param home the class of the registry's own address
 * @param resolve Node's own lookup; a test gives its own
 */
export function guardedLookup(home: AddressClass, resolve: Resolve = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      const bad = addresses.find(({ address }) => !mayReach(addressClass(address), home));
      if (bad) return callback(refused(hostname, addressClass(bad.address)), '');
      const [first] = addresses;
      if (options.all) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family);
    });
  };
}

/** A literal address never passes through a lookup, so it is checked by itself. */
export function checkLiteral(hostname: string, home: AddressClass): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) && !mayReach(addressClass(host), home)) throw refused(host, addressClass(host));
}

function mayReach(target: AddressClass, home: AddressClass): boolean {
  return target === 'public' || target === home;
}

function refused(host: string, kind: AddressClass): Problem {
  return new Problem(
    'refused',
    `${host} is a ${kind} address that neither the policy nor the registry's own network names; nothing was sent there`,
  );
}
