/** The kernels for inference of every engine that has them, against the formulas in plain JavaScript. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import * as tf from '@tensorflow/tfjs-core';
import { runningEngine, startEngine } from '../../src/engine/index.ts';
import { fusedConvolution as trainableConvolution } from '../../src/engine/kernels/conv/operation.ts';
import {
  type FusedActivation,
  fusedConvolution,
  hasFusedConvolution,
  packFilter,
} from '../../src/engine/kernels/fused_convolution/operation.ts';
import {
  hasInvertedResidual,
  invertedResidual,
} from '../../src/engine/kernels/inverted_residual/operation.ts';
import { hasRelaxedSimd } from '../../src/engine/wasm/relaxed_simd.ts';
import { sizeOf } from '../../src/tensors/shape.ts';
import { computeOn, type Machine, machines } from './every_engine.ts';

// Node 20 has relaxed SIMD behind this flag; newer ones ignore it.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

interface TestedMachine extends Machine {
  relaxed?: boolean;
}

const wasmMachines: TestedMachine[] = [1, 2, 3].flatMap((threads) =>
  [false, true].map((relaxed) => ({ engine: 'wasm' as const, threads, relaxed })),
);
const tested: TestedMachine[] = [...machines.filter(({ engine }) => engine !== 'wasm'), ...wasmMachines];

const nameOf = ({ engine, threads, relaxed }: TestedMachine) =>
  `${engine}, ${threads} threads${relaxed ? ', relaxed SIMD' : ''}`;

/** What `compute` returns on the machine, as if its host had relaxed SIMD or not. */
async function computeOnTested<T>(
  { engine, threads, relaxed }: TestedMachine,
  compute: () => T | Promise<T>,
): Promise<T> {
  const { validate } = WebAssembly;
  if (relaxed === false) WebAssembly.validate = () => false;
  try {
    return await computeOn({ engine, threads }, () => {
      if (relaxed) assert.match(runningEngine()?.description as string, /relaxed/);
      return compute();
    });
  } finally {
    WebAssembly.validate = validate;
  }
}

/** Multiples of 1/4 from -1 to 1, so that sums of their products are exact in float32, in any order. */
function numbers(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => (((i + 5) * (seed + 17) * 7919) % 9) / 4 - 1);
}

interface Plain {
  shape: number[];
  values: Float32Array;
}

const plain = (shape: number[], seed: number): Plain => ({ shape, values: numbers(sizeOf(shape), seed) });
const tensorOf = ({ shape, values }: Plain) => tf.tensor(values, shape);

type Padding = 'same' | 'valid';

interface Options {
  stride: number;
  padding: Padding;
  depthwise: boolean;
  activation: FusedActivation;
}

const activated = (value: number, activation: FusedActivation) => {
  if (activation === 'linear') return value;
  return Math.min(Math.max(value, 0), activation === 'relu6' ? 6 : Number.POSITIVE_INFINITY);
};

function outputSize(size: number, kernel: number, { stride, padding }: { stride: number; padding: Padding }) {
  const out = padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - kernel) / stride) + 1;
  const before = padding === 'same' ? Math.max(0, (out - 1) * stride + kernel - size) >> 1 : 0;
  return { out, before };
}

/** activation(convolution of x + bias + residual) */
function convolve(
  x: Plain,
  filter: Plain,
  bias: Float32Array,
  residual: Plain | undefined,
  options: Options,
) {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [kernelHeight, kernelWidth, , last] = filter.shape as [number, number, number, number];
  const outputs = options.depthwise ? channels : last;
  const rows = outputSize(height, kernelHeight, options);
  const columns = outputSize(width, kernelWidth, options);
  const y = new Float32Array(batch * rows.out * columns.out * outputs);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < rows.out; i++)
      for (let j = 0; j < columns.out; j++)
        for (let output = 0; output < outputs; output++) {
          let sum = (bias[output] as number) + (residual?.values[at] ?? 0);
          for (let u = 0; u < kernelHeight; u++)
            for (let v = 0; v < kernelWidth; v++) {
              const p = i * options.stride - rows.before + u;
              const q = j * options.stride - columns.before + v;
              if (p < 0 || q < 0 || p >= height || q >= width) continue;
              const pixel = ((b * height + p) * width + q) * channels;
              const tap = u * kernelWidth + v;
              if (options.depthwise) {
                sum +=
                  (x.values[pixel + output] as number) * (filter.values[tap * channels + output] as number);
                continue;
              }
              for (let c = 0; c < channels; c++)
                sum +=
                  (x.values[pixel + c] as number) *
                  (filter.values[(tap * channels + c) * outputs + output] as number);
            }
          y[at++] = activated(sum, options.activation);
        }
  return { shape: [batch, rows.out, columns.out, outputs], values: y };
}

