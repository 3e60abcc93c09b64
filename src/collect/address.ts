import { lookup as dnsLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { FetchFailure } from './failure.ts';

export interface Address {
  address: string;
  family: number;
}

/** The addresses of a host name. */
export type Resolve = (hostname: string) => Promise<Address[]>;

/** Whether a connection to an address is allowed. */
export type MayConnect = (address: string) => boolean;

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');
/** NAT64: an IPv4 address in the last four bytes of an IPv6 address (RFC 6052). */
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Azure’s metadata service, which has a public address. */
const metadata = new Set(['168.63.129.16']);

/**
 * Whether an address is on the public internet: not loopback, private, link-local, carrier-grade NAT, unique local,
 * multicast or reserved (RFC 6890, by ipaddr.js), nor one of these embedded in an IPv6 address.
 * @param address an IPv4 or IPv6 address as text; anything else is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (!isIP(address)) return false;
  // process() turns IPv4-mapped addresses into IPv4 addresses.
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === 'unicast' && !metadata.has(parsed.toString());
  if (parsed.match(nat64)) return isPublicAddress(parsed.toByteArray().slice(12).join('.'));
  return parsed.range() === 'unicast' && parsed.match(globalUnicast);
}

/** The failure of a connection to an address that is not allowed. */
export function refusedAddress(host: string, address: string): FetchFailure {
  const at = host === address ? host : `${host} (${address})`;
  return new FetchFailure(`${at} is not a public address; --allow-private allows it`, 'next run');
}

export const resolveByDns: Resolve = (hostname) => dnsLookup(hostname, { all: true });

/**
 * A lookup for net.connect that returns allowed addresses only. The connection is made to exactly the addresses that were
 * checked, so a name that resolves differently a moment later gains nothing.
 */
export function guardedLookup(resolve: Resolve, mayConnect: MayConnect): LookupFunction {
  const allowed = async (hostname: string, family: number | string | undefined): Promise<Address[]> => {
    const found = await resolve(hostname);
    const fitting = found.filter(
      (one) => !family || Number(String(family).replace('IPv', '')) === one.family,
    );
    const open = fitting.filter(({ address }) => mayConnect(address));
    if (open.length > 0) return open;
    const [first] = fitting;
    throw first
      ? refusedAddress(hostname, first.address)
      : new FetchFailure('its host has no address', 'next run');
  };
  return (hostname, options, callback) => {
    allowed(hostname, options.family).then(
      (addresses) => {
        const [first] = addresses as [Address, ...Address[]];
        if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, '', 4),
    );
  };
}

/**
 * Parses a URL and checks that it may be fetched. What its host name resolves to is checked when connecting.
 * @param base base of a relative URL, for redirects.
 * @throws {FetchFailure} where it is not a URL, not http or https, holds a password, or has an address that is not
 *   allowed.
 */
export function checkUrl(text: string, base: URL | undefined, mayConnect: MayConnect): URL {
  if (!URL.canParse(text, base)) throw new FetchFailure(`${JSON.stringify(text)} is not a URL`, 'never');
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new FetchFailure(`${url.protocol} is refused; only http: and https: are fetched`, 'never');
  }
  if (url.username || url.password) {
    throw new FetchFailure('a URL with a user name or password is refused', 'never');
  }
  // net.connect calls lookup for names, not for addresses.
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) && !mayConnect(literal)) throw refusedAddress(literal, literal);
  return url;
}
