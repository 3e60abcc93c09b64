import { setMaxListeners } from 'node:events';
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { packageVersion } from '../system/version.ts';
import {
  checkUrl,
  guardedLookup,
  isPublicAddress,
  type MayConnect,
  type Resolve,
  resolveByDns,
} from './address.ts';
import { FetchFailure, networkFailure } from './failure.ts';
import { type HostLimits, Hosts } from './hosts.ts';
import { type RetryOptions, retryAfter, withRetries } from './retry.ts';
import { RobotRules } from './robots.ts';

/** How requests are sent. */
export interface WebOptions extends HostLimits, RetryOptions {
  userAgent: string;
  /** A request fails after so many milliseconds without a byte. */
  idleTimeout: number;
  /** Longest time of a request in milliseconds. */
  totalTimeout: number;
  /** Whether to fetch what a host's robots.txt forbids. */
  ignoreRobots: boolean;
  /** Called for every address, right before the connection to it. */
  mayConnect: MayConnect;
  resolve: Resolve;
}

export const webDefaults: WebOptions = {
  userAgent: `bat-sup/${packageVersion()}`,
  concurrency: 8,
  perHost: 2,
  delay: 250,
  longestWait: 60_000,
  attempts: 4,
  backOff: 1000,
  idleTimeout: 30_000,
  totalTimeout: 180_000,
  ignoreRobots: false,
  mayConnect: isPublicAddress,
  resolve: resolveByDns,
};

export interface WebRequest {
  accept: string;
  /** Whether to respect the host's robots.txt: yes for pictures, no for APIs. */
  robots: boolean;
  /** Sent to the origin of the URL only, not to the targets of redirects. */
  authorization?: string;
}

/** The body of a response with status 200. */
export interface ResponseBody {
  /** Bytes by the Content-Length header; undefined where there is none. */
  length: number | undefined;
  /** Throws a FetchFailure where the connection breaks. */
  chunks: AsyncIterable<Buffer>;
}

const maxRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);
/** Status codes of temporary failures. */
const temporary = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Sends GET requests politely: with a user agent, few at a time per host, with pauses, respecting robots.txt, and never to
 * an address that is not allowed.
 */
