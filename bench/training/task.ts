import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { variablesOf } from '../../src/layers/index.ts';
import type { ModelDescription } from '../../src/models/description.ts';
import type { ArchitectureName } from '../../src/models/index.ts';
import { planArchitecture } from '../../src/models/plan.ts';
import { sizeOf } from '../../src/tensors/shape.ts';
import { checkedSteps, learningRate } from './steps.ts';

/** What everyone trains in a comparison. */
export interface TrainingTask {
  network: ModelDescription;
  /** Pictures per step. */
  batch: number;
  /** 0 leaves the number to each framework. */
  threads: number;
  precision?: 'float32' | 'bf16';
  /** Names of layers that do not learn. */
  frozen?: string[];
  /** Whether batch normalisation uses its moving averages in place of the batch's statistics. */
  frozenStatistics?: boolean;
}

/** A network of ours for square RGB pictures, with its layers. */
export function networkToTrain(
  architecture: ArchitectureName,
  { size, classes }: { size: number; classes: number },
): ModelDescription {
  const names = Array.from({ length: classes }, (_, index) => `class ${index}`);
  const description = { architecture, width: size, height: size, channels: 3 as const, classes: names };
  return { ...description, layers: planArchitecture(architecture, description).layers };
}

/** Evenly distributed around the centre, and the same each time. */
function evenly(size: number, seed: number, centre: number, spread: number): Float32Array {
  const values = new Float32Array(size);
  let state = seed >>> 0;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = centre + spread * (state / 2 ** 31 - 1);
  }
  return values;
}

/**
 * Weights by variable name with which maps keep their spread from layer to layer, as those of a trained network do: neither
 * zeros nor saturated maps would be representative. Normalisation is nearly the identity.
 */
export function weightsToTrain({ layers = [] }: ModelDescription): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const layer of layers) {
    for (const { name, shape } of variablesOf(layer)) {
      const size = sizeOf(shape);
      const inputs = size / (layer.outputShape.at(-1) as number);
      const part = name.slice(layer.name.length + 1);
      const centre = part === 'scale' || part === 'variance' ? 1 : 0;
      const spread = part === 'weights' ? Math.sqrt(6 / inputs) : 0.2;
      weights.set(name, evenly(size, weights.size + 1, centre, spread));
    }
  }
  return weights;
}

/** Writes task.json, and the weights, for the processes of all contestants. @returns the path of task.json. */
export function writeTask(folder: string, task: TrainingTask): string {
  const { network, batch, precision = 'float32', frozen = [], frozenStatistics = false } = task;
  const { layers = [], width, height, classes } = network;
  const weightsFile = join(folder, 'weights.bin');
  writeFileSync(weightsFile, '');
  for (const values of weightsToTrain(network).values()) writeFileSync(weightsFile, values, { flag: 'a' });
  const forPython = {
    layers,
    tensors: layers.flatMap(variablesOf),
    weights: weightsFile,
    sizes: { batch, width, height, classes: classes.length },
    learningRate,
    checkedSteps,
  };
  const file = join(folder, 'task.json');
  writeFileSync(file, JSON.stringify({ ...task, precision, frozen, frozenStatistics, ...forPython }));
  return file;
}
