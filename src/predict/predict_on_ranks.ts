import { dealOut, type World } from '../cluster/index.ts';
import { batchSizeFor, type Inputs, type Prediction, predictAll } from './predict_all.ts';
import type { Activation, Predictor } from './predictor.ts';

/** Batches for a rank until rank 0 has their answers. */
const batchesAtOnce = 16;

/**
 * Answers all ranks' inputs, which must be the same, on all ranks together: the batches are those of one process.
 * @param signal once aborted on any rank, all end soon.
 * @returns the answers in the inputs' order on rank 0, none on the others; to be read to the end on all ranks.
 * @throws {UserError} where another rank has other inputs.
 */
export function predictOnRanks(
  world: World,
  predictor: Predictor,
  inputs: Inputs,
  activation: Activation,
  signal?: AbortSignal,
): AsyncGenerator<Prediction> {
  const together = batchSizeFor(predictor);
  const dealing = { atOnce: batchesAtOnce * together, together, signal };
  return dealOut(world, inputs, dealing, async (some) => {
    const predictions: Prediction[] = [];
    for await (const prediction of predictAll(predictor, some, activation)) predictions.push(prediction);
    return predictions;
  });
}
