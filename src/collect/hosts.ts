import timers from 'node:timers/promises';
import { Slots } from '../async/slots.ts';
import { FetchFailure } from './failure.ts';

export interface HostLimits {
  /** Most requests in flight to all hosts together. */
  concurrency: number;
  /** Most requests in flight per host. */
  perHost: number;
  /** Milliseconds between the starts of two requests to the same host. */
  delay: number;
  /** Milliseconds; requests fail if a host asks for a longer pause. */
  longestWait: number;
}

interface Host {
  slots: Slots;
  delay: number;
  nextStart: number;
  pausedUntil: number;
}

/** Schedules the requests so that no host is overloaded. A host is a name with a port. */
export class Hosts {
  readonly #limits: HostLimits;
  readonly #signal: AbortSignal;
  readonly #all: Slots;
  readonly #hosts = new Map<string, Host>();

  constructor(limits: HostLimits, signal: AbortSignal) {
    this.#limits = limits;
    this.#signal = signal;
    this.#all = new Slots(limits.concurrency);
  }

  #host(name: string): Host {
    const known = this.#hosts.get(name);
    if (known) return known;
    const { perHost, delay } = this.#limits;
    const host = { slots: new Slots(perHost), delay, nextStart: 0, pausedUntil: 0 };
    this.#hosts.set(name, host);
    return host;
  }

  /** Raises the delay between two requests to a host to so many milliseconds, as its Crawl-delay asks. */
  slowDown(name: string, delay: number): void {
    const host = this.#host(name);
    if (delay <= host.delay) return;
    host.nextStart += delay - host.delay;
    host.delay = delay;
  }

  /** Sends no request to a host for so many milliseconds, as its Retry-After asks. */
  pause(name: string, wait: number): void {
    const host = this.#host(name);
    host.pausedUntil = Math.max(host.pausedUntil, Date.now() + wait);
  }

  /**
   * Runs `work` once the limits allow a request to the host.
   * @throws {FetchFailure} where the host asks for a pause longer than `longestWait`.
   */
  async visit<T>(name: string, work: () => Promise<T>): Promise<T> {
    const host = this.#host(name);
    await host.slots.take();
    try {
      await this.#waitForTurn(name, host);
      await this.#all.take();
      try {
        this.#signal.throwIfAborted();
        return await work();
      } finally {
        this.#all.release();
      }
    } finally {
      host.slots.release();
    }
  }

  /** Waits until the delay and the pause of the host are over. */
  async #waitForTurn(name: string, host: Host): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      const now = Date.now();
      const pause = host.pausedUntil - now;
      if (pause > this.#limits.longestWait) {
        throw new FetchFailure(`${name} asks for a pause of ${describeTime(pause)}`, 'next run');
      }
      const start = Math.max(now, host.nextStart, host.pausedUntil);
      host.nextStart = start + host.delay;
      if (start > now) await timers.setTimeout(start - now, undefined, { signal: this.#signal });
      // Meanwhile another response may have asked for a pause.
      if (Date.now() >= host.pausedUntil) return;
    }
  }
}

function describeTime(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}
