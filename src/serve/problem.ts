import { STATUS_CODES } from 'node:http';

/** What a request is refused with, as RFC 9457 writes it down (application/problem+json). */
export class Problem extends Error {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  /** Members besides the standard's own. */
  readonly more: Record<string, unknown>;

  /** @param detail for people: what is wrong and what to do. */
  constructor(
    statusCode: number,
    detail: string,
    { headers = {}, more = {} }: { headers?: Record<string, string>; more?: Record<string, unknown> } = {},
  ) {
    super(detail);
    this.statusCode = statusCode;
    this.headers = headers;
    this.more = more;
  }

  toJSON(): Record<string, unknown> {
    const { statusCode: status, message: detail } = this;
    return { type: 'about:blank', title: STATUS_CODES[status], status, detail, ...this.more };
  }
}

/** Too much to do just now. */
export function busy(status: 429 | 503, detail: string): Problem {
  return new Problem(status, detail, { headers: { 'retry-after': '1' } });
}