interface Case extends Options {
  x: [batch: number, height: number, width: number, channels: number];
  kernel: [height: number, width: number];
  /** Of a depthwise convolution as many as channels. */
  outputs: number;
  residual?: true;
}

const same = { stride: 1, padding: 'same', depthwise: false } as const;
const depthwise = { ...same, depthwise: true, outputs: 0 } as const;
const relu6 = { activation: 'relu6' } as const;
const linear = { activation: 'linear' } as const;

const cases: Case[] = [
  { ...same, x: [1, 1, 1, 5], kernel: [1, 1], outputs: 3, ...linear },
  { ...same, x: [1, 2, 2, 9], kernel: [1, 1], outputs: 8, activation: 'relu', residual: true },
  { ...same, x: [1, 1, 5, 16], kernel: [1, 1], outputs: 24, ...relu6 },
  { ...same, x: [3, 7, 7, 40], kernel: [1, 1], outputs: 97, ...relu6, residual: true },
  { ...same, x: [2, 29, 31, 3], kernel: [1, 1], outputs: 17, ...linear, residual: true },
  { ...same, x: [1, 40, 41, 8], kernel: [1, 1], outputs: 6, ...relu6 },
  { ...same, x: [2, 13, 12, 3], kernel: [3, 3], stride: 2, outputs: 32, ...relu6 },
  { ...same, x: [1, 12, 13, 3], kernel: [3, 3], outputs: 9, activation: 'relu', residual: true },
  { ...same, x: [2, 4, 3, 6], kernel: [5, 5], outputs: 16, ...linear },
  { ...same, x: [1, 9, 11, 4], kernel: [2, 3], stride: 3, padding: 'valid', outputs: 10, ...relu6 },
  { ...same, x: [2, 7, 8, 4], kernel: [1, 1], stride: 2, outputs: 8, ...linear },
  { ...depthwise, x: [2, 7, 9, 8], kernel: [3, 3], ...relu6 },
  { ...depthwise, x: [1, 8, 10, 6], kernel: [3, 3], stride: 2, ...relu6 },
  { ...depthwise, x: [2, 6, 23, 36], kernel: [5, 5], stride: 2, ...linear },
  { ...depthwise, x: [3, 9, 12, 12], kernel: [5, 5], ...linear },
  { ...depthwise, x: [3, 9, 12, 4], kernel: [3, 5], padding: 'valid', activation: 'relu', residual: true },
  { ...depthwise, x: [1, 9, 14, 7], kernel: [2, 3], stride: 3, padding: 'valid', ...linear, residual: true },
  { ...depthwise, x: [2, 5, 4, 3], kernel: [1, 1], stride: 2, ...linear },
  { ...depthwise, x: [1, 2, 2, 1], kernel: [5, 5], ...linear },
  { ...depthwise, x: [1, 6, 27, 9], kernel: [3, 3], ...relu6 },
  { ...depthwise, x: [1, 6, 29, 6], kernel: [5, 5], ...relu6 },
  // 32 channels are computed seven or eight pixels at a time.
  { ...depthwise, x: [1, 5, 21, 32], kernel: [3, 3], ...relu6 },
  { ...depthwise, x: [1, 6, 29, 32], kernel: [5, 5], stride: 2, ...relu6 },
  // Kernels that are not square, with stride 2: https://github.com/tensorflow/tfjs/issues/6629
  { ...depthwise, x: [1, 4, 2, 4], kernel: [1, 2], stride: 2, ...linear },
  { ...depthwise, x: [1, 4, 3, 4], kernel: [1, 3], stride: 2, ...linear },
  { ...depthwise, x: [1, 4, 2, 4], kernel: [2, 1], stride: 2, ...linear },
  { ...depthwise, x: [1, 4, 3, 1], kernel: [3, 1], stride: 2, ...linear },
  { ...same, x: [1, 4, 3, 2], kernel: [1, 3], stride: 2, outputs: 4, ...linear },
  // A stride that is larger than the picture: https://github.com/tensorflow/tfjs/issues/5907
  { ...same, x: [1, 3, 3, 2], kernel: [3, 3], stride: 5, outputs: 4, ...linear },
  { ...depthwise, x: [2, 3, 3, 4], kernel: [3, 3], stride: 5, ...linear },
];

