import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { formats, type Network } from '../../src/formats/index.ts';
import { inDepthOrder } from '../../src/formats/keras_model/depth_order.ts';
import {
  conv,
  flatten,
  fullyConnected,
  globalAveragePool,
  type Layer,
  NetworkPlan,
  Scope,
  type TrainingPass,
  type Value,
} from '../../src/layers/index.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { sizeOf } from '../../src/tensors/shape.ts';
import { temporaryFolder } from './folder.ts';
import { withoutNative } from './native.ts';
import { compare, logitsOf, networkOf, picturesFor } from './network.ts';
import { outside } from './network_cases.ts';

/** A tensor in plain JavaScript, float64. */
export interface PlainTensor {
  /** With the batch. */
  shape: number[];
  values: number[];
}

export interface LayerCase<A extends object> {
  name: string;
  /** Shapes of what it reads, without the batch: [height, width, channels] or [features]. */
  inputs: number[][];
  attributes: A;
  /** Without the batch. */
  outputShape: number[];
  /** The same in plain JavaScript, from the formula: the right values, and by finite differences the right gradients. */
  reference(inputs: PlainTensor[], variables: Record<string, PlainTensor>): number[];
  /** The largest value of its inputs; default 1. */
  scale?: number;
  /** In training mode. */
  training?: TrainingPass;
  /** Its variables have no gradients in this mode. */
  isFrozen?: true;
  /** Formats that cannot hold it, which have to refuse it. */
  refusedBy?: string[];
  /** Formats that leave it out, because it does nothing in inference. */
  isLeftOutBy?: string[];
}

const batch = 2;

/** Numbers between -1 and 1 that look random and are the same each time; no two alike, none near 0. */
export function noise(size: number, seed = 1): number[] {
  return Array.from({ length: size }, (_, index) => {
    const value = Math.sin((index + 1) * 12.9898 * seed + index * index);
    return Math.sign(value) * (0.05 + 0.95 * Math.abs(value));
  });
}

const plain = (shape: number[], values: number[]): PlainTensor => ({ shape, values });

/** Inputs and variables of a case, always the same. */
function numbersFor<A extends object>(layer: Layer<A>, { inputs, attributes, scale = 1 }: LayerCase<A>) {
  const given = inputs.map((shape, index) => {
    const whole = [batch, ...shape];
    return plain(
      whole,
      noise(sizeOf(whole), index + 1).map((value) => scale * value),
    );
  });
  const { variables = [], state = [] } = layer.plan(inputs, attributes, (reason) => assert.fail(reason));
  const named = [...variables, ...state].map(({ name, shape }, index): [string, PlainTensor] => {
    const values = noise(sizeOf(shape), index + 7);
    return [name, plain(shape, name === 'variance' ? values.map((value) => 1 + value / 2) : values)];
  });
  return {
    given,
    trainable: variables.map(({ name }) => name),
    variables: Object.fromEntries(named),
  };
}

interface Computed {
  shape: number[];
  output: number[];
  /** Of sum(output * weighting), by the inputs and by the trainable variables. */
  gradients: { inputs: number[][]; variables: Record<string, number[]> };
}

const weightingFor = (size: number) => noise(size, 3).map((value) => Math.abs(value));

/** What the engine that runs makes of a case. */
function compute<A extends object>(layer: Layer<A>, one: LayerCase<A>): Computed {
  const { given, trainable, variables } = numbersFor(layer, one);
  const tensor = ({ shape, values }: PlainTensor) => tf.tensor(values, shape, 'float32');
  const restored = Object.entries(variables).map(([name, { values }]): [string, Float32Array] => [
    `tested/${name}`,
    Float32Array.from(values),
  ]);
  return tf.tidy(() => {
    const scope = new Scope(1, new Map(restored));
    const inputs = given.map(tensor);
    const run = (read: tf.Tensor[]) => {
      scope.begin(undefined, one.training);
      return scope.apply(layer, read, one.attributes, 'tested');
    };
    const output = run(inputs);
    const weighting = tf.tensor(weightingFor(output.size), output.shape);
    const own = one.isFrozen
      ? []
      : trainable.map((name) => scope.variables.get(`tested/${name}`) as tf.Variable);
    const { grads } = tf.engine().gradients(() => run(inputs), [...inputs, ...own], weighting);
    const valuesOf = (of: tf.Tensor | undefined) => [...((of as tf.Tensor).dataSync() as Float32Array)];
    const byVariables = own.map((_, index): [string, number[]] => [
      trainable[index] as string,
      valuesOf(grads[inputs.length + index]),
    ]);
    const computed = {
      shape: output.shape,
      output: valuesOf(output),
      gradients: {
        inputs: grads.slice(0, inputs.length).map(valuesOf),
        variables: Object.fromEntries(byVariables),
      },
    };
    scope.dispose();
    return computed;
  });
}

/** The same in float64; gradients by central differences. */
function computePlainly<A extends object>(layer: Layer<A>, one: LayerCase<A>): Omit<Computed, 'shape'> {
  const { given, trainable, variables } = numbersFor(layer, one);
  const output = one.reference(given, variables);
  const weighting = weightingFor(output.length);
  const loss = () =>
    one
      .reference(given, variables)
      .reduce((sum, value, index) => sum + value * (weighting[index] as number), 0);
  const differences = ({ values }: PlainTensor) =>
    values.map((value, index) => {
      const distance = 1e-5;
      values[index] = value + distance;
      const above = loss();
      values[index] = value - distance;
      const below = loss();
      values[index] = value;
      return (above - below) / (2 * distance);
    });
  return {
    output,
    gradients: {
      inputs: given.map(differences),
      variables: Object.fromEntries(
        (one.isFrozen ? [] : trainable).map((name) => [name, differences(variables[name] as PlainTensor)]),
      ),
    },
  };
}

