import { setTimeout as sleep } from 'node:timers/promises';
import { FetchFailure } from './failure.ts';

export interface RetryOptions {
  /** Most attempts per request. */
  attempts: number;
  /** Milliseconds before the second attempt, on average; doubled for each further one. */
  backOff: number;
}

/** Milliseconds before the next attempt, with jitter so that requests that failed together are not repeated together. */
export function backOffTime(attemptsMade: number, backOff: number, random = Math.random): number {
  return backOff * 2 ** (attemptsMade - 1) * (0.5 + random());
}

/**
 * Milliseconds that a Retry-After header asks for, as seconds or as a date (RFC 9110, 10.2.3).
 * @returns undefined where the header is missing or invalid.
 */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * Repeats `attempt` after failures that may pass.
 * @throws {FetchFailure} of the last attempt, for the next run to try again.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { attempts, backOff }: RetryOptions,
  signal: AbortSignal,
): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof FetchFailure) || error.again !== 'now') throw error;
      if (made >= attempts) throw new FetchFailure(`${error.message} (tried ${made} times)`, 'next run');
      await sleep(backOffTime(made, backOff), undefined, { signal });
    }
  }
}
