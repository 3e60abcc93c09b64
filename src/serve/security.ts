import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The page may load and run its own files, show pictures that it has in memory, and ask this server. */
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

/** Of every answer. */
export const securityHeaders = {
  'content-security-policy': contentPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Whether a request's Authorization (RFC 6750, 2.1) has the token; takes the same time for every wrong one. */
export function makeTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = '') => {
    const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    return timingSafeEqual(digest(given), expected);
  };
}

/** Whether only this machine can reach a server that listens at the address. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost';
  return ipaddr.process(host).range() === 'loopback';
}

/**
 * Whether a request's Host (RFC 9110, 7.2), with any port, names this machine or the address that is listened at. A page
 * whose own name was made to lead here after it was loaded (DNS rebinding) sends that name, and browsers take it for
 * this server's own. Browsers always send a Host.
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
 * Whether a browser says that a page of somewhere else sends the request: by Fetch Metadata, or where it has none, by
 * Origin ('null' for pages that hide theirs). Programs send neither.
 */
export function isFromElsewhere({ 'sec-fetch-site': site, origin, host = '' }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && ![`http://${host}`, `https://${host}`].includes(origin);
}
