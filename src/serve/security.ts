import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The page may load and run its own files, show pictures from memory, and send requests to this server. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of every answer. */
export const securityHeaders = {
  'content-security-policy': contentPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Makes a check of the Authorization header (RFC 6750, 2.1), in constant time so that a wrong token reveals nothing. */
export function makeTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = '') => {
    const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    return timingSafeEqual(digest(given), expected);
  };
}

/** Whether a server on this address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost';
  return ipaddr.process(host).range() === 'loopback';
}

/**
 * Makes a check that the Host (RFC 9110, 7.2), with any port, is this machine or the address of the server. It stops
 * DNS rebinding: a page whose name was pointed at this machine after loading counts as same-origin in the browser, but
 * sends its own name as Host. Programs may send none; browsers always do.
 */
export function makeHostCheck(address: string): (host: string | undefined) => boolean {
  return (host) => {
    if (host === undefined) return true;
    const [, bracketed, plain = ''] = /^(?:\[(.*)\]|([^:]*?)\.?)(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
    const name = bracketed ?? plain;
    return name === address.toLowerCase() || isLoopback(name);
  };
}

/**
 * Whether the request comes from a page of another origin: by Fetch Metadata, or in older browsers by Origin ('null' for
 * pages that hide theirs). Programs send neither.
 */
export function isCrossSite({ 'sec-fetch-site': site, origin, host = '' }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && ![`http://${host}`, `https://${host}`].includes(origin);
}
