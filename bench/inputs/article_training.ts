import type { ArchitectureName } from '../../src/models/index.ts';
import { createModel } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { type BatchResult, trainStep } from '../../src/training/step.ts';

/**
 * The article's network, or another, in training, always on the same batch of made-up pictures in memory: 100 x 100, RGB,
 * uint8, two classes. The engine must run.
 */
export function articleTraining(batchSize: number, architecture: ArchitectureName = 'article') {
  const classes = ['bat', 'sup'];
  const model = createModel({ architecture, width: 100, height: 100, channels: 3, classes });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: batchSize * 100 * 100 * 3 }, (_, index) => (index * 7919) % 256);
  const labels = Array.from({ length: batchSize }, (_, index) => index % 2);
  const batch = { pixels, labels };
  const learningRate = 1e-4;
  let step = 0;
  /** Starts a training step; what it returns waits for the step's result. */
  const startStep = (): (() => BatchResult) => trainStep(model, adam, batch, { step: ++step, learningRate });
  return { model, adam, batch, learningRate, startStep, nextStep: () => ++step, stepsSoFar: () => step };
}
