/** The thread that read_apart.ts starts. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { reason, UserError } from '../../errors.ts';
import { readModelFile } from '../files.ts';
import type { Network } from '../format.ts';
import { readKeras } from './read.ts';
import type { ReadAnswer, ReadTask } from './read_apart.ts';

/** Gives the weights' memory to the thread that asked, instead of a copy. */
function given(network: Network): ReadAnswer {
  const buffers = [...network.weights.values()]
    .filter(({ values }) => values.byteLength === values.buffer.byteLength)
    .map(({ values }) => values.buffer);
  const answer: ReadAnswer = { network };
  return move({
    [transferableSymbol]: [...new Set(buffers)],
    [valueSymbol]: answer,
  }) as unknown as ReadAnswer;
}

export default async function work({ source, hints }: ReadTask): Promise<ReadAnswer> {
  try {
    return given(await readKeras(await readModelFile(source), source, hints));
  } catch (error) {
    return error instanceof UserError ? { refusal: error.message } : { failure: reason(error) };
  }
}