for (const { x: shape, kernel, outputs, residual: hasResidual, ...options } of cases) {
  const kind = options.depthwise ? 'depthwise' : `${outputs} outputs`;
  const title = `${shape.join('x')} by ${kernel.join('x')}, stride ${options.stride}, ${options.padding}, ${kind}`;
  test(`fused convolution of ${title}${hasResidual ? ', with a residual' : ''}`, async () => {
    const channels = shape[3];
    const x = plain(shape, 1);
    const filter = plain([...kernel, channels, options.depthwise ? 1 : outputs], 2);
    const bias = numbers(options.depthwise ? channels : outputs, 3);
    const outShape = convolve(x, filter, bias, undefined, options).shape;
    const residual = hasResidual && plain(outShape, 4);
    const expected = convolve(x, filter, bias, residual, options);
    for (const machine of tested) {
      const result = await computeOnTested(machine, () => {
        if (!hasFusedConvolution()) return undefined;
        const packed = packFilter({ ...filter, depthwise: options.depthwise });
        const added = residual && tensorOf(residual);
        const given = { x: tensorOf(x), filter: packed, bias: tf.tensor(bias), residual: added };
        const y = fusedConvolution(given, { ...options, filterShape: filter.shape });
        return { shape: y.shape, values: y.dataSync() };
      });
      if (result) assert.deepEqual(result, expected, nameOf(machine));
      else assert.notEqual(machine.engine, 'wasm');
    }
  });
}

interface BlockCase {
  x: [batch: number, height: number, width: number, channels: number];
  /** Undefined: without an expansion. */
  expanded: number | undefined;
  kernel: number;
  stride: number;
  outputs: number;
  padding?: Padding;
  residual?: true;
}

const blockCases: BlockCase[] = [
  { x: [1, 5, 5, 4], expanded: undefined, kernel: 3, stride: 1, outputs: 6 },
  { x: [2, 7, 7, 8], expanded: 48, kernel: 5, stride: 1, outputs: 8, residual: true },
  { x: [3, 9, 10, 6], expanded: 37, kernel: 3, stride: 2, outputs: 9 },
  { x: [1, 40, 66, 3], expanded: 40, kernel: 5, stride: 1, outputs: 3, residual: true },
  { x: [2, 41, 67, 3], expanded: 33, kernel: 3, stride: 2, outputs: 12 },
  { x: [1, 32, 128, 2], expanded: 8, kernel: 1, stride: 3, outputs: 5 },
  { x: [1, 12, 9, 5], expanded: 16, kernel: 3, stride: 1, outputs: 4, padding: 'valid' },
  { x: [2, 14, 14, 6], expanded: 69, kernel: 5, stride: 1, outputs: 6, residual: true },
  { x: [1, 17, 17, 4], expanded: 64, kernel: 3, stride: 2, outputs: 12 },
  { x: [1, 1, 1, 3], expanded: 9, kernel: 5, stride: 2, outputs: 2 },
];

/** Tensors of a block and its formula's result. */
function blockOf({ x: shape, expanded, kernel, stride, outputs, padding = 'same', residual }: BlockCase) {
  const options = { stride, padding, activation: 'relu6' as const };
  const channels = expanded ?? shape[3];
  const x = plain(shape, 1);
  const expand = { filter: plain([1, 1, shape[3], channels], 2), bias: numbers(channels, 3) };
  const middle = { filter: plain([kernel, kernel, channels, 1], 4), bias: numbers(channels, 5) };
  const project = { filter: plain([1, 1, channels, outputs], 6), bias: numbers(outputs, 7) };
  const one = { stride: 1, padding: 'same' as const, depthwise: false };
  const wide =
    expanded === undefined
      ? x
      : convolve(x, expand.filter, expand.bias, undefined, { ...one, activation: 'relu6' });
  const maps = convolve(wide, middle.filter, middle.bias, undefined, { ...options, depthwise: true });
  const added = residual && x;
  const y = convolve(maps, project.filter, project.bias, added, { ...one, activation: 'linear' });
  return { x, expand: expanded === undefined ? undefined : expand, middle, project, options, y };
}

