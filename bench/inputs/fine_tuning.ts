import { variablesOf } from '../../src/layers/index.ts';
import type { ModelDescription } from '../../src/models/description.ts';
import { planArchitecture } from '../../src/models/plan.ts';
import { sizeOf } from '../../src/tensors/shape.ts';

/** A network to fine-tune. */
export function networkToTune(architecture: 'efficientnet-lite0', size: number): ModelDescription {
  const description = {
    architecture,
    width: size,
    height: size,
    channels: 3 as const,
    classes: ['a', 'b', 'c'],
  };
  return { ...description, layers: planArchitecture(architecture, description).layers };
}

/** Evenly distributed over -1..1, and the same each time. */
function* evenly(seed: number): Generator<number> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 31 - 1;
  }
}

/**
 * Weights by variable name with which maps keep their spread from layer to layer, as those of a trained network do: neither
 * zeros nor saturated maps would be representative. Normalisation is nearly the identity.
 */
export function weightsToTune({ layers = [] }: ModelDescription): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const layer of layers) {
    for (const { name, shape } of variablesOf(layer)) {
      const random = evenly(weights.size + 1);
      const size = sizeOf(shape);
      const inputs = size / (layer.outputShape.at(-1) as number);
      const part = name.slice(layer.name.length + 1);
      const centre = part === 'scale' || part === 'variance' ? 1 : 0;
      const spread = part === 'weights' ? Math.sqrt(6 / inputs) : 0.2;
      weights.set(
        name,
        Float32Array.from({ length: size }, () => centre + spread * (random.next().value as number)),
      );
    }
  }
  return weights;
}
