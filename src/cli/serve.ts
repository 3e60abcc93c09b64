import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { readSettings, settingOptions } from '../config/index.ts';
import { UsageError } from '../errors.ts';
import { adviseBetterRun, announceCheckpoint, checkpointPlace } from './chosen_checkpoint.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { abortOnSignals } from './signals.ts';
import { wholeNumber } from './whole_number.ts';

interface ServeFlags extends Record<string, unknown> {
  checkpoint?: string;
  newest?: boolean;
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
      'answer pictures over HTTP, with a page; BATSUP_SERVE_TOKEN may hold a bearer token to ask for',
    )
    .option('--checkpoint <folder>', 'checkpoint or run to use (default: the best of the newest run)')
    .option('--newest', 'use the newest checkpoint of the run instead of its best')
    .option('--host <address>', 'address to listen at; 0.0.0.0 for every one', '127.0.0.1')
    .option('--port <n>', 'port to listen at; 0 for any that is free', '8080')
    .option('--max-batch <n>', 'pictures that the network answers at once', '16')
    .option('--max-wait <ms>', 'milliseconds that a picture waits for others on their way', '10')
    .option('--max-queue <n>', 'pictures that may wait; further ones are turned away (429)', '128')
    .option('--max-bytes <n>', 'largest request', '20000000')
    .option('--max-pixels <n>', 'largest picture, width times height', '50000000')
    .option('--timeout <s>', 'seconds for a request to arrive, and again for its answer', '10');
  settingOptions(command, ['checkpoints', 'engine', 'threads']).action(runServer);
  addExamples(command, [
    ['bat-sup serve', 'answers on this machine alone, with a page at http://127.0.0.1:8080/'],
    ['bat-sup serve --host 0.0.0.0 --port 80', 'answers whoever reaches this machine'],
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

/** Node would listen at every address where it is given an empty one, as of a variable that is not set. */
function readHost(host: string): string {
  if (host.trim() !== '') return host;
  throw new UsageError('--host is empty; name an address, such as 127.0.0.1, or 0.0.0.0 for every one.');
}

/** RFC 6750 lets a token be made of these. */
function readToken(): string | undefined {
  const token = process.env.BATSUP_SERVE_TOKEN || undefined;
  if (token === undefined || /^[A-Za-z0-9._~+/-]+=*$/.test(token)) return token;
  throw new UsageError(
    'BATSUP_SERVE_TOKEN may have letters, digits and . _ ~ + / - = alone; choose another.',
  );
}

/**
 * Lets the heap grow to five times what lives in it before it is collected. V8 would do that after every twenty
 * photographs, which count but die at once, and each time go through the 30 MB that stay, beside the engine.
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
  const signal = abortOnSignals(() => notice('answering what is under way, then stopping ...'));
  const place = checkpointPlace(flags.checkpoint, settings.checkpoints);
  const engine = await startEngine(settings.engine, settings);
  collectRarely();
  try {
    const server = await serve({
      ...limits,
      checkpoint: place,
      which: flags.newest ? 'newest' : 'best',
      token,
      log: flags.verbose === true,
      notice,
    });
    if (!token && !isLoopback(limits.host))
      notice(`whoever reaches ${server.url} can use it; set BATSUP_SERVE_TOKEN to ask for a token.`);
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
