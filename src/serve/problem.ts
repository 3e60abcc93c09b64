import { STATUS_CODES } from 'node:http';

/** The reason for refusing a request, sent as application/problem+json (RFC 9457). */
export class Problem extends Error {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  /** Additional members of the JSON. */
  readonly more: Record<string, unknown>;

  /** @param detail what is wrong and what to do, in one sentence. */
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

/** Refuses a request for now; the client may try again after a second. */
export function busy(status: 429 | 503, detail: string): Problem {
  return new Problem(status, detail, { headers: { 'retry-after': '1' } });
}
