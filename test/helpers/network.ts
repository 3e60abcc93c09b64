import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../src/formats/index.ts';
import { modelOf } from '../../src/formats/network.ts';
import { createModel, type ModelDescription } from '../../src/models/model.ts';
import { ownPreprocessing } from '../../src/models/preprocessing.ts';
import { toPictures } from '../../src/models/to_pictures.ts';

export const articleDescription: ModelDescription = {
  architecture: 'article',
  width: 20,
  height: 28,
  channels: 3,
  classes: ['bat', 'süp', '蝙蝠'],
};

/** Reproducible numbers, evenly distributed over 0..1. */
export function* evenly(seed: number): Generator<number> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** A network with weights like a trained one's: all different, with logits far enough apart. The engine must run. */
export function networkOf(description: ModelDescription = articleDescription): Network {
  const model = createModel(description, { seed: 3 });
  const weights: Network['weights'] = new Map();
  for (const [name, variable] of [...model.variables, ...model.state]) {
    const values = Float32Array.from(variable.dataSync());
    // Biases all alike would hide it if they were mixed up.
    const random = evenly(name.length);
    const least = name.endsWith('/variance') ? 0.5 : -0.3;
    if (variable.rank === 1)
      for (let i = 0; i < values.length; i++) values[i] = least + (random.next().value as number);
    weights.set(name, { name, shape: variable.shape, values });
  }
  const { layers } = model;
  model.dispose();
  return {
    model: model.description,
    preprocessing: { fit: 'cover', scale: ownPreprocessing.scale, order: 'rgb' },
    layers,
    weights,
    temperature: 1.5,
  };
}

/** Pictures of random pixels, uint8 [count, height, width, channels]. */
export function picturesFor({ width, height, channels }: ModelDescription, count: number): Uint8Array {
  const random = evenly(7);
  return Uint8Array.from(
    { length: count * width * height * channels },
    () => 256 * (random.next().value as number),
  );
}

/** The logits that bat-sup itself computes, one row per picture. */
export function logitsOf(network: Network, pixels: Uint8Array): number[][] {
  const model = modelOf(network);
  const logits = tf.tidy(() => model.forward(toPictures(pixels, model)).arraySync());
  model.dispose();
  return logits;
}

/** The largest difference between two sets of logits, and the largest spread within one row, to compare it with. */
export function compare(own: number[][], theirs: number[][]): { difference: number; spread: number } {
  const differences = own.flatMap((row, picture) =>
    row.map((value, index) => Math.abs(value - (theirs[picture]?.[index] ?? Number.NaN))),
  );
  const spread = Math.max(...own.map((row) => Math.max(...row) - Math.min(...row)));
  return { difference: differences.some(Number.isNaN) ? Number.NaN : Math.max(...differences), spread };
}
