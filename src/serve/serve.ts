import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { type AddressInfo, Server as TcpServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { reason, UserError } from '../errors.ts';
import type { Predictor } from '../predict/predictor.ts';
import { makeApp } from './app.ts';
import { openCurrent } from './current.ts';
import { makeMetrics } from './metrics.ts';
import { Quota } from './quota.ts';
import { makeServing } from './serving.ts';

export interface ServeOptions {
  /** Path of a checkpoint, a run, or a folder of runs. A newer checkpoint there is loaded as soon as it appears. */
  checkpoint: string;
  which: 'best' | 'newest';
  /** Address to listen on. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Largest number of pictures per batch. */
  maxBatch: number;
  /** Longest time in milliseconds that a picture waits for others that are being decoded. */
  maxWait: number;
  /** Longest queue, in pictures; beyond it requests get 429. */
  maxQueue: number;
  /** Largest body of a request, in bytes. */
  maxBytes: number;
  /** Largest picture, width times height. */
  maxPixels: number;
  /** Milliseconds for a request to arrive, and again for its answer. */
  timeout: number;
  /** Required by /predict, /model and /metrics, if given. */
  token?: string | undefined;
  /** Whether every request is logged to stderr as a line of JSON. */
  log: boolean;
  /** Called with messages for the user. */
  notice(text: string): void;
}

export interface RunningServer {
  url: string;
  readonly model: Predictor;
  /** Stops accepting connections, answers the pending requests, and ends. */
  close(): Promise<void>;
}

/** Milliseconds that an idle connection may still send a request after the server stopped listening. */
const linger = 1000;
const lingerCheckInterval = 50;
/** A turn of the event loop that takes fewer milliseconds counts as idle. */
const idleTurn = 0.5;
const maxTurns = 1000;

/**
 * Waits for an idle turn of the event loop, so that connections in the backlog are accepted: the system resets them when
 * the server stops listening.
 */
async function waitForIdleTurn(): Promise<void> {
  await turn();
  for (let turns = 0; turns < maxTurns; turns++) {
    const before = performance.now();
    await turn();
    if (performance.now() - before < idleTurn) return;
  }
}

/** Stops listening and closes the connections, after the answers to their requests or the timeout of these. */
async function closeGracefully(server: HttpServer, timeout: number): Promise<void> {
  await waitForIdleTurn();
  const closed = once(server, 'close');
  // close() of an HTTP server would cut connections on which a request may be arriving.
  TcpServer.prototype.close.call(server);
  const started = performance.now();
  const cutting = setInterval(() => {
    const waited = performance.now() - started;
    // Requests that have arrived are read first, however long this process was busy.
    if (waited > linger) setImmediate(() => server.closeIdleConnections());
    if (waited > linger + 2 * timeout) server.closeAllConnections();
  }, lingerCheckInterval);
  await closed;
  clearInterval(cutting);
}

/**
 * Starts an HTTP server that classifies pictures, with a web page. The engine must have been started.
 * @throws {UserError} where there is no checkpoint, or the server cannot listen on the address.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { checkpoint, which, host, port, maxQueue, notice } = options;
  let draining = false;
  const waiting = new Quota(maxQueue);
  const metrics = makeMetrics({ waiting: () => waiting.used, checkpoint: () => current.model.checkpoint });
  const current = await openCurrent({
    checkpoint,
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
    await closeGracefully(server, options.timeout);
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
  if (code === 'EACCES')
    return `You are not allowed to use port ${port}; choose one from 1024 up with --port.`;
  return `Cannot listen on ${host} (${reason(error)}); choose another address with --host.`;
}
