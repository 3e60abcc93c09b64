import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { readSettings, settingOptions } from '../config/index.ts';
import { UsageError } from '../errors.ts';
import {
  adviseBetterRun,
  announceCheckpoint,
  type CheckpointFlags,
  checkpointOptions,
  checkpointPlace,
  whichOf,
} from './chosen_checkpoint.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { abortOnSignals } from './signals.ts';
import { wholeNumber } from './whole_number.ts';

interface ServeFlags extends CheckpointFlags, Record<string, unknown> {
  host: string;
  port: string;
  maxBatch: string;
  maxWait: string;
  maxQueue: string;
  maxBytes: string;
  maxPixels: string;
  timeout: string;
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description(
      'classify pictures over HTTP, with a web page; BATSUP_SERVE_TOKEN sets a bearer token that clients need',
    );
  checkpointOptions(command)
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 for any free one', '8080')
    .option('--max-batch <n>', 'largest batch of pictures', '16')
    .option('--max-wait <ms>', 'milliseconds that a picture waits for others to fill its batch', '10')
    .option('--max-queue <n>', 'longest queue; beyond it requests get 429', '128')
    .option('--max-bytes <n>', 'largest request, in bytes', '20000000')
    .option('--max-pixels <n>', 'largest picture, in pixels (width times height)', '50000000')
    .option('--timeout <s>', 'seconds for a request to arrive, and for its answer', '10');
  settingOptions(command, ['checkpoints', 'engine', 'threads']).action(runServer);
  addExamples(command, [
    ['bat-sup serve', 'serves this machine only, with a page at http://127.0.0.1:8080/'],
    ['bat-sup serve --host 0.0.0.0 --port 80', 'serves everyone who can reach this machine'],
  ]);
}

function readLimits(flags: ServeFlags) {
  return {
    host: readHost(flags.host),
    port: wholeNumber('--port', flags.port, 0, 65535),
    maxBatch: wholeNumber('--max-batch', flags.maxBatch, 1),
    maxWait: wholeNumber('--max-wait', flags.maxWait, 0),
    maxQueue: wholeNumber('--max-queue', flags.maxQueue, 1),
    maxBytes: wholeNumber('--max-bytes', flags.maxBytes, 1),
    maxPixels: wholeNumber('--max-pixels', flags.maxPixels, 1),
    timeout: wholeNumber('--timeout', flags.timeout, 1) * 1000,
  };
}

/** Given an empty address, as from an unset variable, Node would listen on all addresses. */
function readHost(host: string): string {
  if (host.trim() !== '') return host;
  throw new UsageError('--host is empty; give an address, such as 127.0.0.1, or 0.0.0.0 for all.');
}

/** The characters that RFC 6750, section 2.1, allows in a token. */
function readToken(): string | undefined {
  const token = process.env.BATSUP_SERVE_TOKEN || undefined;
  if (token === undefined || /^[A-Za-z0-9._~+/-]+=*$/.test(token)) return token;
  throw new UsageError(
    'BATSUP_SERVE_TOKEN may contain only letters, digits and . _ ~ + / - =; choose another token.',
  );
}

/**
 * Lets the heap grow to five times its live size before it is collected. By default V8 would collect it after every
 * twenty photographs, although they are short-lived, and each time trace the 30 MB that stay.
 */
function collectRarely(): void {
  setFlagsFromString('--heap-growing-percent=400');
}

async function runServer(flags: ServeFlags): Promise<void> {
  const settings = await readSettings(flags);
  const limits = readLimits(flags);
  const { startEngine } = await import('../engine/index.ts');
  const { isLoopback } = await import('../serve/security.ts');
  const { serve } = await import('../serve/serve.ts');
  const token = readToken();
  const signal = abortOnSignals(() => notice('finishing the current requests, then stopping ...'));
  const place = checkpointPlace(flags.checkpoint, settings.checkpoints);
  const engine = await startEngine(settings.engine, settings);
  collectRarely();
  try {
    const server = await serve({
      ...limits,
      checkpoint: place,
      which: whichOf(flags),
      token,
      log: flags.verbose === true,
      notice,
    });
    if (!token && !isLoopback(limits.host))
      notice(`everyone who can reach ${server.url} can use it; set BATSUP_SERVE_TOKEN to require a token.`);
    const { checkpoint, description } = server.model;
    console.error(`Engine: ${engine.description}`);
    announceCheckpoint(checkpoint);
    await adviseBetterRun(checkpoint, flags.checkpoint, settings.checkpoints);
    console.error(`${checkpoint} (${description.classes.join(', ')}) answers at ${server.url}`);
    if (!signal.aborted) await once(signal, 'abort');
    await server.close();
  } finally {
    await engine.dispose();
  }
}
