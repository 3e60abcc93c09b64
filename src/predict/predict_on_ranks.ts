import { dealOut, type World } from '../cluster/index.ts';
import type { PredictInput } from './inputs.ts';
import type { Activation, Predictor } from './load_model.ts';
import { batchSize, type Prediction, predictAll } from './predict_all.ts';

/** Batches for a rank until rank 0 has their answers. */
const batchesAtOnce = 16;

/**
 * Answers all ranks' inputs, which must be the same, on all ranks together: the batches are those of one process.
 * @returns the answers in the inputs' order on rank 0, none on the others; to be read to the end on all ranks.
 * @throws {UserError} where another rank has other inputs.
 */
export function predictOnRanks(
  world: World,
  predictor: Predictor,
  inputs: AsyncIterable<PredictInput>,
  activation: Activation,
): AsyncGenerator<Prediction> {
  const dealing = { atOnce: batchesAtOnce * batchSize, together: batchSize };
  return dealOut(world, inputs, dealing, async (some) => {
    const predictions: Prediction[] = [];
    for await (const prediction of predictAll(predictor, streamOf(some), activation))
      predictions.push(prediction);
    return predictions;
  });
}

async function* streamOf<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}
