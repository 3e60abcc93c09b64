import type { Piscina } from 'piscina';
import { UserError } from '../../errors.ts';
import { threadModule } from '../../system/thread_module.ts';
import { beginningOf } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';

export interface ReadTask {
  /** The file's path. The thread reads it itself: what is sent to a thread is copied. */
  source: string;
  hints: ImportHints;
}

/** The network, the message of a UserError, or the message of any other error. */
export type ReadAnswer = { network: Network } | { refusal: string } | { failure: string };

/** An intact file takes 0.1 s plus 1 s per 100 MB; a busy machine many times as long. */
const maxMilliseconds = (bytes: number) => 60_000 + Math.round(bytes / 1000);

let pool: Promise<Piscina<ReadTask, ReadAnswer>> | undefined;

async function startThread(): Promise<Piscina<ReadTask, ReadAnswer>> {
  const { Piscina } = await import('piscina');
  const filename = threadModule('./read_thread', import.meta.url);
  return new Piscina({ filename, minThreads: 0, maxThreads: 1, idleTimeout: 10_000 });
}

/**
 * Reads a Keras file in a thread that is stopped after a time limit: some damaged files send the HDF5 library into an
 * endless loop.
 * @throws {UserError} where the file is damaged, or has layers that bat-sup lacks.
 */
export async function readApart(task: ReadTask): Promise<Network> {
  pool ??= startThread();
  const [thread, { size }] = await Promise.all([pool, beginningOf(task.source, 8)]);
  const answer = await thread
    .run(task, { signal: AbortSignal.timeout(maxMilliseconds(size)) })
    .catch((error) => {
      if (error.name !== 'AbortError') throw error;
      return {
        refusal: `${task.source} is a damaged Keras file: the HDF5 library did not finish reading it in time.`,
      };
    });
  if ('refusal' in answer) throw new UserError(answer.refusal);
  if ('failure' in answer) throw new Error(answer.failure);
  return answer.network;
}
