import { startEngine } from '../../src/engine/index.ts';
import { saveImported } from '../../src/formats/network.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { networkOf } from './network.ts';

/** A run with the checkpoint of a network that was never trained, but answers like one. */
export async function saveNetwork(run: string, description: ModelDescription): Promise<string> {
  const engine = await startEngine('cpu', { threads: 1 });
  const training = { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2 };
  const checkpoint = await saveImported(networkOf(description), run, training);
  await engine.dispose();
  return checkpoint;
}
