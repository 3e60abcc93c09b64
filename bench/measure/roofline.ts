import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import type { Execution } from './timed_operations.ts';

type Shape = number[] | undefined;

const sizeOf = (shape: Shape) => (shape ?? []).reduce((product, length) => product * length, 1);

/** Of y or its gradient [..., outputs], each of whose numbers is multiplied with every weight of its output. */
const convolved = (y: Shape, filter: Shape) => sizeOf(y) * (sizeOf(filter) / (filter?.at(-1) ?? 1));

/** a [m, k] and b [k, n], either transposed -> [m, n]: the root of the product of all three sizes. */
const multiplied = ({ inputs: [a, b], outputs: [y] }: Execution) =>
  Math.sqrt(sizeOf(a) * sizeOf(b) * sizeOf(y));

/** Multiplications with an addition, for the operations that are made of them; dy of maxima alone counts as what it is. */
const multiplyAdds: Record<string, (execution: Execution) => number> = {
  Conv2D: ({ inputs: [, filter], outputs: [y] }) => convolved(y, filter),
  FusedConv2D: ({ inputs: [, filter], outputs: [y] }) => convolved(y, filter),
  // TensorFlow's: shape, filter, dy; tfjs's: dy, filter.
  Conv2DBackpropInput: ({ inputs: [first, second, third] }) => convolved(third ?? first, second),
  Conv2DBackpropFilter: ({ inputs, outputs: [filter] }) => convolved(inputs.at(-1), filter),
  BatSupPooledConvFilterGrad: ({ inputs: [, dy], outputs: [filter] }) => convolved(dy, filter),
  BatSupPooledConvInputGrad: ({ inputs: [dy, , filter] }) => convolved(dy, filter),
  // As many as the definition has; the operations need 16 of 36.
  BatSupWinogradConv: ({ inputs: [, filter], outputs: [y] }) => convolved(y, filter),
  BatSupWinogradConvInputGrad: ({ inputs: [dy, filter] }) => convolved(dy, filter),
  BatSupWinogradConvFilterGrad: ({ inputs: [, dy], outputs: [filter] }) => convolved(dy, filter),
  MatMul: multiplied,
  BatchMatMulV2: multiplied,
  BatchMatMul: multiplied,
  _FusedMatMul: multiplied,
  BatSupDense: multiplied,
  BatSupDenseBack: multiplied,
  BatSupDenseAdam: ({ inputs: [weights, , , x] }) => sizeOf(weights) * (x?.[0] ?? 0),
  BatSupDenseAdamMultiply: ({ inputs: [weights, , , x] }) => 2 * sizeOf(weights) * (x?.[0] ?? 0),
};

/** Operations that write their first three inputs too: weights and Adam's moments. */
const updates = new Set(['BatSupDenseAdam', 'BatSupDenseAdamMultiply', 'ApplyAdam']);

/** Which of its inputs an operation writes. */
function updatedBy({ operation, inputs }: Execution): number[][] {
  // Variables, both of their moments and their gradients, each so many; and the hyperparameters.
  if (operation === 'BatSupAdam') return inputs.slice(0, 3 * Math.floor(inputs.length / 4));
  return updates.has(operation) ? inputs.slice(0, 3) : [];
}

/** What an operation needs at least: 10^9 floating-point operations, and 10^9 bytes read and written. */
export function needsOf(execution: Execution): { gigaflop: number; gigabytes: number } {
  const { operation, inputs, outputs } = execution;
  const written = [...outputs, ...updatedBy(execution)];
  const numbers = [...inputs, ...written].reduce((sum, shape) => sum + sizeOf(shape), 0);
  return {
    gigaflop: (2 * (multiplyAdds[operation]?.(execution) ?? 0)) / 1e9,
    gigabytes: (4 * numbers) / 1e9,
  };
}

/** GFLOP/s of the running engine's convolution with a 1 x 1 filter, a product of large matrices; the best of some. */
export function peakOfProducts(): number {
  const [pixels, channels] = [64 * 64, 256];
  const x = tf.randomUniform([1, 64, 64, channels]) as tf.Tensor4D;
  const filter = tf.randomUniform([1, 1, channels, channels]) as tf.Tensor4D;
  const take = () => {
    const before = performance.now();
    tf.fused.conv2d({ x, filter, strides: 1, pad: 'same' }).dispose();
    return (2 * pixels * channels ** 2) / 1e6 / (performance.now() - before);
  };
  const rates = Array.from({ length: 40 }, take);
  tf.dispose([x, filter]);
  return Math.max(...rates);
}

const copier = `
  const { workerData: bytes, parentPort } = require('node:worker_threads');
  const from = new Uint8Array(bytes), to = new Uint8Array(bytes).fill(1);
  parentPort.on('message', (times) => {
    for (let i = 0; i < times; i++) to.set(from);
    parentPort.postMessage('done');
  });
  parentPort.postMessage('ready');
`;

/** GB/s of memory, read and written, that so many threads reach together when they copy, the best of some. */
export async function memoryBandwidth(threads: number): Promise<number> {
  const bytes = 1 << 27;
  const times = 4;
  const workers = Array.from(
    { length: threads },
    () => new Worker(copier, { eval: true, workerData: bytes }),
  );
  const answers = () =>
    Promise.all(workers.map((worker) => new Promise((done) => worker.once('message', done))));
  await answers();
  const rates: number[] = [];
  for (let round = 0; round < 3; round++) {
    const before = performance.now();
    const done = answers();
    for (const worker of workers) worker.postMessage(times);
    await done;
    rates.push((2 * bytes * times * threads) / 1e6 / (performance.now() - before));
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return Math.max(...rates);
}
