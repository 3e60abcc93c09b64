import timers from 'node:timers/promises';
import { Slots } from '../async/slots.ts';
import { FetchFailure } from './failure.ts';

export interface HostLimits {
  /** Requests in flight, all hosts together. */
  concurrency: number;
  /** Requests in flight for each host. */
  perHost: number;
  /** Milliseconds from a request to a host to the next one to it. */
  delay: number;
  /** Milliseconds; a host that asks to be left alone for longer is not waited for. */
  longestWait: number;
}

interface Host {
  slots: Slots;
  delay: number;
  nextStart: number;
  pausedUntil: number;
}

/** Who may send a request when, so that no host is overrun. A host is a name and a port. */
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

  /** At least so many milliseconds between two requests to a host, as its Crawl-delay asks. */
  slowDown(name: string, delay: number): void {
    const host = this.#host(name);
    if (delay <= host.delay) return;
    host.nextStart += delay - host.delay;
    host.delay = delay;
  }

  /** No request to a host for so many milliseconds, as its Retry-After asks. */
  pause(name: string, wait: number): void {
    const host = this.#host(name);
    host.pausedUntil = Math.max(host.pausedUntil, Date.now() + wait);
  }

  /**
   * Does the work once its host and the others leave room for it.
   * @throws {FetchFailure} where the host asked to be left alone for longer than is waited for.
   */
  async visit<T>(name: string, work: () => Promise<T>): Promise<T> {
    const host = this.#host(name);
    await host.slots.take();
    try {
      await this.#turn(name, host);
      await this.#all.take();
      try {
        this.#signal.throwIfAborted();
        return await work();
      } finally {
        this.#all.give();
      }
    } finally {
      host.slots.give();
    }
  }

  /** Waits for the moment at which the host's delay and pause are over. */
  async #turn(name: string, host: Host): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      const now = Date.now();
      const pause = host.pausedUntil - now;
      if (pause > this.#limits.longestWait) {
        throw new FetchFailure(`${name} asks to be left alone for ${describeTime(pause)}`, 'next run');
      }
      const start = Math.max(now, host.nextStart, host.pausedUntil);
      host.nextStart = start + host.delay;
      if (start > now) await timers.setTimeout(start - now, undefined, { signal: this.#signal });
      // While it slept another answer may have asked for a pause.
      if (Date.now() >= host.pausedUntil) return;
    }
  }
}

function describeTime(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}
