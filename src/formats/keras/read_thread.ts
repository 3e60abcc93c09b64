/** The thread that read_apart.ts starts. */
import { reason, UserError } from '../../errors.ts';
import { readKeras } from './read.ts';
import type { ReadAnswer, ReadTask } from './read_apart.ts';

export default async function work({ data, source, hints }: ReadTask): Promise<ReadAnswer> {
  try {
    return { network: await readKeras(data, source, hints) };
  } catch (error) {
    return error instanceof UserError ? { refusal: error.message } : { failure: reason(error) };
  }
}
