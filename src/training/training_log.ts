import { join } from 'node:path';
import type { Metrics } from '../checkpoints/index.ts';
import type { Model } from '../models/model.ts';
import { type EventWriter, networkGraph, openEventWriter } from '../tensorboard/index.ts';
import type { BatchResult } from './step.ts';

export interface TrainingLog {
  step(
    step: number,
    done: { result: BatchResult; batchSize: number; learningRate: number; rate: number },
  ): void;
  epoch(step: number, metrics: Metrics): void;
  close(): Promise<void>;
}

/** TensorBoard shows <run>/train and <run>/validation as two curves of one chart. */
export async function openTrainingLog(
  run: string,
  model: Model,
  options: { validation: boolean; firstStep: number },
): Promise<TrainingLog> {
  const train = await openEventWriter(join(run, 'train'), options.firstStep);
  const validation = options.validation
    ? await openEventWriter(join(run, 'validation'), options.firstStep)
    : undefined;
  train.graph(networkGraph(model.layers, model.description));
  return {
    step(step, { result, batchSize, learningRate, rate }) {
      const scalars = { loss: result.loss, accuracy: result.correct / batchSize };
      train.scalars(step, { ...scalars, learning_rate: learningRate, images_per_second: rate });
    },
    epoch(step, metrics) {
      writeEpoch(train, step, metrics.loss, metrics.accuracy);
      if (!validation) return;
      writeEpoch(validation, step, metrics.validationLoss, metrics.validationAccuracy);
      validation.scalars(step, {
        loss: metrics.validationLoss ?? 0,
        accuracy: metrics.validationAccuracy ?? 0,
      });
    },
    async close() {
      await Promise.all([train.close(), validation?.close()]);
    },
  };
}

function writeEpoch(writer: EventWriter, step: number, loss = 0, accuracy = 0): void {
  writer.scalars(step, { 'epoch/loss': loss, 'epoch/accuracy': accuracy });
}
