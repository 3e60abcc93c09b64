import { startEngine } from '../../src/engine/index.ts';
import type { Network } from '../../src/formats/index.ts';
import { fold, type Step } from '../../src/inference/fold.ts';
import { networkOf } from '../../test/helpers/network.ts';

const size = 224;

/** EfficientNet-Lite0 for ten classes with random weights, which take as long as trained ones. An engine must run. */
export function liteNetwork(): Network {
  const classes = Array.from({ length: 10 }, (_, index) => `class ${index}`);
  return networkOf({ architecture: 'efficientnet-lite0', width: size, height: size, channels: 3, classes });
}

/** The same folded, made without leaving an engine behind. */
export async function foldedLiteNetwork(): Promise<Step[]> {
  const engine = await startEngine('cpu', { threads: 1 });
  const network = liteNetwork();
  await engine.dispose();
  return fold(network.layers, valuesOf(network));
}

export function valuesOf({ weights }: Network): Map<string, Float32Array> {
  return new Map([...weights].map(([name, { values }]) => [name, values]));
}

/** Preprocessed pictures, the same for everyone: their shape [batch, height, width, channels] and numbers from -1 to 1. */
export function litePictures(batch: number) {
  const shape: [number, number, number, number] = [batch, size, size, 3];
  const values = Float32Array.from({ length: batch * size * size * 3 }, (_, i) => Math.sin(i * i));
  return { shape, values };
}
