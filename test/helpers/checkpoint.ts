import { startEngine } from '../../src/engine/index.ts';
import type { Network } from '../../src/formats/index.ts';
import { saveImported } from '../../src/formats/network.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { networkOf } from './network.ts';

/**
 * Saves a run with a checkpoint of a network that is untrained, but has weights like a trained one's.
 * @param changes to what networkOf gives.
 * @returns the checkpoint's path.
 */
export async function saveNetwork(
  run: string,
  description: ModelDescription,
  changes: Partial<Network> = {},
): Promise<string> {
  const engine = await startEngine('cpu', { threads: 1 });
  const training = { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2 };
  const checkpoint = await saveImported({ ...networkOf(description), ...changes }, run, training);
  await engine.dispose();
  return checkpoint;
}