export class Web {
  readonly options: WebOptions;
  readonly signal: AbortSignal;
  readonly #hosts: Hosts;
  readonly #robots: RobotRules;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(options: WebOptions, signal: AbortSignal) {
    this.options = options;
    this.signal = signal;
    // Every request in flight listens to it, and removes its listener.
    setMaxListeners(0, signal);
    this.#hosts = new Hosts(options, signal);
    this.#robots = new RobotRules((url, maxBytes) =>
      withRetries(() => this.#getText(url, maxBytes), options, signal),
    );
    const lookup = guardedLookup(options.resolve, options.mayConnect);
    this.#http = new HttpAgent({ keepAlive: true, lookup });
    this.#https = new HttpsAgent({ keepAlive: true, lookup });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  /**
   * Sends a request, follows redirects, and reads the response while the slot of the host is held.
   * @throws {FetchFailure} for anything but a complete response with status 200; errors of `read` are passed on.
   */
  async get<T>(text: string, request: WebRequest, read: (body: ResponseBody) => Promise<T>): Promise<T> {
    const { mayConnect } = this.options;
    const first = checkUrl(text, undefined, mayConnect);
    let url = first;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      if (request.robots) await this.#checkRobots(url);
      const headers = this.#headers(request, url.origin === first.origin);
      const result = await this.#hosts.visit(url.host, () => this.#send(url, headers, read));
      if (!('location' in result)) return result.value;
      url = checkUrl(result.location, url, mayConnect);
    }
    throw new FetchFailure(`it redirects more than ${maxRedirects} times`, 'never');
  }

  /** Fetches the first `maxBytes` of a text. */
  #getText(url: string, maxBytes: number): Promise<string> {
    return this.get(url, { accept: 'text/plain', robots: false }, async ({ chunks }) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of chunks) {
        parts.push(chunk);
        bytes += chunk.length;
        if (bytes >= maxBytes) break;
      }
      return Buffer.concat(parts).subarray(0, maxBytes).toString();
    });
  }

  #headers({ accept, authorization }: WebRequest, sameOrigin: boolean): Record<string, string> {
    const own = authorization && sameOrigin ? { Authorization: authorization } : {};
    // Pictures are compressed already, and without a second compression there can be no decompression bomb.
    return { 'User-Agent': this.options.userAgent, Accept: accept, 'Accept-Encoding': 'identity', ...own };
  }

  async #checkRobots(url: URL): Promise<void> {
    if (this.options.ignoreRobots) return;
    const rules = await this.#robots.of(url);
    if (rules?.isAllowed(url.href) === false) {
      throw new FetchFailure(`the robots.txt of ${url.host} forbids it`, 'next run');
    }
    if (rules?.crawlDelay) this.#hosts.slowDown(url.host, rules.crawlDelay);
  }

  async #send<T>(
    url: URL,
    headers: Record<string, string>,
    read: (body: ResponseBody) => Promise<T>,
  ): Promise<{ value: T } | { location: string }> {
    const { idleTimeout, totalTimeout } = this.options;
    const tooLong = AbortSignal.timeout(totalTimeout);
    const signal = AbortSignal.any([this.signal, tooLong]);
    let idle = false;
    const explain = (error: unknown): unknown => {
      if (this.signal.aborted) return this.signal.reason;
      if (tooLong.aborted) return new FetchFailure(`it takes longer than ${totalTimeout / 1000} s`, 'now');
      if (idle) return new FetchFailure(`nothing came for ${idleTimeout / 1000} s`, 'now');
      return networkFailure(error);
    };
    const secure = url.protocol === 'https:';
    const options = { headers, signal, timeout: idleTimeout, agent: secure ? this.#https : this.#http };
    const request = secure ? httpsRequest(url, options) : httpRequest(url, options);
    request.on('timeout', () => {
      idle = true;
      request.destroy();
    });
    const response = await responseTo(request).catch((error) => {
      throw explain(error);
    });
    try {
      const { location } = response.headers;
      if (redirects.has(response.statusCode ?? 0) && location !== undefined) return { location };
      await this.#checkStatus(url, response);
      return {
        value: await read({ length: announcedLength(response), chunks: chunksOf(response, explain) }),
      };
    } finally {
      // This keeps the connection if the response was read to its end.
      response.destroy();
    }
  }

  async #checkStatus(url: URL, response: IncomingMessage): Promise<void> {
    const { statusCode: status = 0, headers } = response;
    if (status === 429 || status === 503) {
      this.#hosts.pause(url.host, retryAfter(headers['retry-after']) ?? this.options.backOff);
    }
    if (status !== 200) {
      throw new FetchFailure(
        `HTTP ${status}${await detail(response)}`,
        temporary.has(status) ? 'now' : 'never',
      );
    }
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw new FetchFailure(`it is sent compressed (${encoding})`, 'never');
  }
}

function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve).on('error', reject).end();
  });
}

function announcedLength({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

async function* chunksOf(
  response: IncomingMessage,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  try {
    yield* response;
  } catch (error) {
    throw explain(error);
  }
}

/** The reason that an API gives for a refusal, in JSON; '' where there is none. */
async function detail(response: IncomingMessage): Promise<string> {
  if (!response.headers['content-type']?.startsWith('application/json')) return '';
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes > 4096) return '';
    }
    const text = firstText(JSON.parse(Buffer.concat(parts).toString()));
    return text === undefined ? '' : ` (${text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 200)})`;
  } catch {
    return '';
  }
}

/** The first string in a JSON value. */
function firstText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.values(value)
    .map(firstText)
    .find((text) => text !== undefined);
}
