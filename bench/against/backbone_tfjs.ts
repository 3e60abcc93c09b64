/**
 * A network on TensorFlow.js's own WebAssembly backend, as its users can have it: batch normalisation folded into
 * the weights, bias and activation fused with the convolutions. In a process without an engine of ours.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as TensorFlow from '@tensorflow/tfjs-core';
import type { Constant, Step } from '../../src/inference/fold.ts';
import type { BackbonePictures } from '../inputs/backbone_pictures.ts';

type Variables = Record<string, TensorFlow.Tensor>;

export async function startTfjs(
  steps: Step[],
  { shape, values }: BackbonePictures,
  threads: number,
): Promise<() => Promise<Float32Array>> {
  const require = createRequire(import.meta.url);
  const tf: typeof TensorFlow = require('@tensorflow/tfjs-core');
  const { setThreadsCount, setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  setThreadsCount(threads);
  tf.enableProdMode();
  await tf.setBackend('wasm');
  const upload = ({ values, shape }: Constant) => tf.tensor(values, shape);
  const variables = steps.map((step) =>
    Object.fromEntries(Object.entries(step.variables).map(([name, one]) => [name, upload(one)])),
  );
  return async () => {
    const logits = tf.tidy(() => {
      const outputs = new Map<string | undefined, TensorFlow.Tensor>([[undefined, tf.tensor(values, shape)]]);
      let output: TensorFlow.Tensor | undefined;
      for (const [index, step] of steps.entries()) {
        output = compute(tf, step, variables[index] as Variables, outputs);
        outputs.set(step.name, output);
      }
      return output as TensorFlow.Tensor;
    });
    const result = (await logits.data()) as Float32Array;
    logits.dispose();
    return result;
  };
}

function compute(
  tf: typeof TensorFlow,
  { kind, inputs, residual, activation, attributes }: Step,
  { weights, biases }: Variables,
  outputs: Map<string | undefined, TensorFlow.Tensor>,
): TensorFlow.Tensor {
  const x = outputs.get(inputs[0]) as TensorFlow.Tensor4D;
  const convolution = {
    x,
    filter: weights as TensorFlow.Tensor4D,
    bias: biases as TensorFlow.Tensor1D,
    strides: attributes.stride as number,
    pad: attributes.padding as 'same',
    activation: (activation?.function ?? 'linear') as 'relu6',
  };
  switch (kind) {
    case 'conv': {
      const output = tf.fused.conv2d(convolution);
      return residual ? tf.add(output, outputs.get(residual) as TensorFlow.Tensor) : output;
    }
    case 'depthwiseConv':
      return tf.fused.depthwiseConv2d(convolution);
    case 'globalAveragePool':
      return tf.mean(x, [1, 2]);
    case 'fullyConnected':
      return tf.fused.matMul({
        a: x as TensorFlow.Tensor,
        b: weights as TensorFlow.Tensor,
        bias: biases as TensorFlow.Tensor,
      });
    default:
      throw new Error(`Steps of the kind ${kind} are not written here.`);
  }
}
