import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import sharp from 'sharp';
import {
  type CollectOptions,
  type CollectReport,
  collect,
  collectDefaults,
} from '../../src/collect/collect.ts';
import type { WebOptions } from '../../src/collect/web.ts';
import { plain } from '../helpers/plain.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Server {
  /** 'http://127.0.0.1:<port>', or with another host name, which `testWeb` resolves to this server. */
  origin(hostname?: string): string;
  /** Paths in the order of the requests, robots.txt left out. */
  requests: string[];
  /** Headers of the requests, by path. */
  headers: Map<string, IncomingMessage['headers']>;
  /** Largest number of open requests by Host header, and for all hosts as ''. */
  maxOpen: Map<string, number>;
  close(): Promise<void>;
}

/** A server on the loopback interface, without a robots.txt unless there is a handler for it. */
export async function serve(handlers: Record<string, Handler> | Handler): Promise<Server> {
  const open = new Map<string, number>();
  const maxOpen = new Map<string, number>();
  const change = (host: string, by: number) => {
    open.set(host, (open.get(host) ?? 0) + by);
    maxOpen.set(host, Math.max(maxOpen.get(host) ?? 0, open.get(host) ?? 0));
  };
  const requests: string[] = [];
  const headers = new Map<string, IncomingMessage['headers']>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const handler = typeof handlers === 'function' ? handlers : handlers[path];
    if (path !== '/robots.txt') requests.push(path);
    headers.set(path, request.headers);
    for (const host of ['', request.headers.host ?? '']) {
      change(host, 1);
      response.once('close', () => change(host, -1));
    }
    if (handler) handler(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  after(close);
  return {
    origin: (hostname = '127.0.0.1') => `http://${hostname}:${port}`,
    requests,
    headers,
    maxOpen,
    close,
  };
}

/** A picture of one colour, the same bytes for the same arguments. */
export function picture(
  red: number,
  format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif' = 'png',
): Promise<Buffer> {
  const background = { r: red, g: 90, b: 200 };
  return plain(background, 24, 16).toFormat(format).toBuffer();
}

/** A picture that does not compress, so that it takes many packets. */
export function noisyPicture(side: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
  const background = 'black';
  return sharp({ create: { width: side, height: side, channels: 3, background, noise } })
    .png()
    .toBuffer();
}

export function send(body: Buffer | string, headers: Record<string, string> = {}): Handler {
  return (_, response) => response.writeHead(200, headers).end(body);
}

/** Fast and without pauses; names resolve to the loopback interface, the only address that is allowed. */
export const testWeb: Partial<WebOptions> = {
  delay: 0,
  backOff: 1,
  mayConnect: (address) => address === '127.0.0.1',
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
};

export function run(
  rawData: string,
  source: CollectOptions['source'],
  options: Partial<CollectOptions> = {},
): Promise<CollectReport> {
  const web = { ...testWeb, ...options.web };
  return collect({ ...collectDefaults, rawData, className: 'bat', source, ...options, web });
}