function runBlock(block: ReturnType<typeof blockOf>, x: tf.Tensor, residual: boolean): tf.Tensor {
  const pack = ({ filter, bias }: typeof block.middle, isDepthwise: boolean) => ({
    filter: packFilter({ ...filter, depthwise: isDepthwise }),
    bias: tf.tensor(bias),
  });
  const parts = {
    expand: block.expand && pack(block.expand, false),
    depthwise: pack(block.middle, true),
    project: pack(block.project, false),
  };
  return invertedResidual(x, parts, { ...block.options, filterShape: block.middle.filter.shape, residual });
}

for (const one of blockCases) {
  const { x, expanded, kernel, stride } = one;
  test(`inverted residual block of ${x.join('x')}, ${expanded} channels, kernel ${kernel}, stride ${stride}`, async () => {
    const block = blockOf(one);
    for (const machine of tested) {
      const result = await computeOnTested(machine, () => {
        if (!hasInvertedResidual()) return undefined;
        const y = runBlock(block, tensorOf(block.x), one.residual ?? false);
        return { shape: y.shape, values: y.dataSync() };
      });
      if (result) assert.deepEqual(result, block.y, nameOf(machine));
      else assert.notEqual(machine.engine, 'wasm');
    }
  });
}

test('neither the batch nor threads change the bits of a block', async () => {
  const values = (size: number, seed: number) =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * seed));
  const block = blockOf({ x: [1, 23, 61, 5], expanded: 72, kernel: 5, stride: 2, outputs: 11 });
  for (const part of [block.expand, block.middle, block.project])
    part?.filter.values.set(values(part.filter.values.length, 2.7));
  const one = 23 * 61 * 5;
  const picture = values(one, 1.3);
  const pictures = Float32Array.from([...values(one, 0.7), ...values(one, 1.1), ...picture]);
  for (const relaxed of [false, true]) {
    let first: Float32Array | undefined;
    for (const threads of [1, 2, 3]) {
      const [alone, last] = await computeOnTested({ engine: 'wasm', threads, relaxed }, () => {
        const y = runBlock(block, tf.tensor(picture, [1, 23, 61, 5]), false).dataSync() as Float32Array;
        const all = runBlock(block, tf.tensor(pictures, [3, 23, 61, 5]), false).dataSync() as Float32Array;
        return [y, all.slice(2 * y.length)] as const;
      });
      first ??= alone;
      assert.deepEqual(alone, first, `${threads} threads`);
      assert.deepEqual(last, first, `${threads} threads, the last of three pictures`);
    }
  }
});

test('workers that join in change no bit of a block', async () => {
  const block = blockOf({
    x: [2, 23, 31, 5],
    expanded: 72,
    kernel: 3,
    stride: 1,
    outputs: 5,
    residual: true,
  });
  const compute = async () => {
    const x = tf.tensor(block.x.values, block.x.shape);
    const first = runBlock(block, x, true).dataSync();
    // Workers start after some tens of jobs, and take a moment.
    for (let i = 0; i < 200; i++) {
      tf.tidy(() => assert.deepEqual(runBlock(block, x, true).dataSync(), first));
      if (i % 50 === 49) await setTimeout(100);
    }
    return first;
  };
  const one = await computeOnTested({ engine: 'wasm', threads: 1, relaxed: true }, compute);
  const four = await computeOnTested({ engine: 'wasm', threads: 4, relaxed: true }, compute);
  assert.deepEqual(four, one);
});

test('what is not a number stays in its window', async () => {
  const filter = new Float32Array(9).fill(1);
  for (const relaxed of [false, true]) {
    const y = await computeOnTested({ engine: 'wasm', threads: 1, relaxed }, () => {
      const x = tf.buffer([1, 8, 8, 1]);
      x.set(Number.NaN, 0, 2, 2, 0);
      const packed = packFilter({ values: filter, shape: [3, 3, 1, 1], depthwise: true });
      const given = { x: x.toTensor(), filter: packed, bias: tf.zeros([1]) };
      const attributes = {
        stride: 1,
        padding: 'same' as const,
        filterShape: [3, 3, 1, 1],
        depthwise: true,
        ...relu6,
      };
      return [...fusedConvolution(given, attributes).dataSync()];
    });
    const rows = y.flatMap((value, index) => (Number.isNaN(value) ? [[index >> 3, index & 7]] : []));
    assert.deepEqual(
      rows,
      [1, 2, 3].flatMap((row) => [1, 2, 3].map((column) => [row, column])),
    );
  }
});

