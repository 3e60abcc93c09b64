import { once } from 'node:events';
import { type AddressInfo, Server as TcpServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { reason, UserError } from '../errors.ts';
import type { Predictor } from '../predict/predictor.ts';
import { makeApp } from './app.ts';
import { openCurrent } from './current.ts';
import { makeMetrics } from './metrics.ts';
import { Places } from './places.ts';
import { makeServing } from './serving.ts';

export interface ServeOptions {
  /** A checkpoint, a run, or a folder of runs; in the latter two, what predict would take is taken, now and later. */
  place: string;
  which: 'best' | 'newest';
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Pictures that the network answers at once. */
  maxBatch: number;
  /** Milliseconds that a picture waits for others that are on their way. */
  maxWait: number;
  /** Pictures that may wait; further ones are turned away. */
  maxQueue: number;
  /** Of a request's body. */
  maxBytes: number;
  /** Width times height. */
  maxPixels: number;
  /** Milliseconds for a request to arrive, and again for its answer. */
  timeout: number;
  token?: string | undefined;
  /** Whether every request is a line of JSON on stderr. */
  log: boolean;
  /** Told what the user should know. */
  notice(text: string): void;
}

export interface RunningServer {
  url: string;
  readonly model: Predictor;
  /** Takes no new connections, answers everything under way, and ends. */
  close(): Promise<void>;
}

/** Milliseconds that a connection without a request stays open for one, once no new ones are taken. */
const linger = 1000;
const lingerCheckInterval = 50;
/** Milliseconds of a turn of the event loop. */
const quiet = 0.5;
const mostTurns = 1000;

/**
 * Waits for a turn of the event loop in which next to nothing happened, so that who has connected is let in: the system
 * resets the connections that wait when a server stops listening.
 */
async function quietTurn(): Promise<void> {
  await turn();
  for (let turns = 0; turns < mostTurns; turns++) {
    const before = performance.now();
    await turn();
    if (performance.now() - before < quiet) return;
  }
}

/**
 * A server of HTTP that answers pictures. The engine must have been started.
 * @throws {UserError} where there is no checkpoint, or the address cannot be listened at.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { place, which, host, port, maxQueue, notice } = options;
  let draining = false;
  const waiting = new Places(maxQueue);
  const metrics = makeMetrics({ waiting: () => waiting.taken, checkpoint: () => current.model.checkpoint });
  const current = await openCurrent({
    place,
    which,
    notice,
    makeServing: (model) => makeServing(model, { ...options, sizes: metrics.batches }),
    onReload: (result) => metrics.reloads.inc({ result }),
  });
  const app = await makeApp({
    ...options,
    current,
    metrics,
    waiting,
    isDraining: () => draining,
    onError: (error) => notice(options.log && error instanceof Error ? String(error.stack) : reason(error)),
  });
  await app.ready();
  const { server } = app;

  async function stop(): Promise<void> {
    draining = true;
    await quietTurn();
    const closed = once(server, 'close');
    // That of HTTP would cut connections on which a request may be on its way.
    TcpServer.prototype.close.call(server);
    const started = performance.now();
    const cutting = setInterval(() => {
      const waited = performance.now() - started;
      // What has arrived is read before that, however long this process was kept from it.
      if (waited > linger) setImmediate(() => server.closeIdleConnections());
      if (waited > linger + 2 * options.timeout) server.closeAllConnections();
    }, lingerCheckInterval);
    await closed;
    clearInterval(cutting);
    await app.close();
    current.close();
  }

  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    current.close();
    throw new UserError(cannotListen(host, port, error));
  }
  const { port: given } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${given}/`,
    get model() {
      return current.model;
    },
    close: stop,
  };
}

function cannotListen(host: string, port: number, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `Port ${port} of ${host} is in use; choose another with --port.`;
  if (code === 'EACCES') return `Port ${port} may not be used by you; choose one from 1024 up with --port.`;
  return `${host} cannot be listened at (${reason(error)}); choose another address with --host.`;
}
