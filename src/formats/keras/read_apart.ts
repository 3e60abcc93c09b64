import type { Piscina } from 'piscina';
import { UserError } from '../../errors.ts';
import { threadModule } from '../../system/thread_module.ts';
import type { ImportHints, Network } from '../format.ts';

export interface ReadTask {
  data: Uint8Array;
  source: string;
  hints: ImportHints;
}

/** A network, what its user has to be told, or what went wrong otherwise. */
export type ReadAnswer = { network: Network } | { refusal: string } | { failure: string };

/** A sound file takes a tenth of a second and one for each hundred megabytes; a busy machine many times that. */
const maxMilliseconds = ({ data }: ReadTask) => 60_000 + Math.round(data.length / 1000);

let pool: Promise<Piscina<ReadTask, ReadAnswer>> | undefined;

async function startThread(): Promise<Piscina<ReadTask, ReadAnswer>> {
  const { Piscina } = await import('piscina');
  const filename = threadModule('./read_thread', import.meta.url);
  return new Piscina({ filename, minThreads: 0, maxThreads: 1, idleTimeout: 10_000 });
}

/**
 * Reads a Keras file in a thread, which is ended where that takes too long: some damaged files make the HDF5 library
 * search without end.
 * @throws {UserError} where the file is damaged, or holds what bat-sup has no layer for.
 */
export async function readApart(task: ReadTask): Promise<Network> {
  pool ??= startThread();
  const thread = await pool;
  const answer = await thread
    .run(task, { signal: AbortSignal.timeout(maxMilliseconds(task)) })
    .catch((error) => {
      if (error.name !== 'AbortError') throw error;
      return {
        refusal: `${task.source} is a damaged Keras file: the HDF5 library does not come to its end.`,
      };
    });
  if ('refusal' in answer) throw new UserError(answer.refusal);
  if ('failure' in answer) throw new Error(answer.failure);
  return answer.network;
}