function assertClose(actual: number[], expected: number[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  const scale = Math.max(1, ...expected.map(Math.abs));
  for (const [index, value] of expected.entries()) {
    const difference = Math.abs((actual[index] as number) - value);
    assert.ok(difference <= 2e-5 * scale, `${what}, element ${index}: ${actual[index]} instead of ${value}`);
  }
}

const engines: [name: EngineName, threads: number][] = [
  ['cpu', 1],
  ['wasm', 1],
  ['wasm', 2],
  ['native', 2],
];

const importable = ['keras', 'onnx', 'safetensors', 'tfjs', 'tf-checkpoint', 'saved-model'];

const isOfPixel = (shape: number[]) => shape.length === 3 && shape[0] === 1 && shape[1] === 1;

/** A network in which the layer stands between a convolution and the logits. */
function networkWith<A extends object>(layer: Layer<A>, { inputs, attributes }: LayerCase<A>): Network {
  const plan = new NetworkPlan();
  const isOfMaps = (shape: number[]) => shape.length === 3;
  const maps = inputs.find((shape) => isOfMaps(shape) && !isOfPixel(shape)) ?? inputs.find(isOfMaps);
  const [height = 4, width = 5] = maps ?? [];
  const pictures: Value = { shape: [-1, height, width, 3] };
  const convolution = { kernel: 1, stride: 1, padding: 'same' as const, biases: true };
  const convolve = (outputChannels: number) =>
    plan.apply(conv, [pictures], { ...convolution, outputChannels });
  const flattened = !maps && plan.apply(flatten, [convolve(3)], {});
  const readFor = (shape: number[]) => {
    const channels = shape.at(-1) as number;
    if (flattened) return plan.apply(fullyConnected, [flattened], { outputs: channels });
    const convolved = convolve(channels);
    if (isOfMaps(shape) && String(shape) === String(convolved.shape.slice(1))) return convolved;
    if (isOfMaps(shape)) return plan.apply(globalAveragePool, [convolved], { keepDimensions: true });
    return plan.apply(fullyConnected, [plan.apply(globalAveragePool, [convolved], {})], {
      outputs: channels,
    });
  };
  const read = inputs.map(readFor);
  let output = plan.apply(layer, read, attributes);
  // ONNX's reader makes features at once of means that are only flattened.
  if (isOfPixel(output.shape.slice(1)))
    output = plan.apply(conv, [output], { ...convolution, outputChannels: 4 });
  if (output.shape.length === 4) output = plan.apply(flatten, [output], {});
  plan.apply(fullyConnected, [output], { outputs: 3 });
  const description: ModelDescription = {
    architecture: 'layers',
    width,
    height,
    channels: 3,
    classes: ['bat', 'cat', 'owl'],
    layers: plan.layers,
  };
  return networkOf(description);
}

/**
 * Tests everything of a layer: shapes; values and gradients against plain JavaScript, on every engine; determinism, also
 * with more threads; that every format which is read as well as written gives it back.
 */
export function testLayer<A extends object>(layer: Layer<A>, cases: LayerCase<A>[]): void {
  const computed = new Map<string, Computed>();

  for (const [engine, threads] of engines) {
    const skip = engine === 'native' && withoutNative();
    test(`${layer.kind} computes and differentiates right on ${engine}, ${threads} threads`, {
      skip,
    }, async () => {
      const running = await startEngine(engine, { threads });
      for (const one of cases) {
        const mine = compute(layer, one);
        const right = computePlainly(layer, one);
        assert.deepEqual(mine.shape, [batch, ...one.outputShape], one.name);
        assertClose(mine.output, right.output, `${one.name}: output`);
        for (const [index, gradient] of right.gradients.inputs.entries())
          assertClose(
            mine.gradients.inputs[index] ?? [],
            gradient,
            `${one.name}: gradient of input ${index + 1}`,
          );
        for (const [name, gradient] of Object.entries(right.gradients.variables))
          assertClose(mine.gradients.variables[name] ?? [], gradient, `${one.name}: gradient of ${name}`);
        assert.deepEqual(compute(layer, one), mine, `${one.name}: the same each time`);
        const before = computed.get(`${engine} ${one.name}`);
        if (before) assert.deepEqual(mine, before, `${one.name}: the same with more threads`);
        computed.set(`${engine} ${one.name}`, mine);
      }
      await running.dispose();
    });
  }

  for (const name of importable)
    test(`${layer.kind} comes back from ${name}`, async () => {
      const running = await startEngine('wasm', { threads: 1 });
      const format = formats[name] as (typeof formats)[string];
      for (const one of cases) {
        const network = networkWith(layer, one);
        const target = join(temporaryFolder(), format.output);
        const exported = exportNetwork(network, format, target, {
          ...outside,
          preprocessing: format.preprocessing ? 'outside' : 'inside',
        });
        if (one.refusedBy?.includes(name)) {
          await assert.rejects(exported, /cannot/, one.name);
          continue;
        }
        await exported;
        const { network: back } = await importNetwork(target, { format: name });
        const told = ({ layers }: Network) =>
          inDepthOrder(layers).map(({ kind, attributes }) => [kind, attributes]);
        const kept = told(network).filter(
          ([kind]) => kind !== layer.kind || !one.isLeftOutBy?.includes(name),
        );
        assert.deepEqual(told(back), kept, one.name);
        const pictures = picturesFor(network.model, 2);
        const { difference, spread } = compare(logitsOf(network, pictures), logitsOf(back, pictures));
        assert.ok(difference <= 1e-6 * spread, `${one.name}: ${difference}`);
      }
      await running.dispose();
    });
}
