import { tf } from '../../../tensors/tf.ts';
import { type Attributes, execute, type NodeBackend, type OutputMetadata } from '../../native/backend.ts';
import type { Inputs, OwnKernel } from '../../native/kernel.ts';
import {
  composedForward,
  composedGradients,
  type NormConvGradOptions,
  type NormConvInputs,
  type NormConvOptions,
  normConvActivations,
  normConvGradKernel,
  normConvKernel,
} from './operation.ts';

/** Our products are faster than TensorFlow's convolutions of larger kernels only where these have few products to add. */
const maxTaps = 64;

/** Whether native.cc computes it, rather than TensorFlow's own operations. */
function isOurs(filter: tf.TensorInfo, { isDepthwise, stride }: NormConvOptions, hasDx: boolean): boolean {
  const [height, width, inputs = 1] = filter.shape as [number, number, number?];
  if (height !== width) return false;
  if (isDepthwise)
    return filter.shape[3] === 1 && (height === 3 || height === 5) && (stride === 1 || stride === 2);
  return (height === 1 && stride === 1) || (height * width * inputs <= maxTaps && !hasDx);
}

function attributesOf(
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  options: NormConvOptions,
  hasDx: boolean,
): Attributes {
  const { stride, padding, activation, isDepthwise, epsilon } = options;
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    stride,
    1,
    padding,
    undefined,
    isDepthwise,
  );
  const { filterHeight, padInfo, outHeight, outWidth } = info;
  const sizes = [filterHeight, stride, padInfo.top, padInfo.left, outHeight, outWidth];
  const numbered = normConvActivations.indexOf(activation);
  return { options: [Number(isDepthwise), ...sizes, numbered, Number(hasDx)], epsilon: { float: epsilon } };
}

const inputNames = ['x', 'filter', 'scale', 'offset', 'mean', 'variance'];

function run(
  backend: NodeBackend,
  operation: string,
  {
    inputs,
    more,
    options,
    hasDx,
    outputs,
  }: {
    inputs: Inputs;
    /** Names of further inputs. */
    more: string[];
    options: NormConvOptions;
    hasDx: boolean;
    outputs: number;
  },
): tf.Tensor[] {
  const tensors = [...inputNames, ...more].map((name) => inputs[name] as tf.TensorInfo);
  const [x, filter] = tensors as [tf.TensorInfo, tf.TensorInfo];
  const attributes = attributesOf(x, filter, options, hasDx);
  const made = execute(backend, operation, attributes, backend.getInputTensorIds(tensors), outputs);
  return made.map((output: OutputMetadata) => backend.createOutputTensor(output));
}

export const normConv: OwnKernel = {
  name: normConvKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const options = attributes as unknown as NormConvOptions;
    if (!isOurs(inputs.filter as tf.TensorInfo, options, false))
      return composedForward(inputs as unknown as NormConvInputs, options);
    return run(backend, 'BatSupNormConv', { inputs, more: [], options, hasDx: false, outputs: 1 })[0];
  },
};

export const normConvGradient: OwnKernel = {
  name: normConvGradKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { hasDx, ...options } = attributes as unknown as NormConvGradOptions;
    if (isOurs(inputs.filter as tf.TensorInfo, options, hasDx))
      return run(backend, 'BatSupNormConvGrad', { inputs, more: ['y', 'dy'], options, hasDx, outputs: 4 });
    const all = inputs as unknown as NormConvInputs & Record<'y' | 'dy', tf.Tensor>;
    const { x, filter, scale, offset } = composedGradients(all, { ...options, hasDx });
    return [x ?? tf.zeros([0]), filter, scale, offset];
  },
};