test('relu6 limits infinite numbers and keeps what is not a number', async () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 7, -1, 6, 0, 3];
  const limited = [Number.NaN, 6, 0, 6, 0, 6, 0, 3];
  for (const machine of wasmMachines) {
    const results = await computeOnTested(machine, () =>
      [true, false].map((isDepthwise) => {
        const filterShape = isDepthwise ? [1, 1, 8, 1] : [1, 1, 1, 8];
        const filter = packFilter({
          values: Float32Array.from(isDepthwise ? Array(8).fill(1) : values),
          shape: filterShape,
          depthwise: isDepthwise,
        });
        const x = isDepthwise ? tf.tensor(values, [1, 1, 1, 8]) : tf.ones([1, 1, 1, 1]);
        const attributes = {
          stride: 1,
          padding: 'same' as const,
          filterShape,
          depthwise: isDepthwise,
          ...relu6,
        };
        return [...fusedConvolution({ x, filter, bias: tf.zeros([8]) }, attributes).dataSync()];
      }),
    );
    assert.deepEqual(results, [limited, limited], nameOf(machine));
  }
});

test('memory is given back', async () => {
  for (const relaxed of [false, true]) {
    const used = await computeOnTested({ engine: 'wasm', threads: 2, relaxed }, () => {
      const block = blockOf({ x: [2, 31, 33, 8], expanded: 48, kernel: 5, stride: 1, outputs: 8 });
      const { memory } = (tf.backend() as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } }).wasm
        .asm;
      const sizes = Array.from({ length: 60 }, () => {
        tf.tidy(() => runBlock(block, tensorOf(block.x), false).dataSync());
        return [tf.memory().numTensors, tf.memory().numDataBuffers, memory.buffer.byteLength];
      });
      return [sizes[5], sizes.at(-1)];
    });
    assert.deepEqual(used[1], used[0]);
  }
});

/** The outputs and gradients of a convolution, and of one that is max-pooled. */
function convolutionStep() {
  const values = Float32Array.from({ length: 640 }, (_, i) => Math.sin(i * 1.7));
  const x = tf.tensor4d(values, [1, 8, 10, 8]);
  const filter = tf.tensor4d(values.slice(0, 576), [3, 3, 8, 8]);
  const dense = (y: tf.Tensor4D) => y;
  const pooled = (y: tf.Tensor4D) => tf.maxPool(y, 3, 2, 'same');
  const results = [dense, pooled].flatMap((pool) => {
    const { value, grads } = tf.valueAndGrads((...[a, b]: tf.Tensor[]) => {
      const options = { stride: 1, padding: 'same' } as const;
      const y = trainableConvolution('FusedConv2D', a as tf.Tensor, b as tf.Tensor, undefined, options);
      return pool(y as tf.Tensor4D);
    })([x, filter]);
    return [value, ...grads].map((one) => one.dataSync());
  });
  return { results, engine: runningEngine()?.description };
}

test('training has the same bits with and without relaxed SIMD where the precision is strict', async () => {
  const { validate } = WebAssembly;
  const strict = [];
  for (const relaxed of [false, true]) {
    if (!relaxed) WebAssembly.validate = () => false;
    const engine = await startEngine('wasm', { threads: 2, precision: 'strict' });
    strict.push(convolutionStep());
    await engine.dispose();
    WebAssembly.validate = validate;
  }
  assert.match(strict[0]?.engine as string, /with SIMD, strict/);
  assert.deepEqual(strict[1], strict[0]);
  const fused = await computeOnTested({ engine: 'wasm', threads: 2, relaxed: true }, convolutionStep);
  const alone = await computeOnTested({ engine: 'wasm', threads: 1, relaxed: true }, convolutionStep);
  assert.deepEqual(alone.results, fused.results);
  assert.notDeepEqual(fused.results, strict[0]?.results);
});
