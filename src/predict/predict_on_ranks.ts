import { dealOut, type World } from '../cluster/index.ts';
import { batchSizeFor, type Inputs, type Prediction, predictAll } from './predict_all.ts';
import type { Activation, Predictor } from './predictor.ts';

/** Batches that a rank gets before rank 0 collects the results. */
const batchesAtOnce = 16;

/**
 * Shares the inputs out to all ranks. All ranks must pass the same inputs, and batches are those of a single process.
 * @param signal aborted on any rank, it ends all ranks soon.
 * @returns the predictions in the inputs' order on rank 0, none on the others; read it to the end on all ranks.
 * @throws {UserError} where another rank has different inputs.
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
