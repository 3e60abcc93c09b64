import type { Batch } from '../dataset/batches.ts';
import type { Model } from '../models/model.ts';
import { tf } from '../tensors/tf.ts';
import type { Adam } from './adam.ts';
import { clipGradients } from './clip_gradients.ts';
import type { GradientExchange } from './exchange.ts';
import { ExchangeStep } from './exchange_step.ts';
import { type BatchResult, differentiate, readResult, type StepOptions } from './step.ts';

export interface SharedStepOptions extends StepOptions {
  exchange: GradientExchange;
  /** Whether this rank was asked to stop; see {@link GradientExchange.stopped}. */
  stop: boolean;
}

/**
 * One training step on all ranks, each with its own rows of one batch. Adam uses the mean of their gradients, so the
 * weights stay the same on all ranks. Batch normalisation uses the statistics of each rank's own rows.
 * @returns the result over all rows.
 */
export async function trainStepTogether(
  model: Model,
  adam: Adam,
  batch: Batch,
  { step, learningRate, objective, clipNorm = 0, watch, exchange, stop }: SharedStepOptions,
): Promise<BatchResult> {
  const exchangeStep = new ExchangeStep(exchange);
  const mine = tf.tidy(() => {
    const options = { objective, layer: watch?.layer, pass: exchangeStep.trainingPass(step) };
    const { loss, logits } = differentiate(model, batch, exchange.variables, options);
    return { loss, logits };
  });
  const { result, gradients } = await exchangeStep.finish(readResult(mine, batch), stop);
  tf.tidy(() => {
    watch?.batch?.(batch);
    watch?.gradients(gradients);
    adam.apply(clipNorm > 0 ? clipGradients(gradients, clipNorm) : gradients, step, learningRate);
  });
  tf.dispose(gradients);
  return result;
}
