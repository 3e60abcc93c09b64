import { tf } from '../../../tensors/tf.ts';
import {
  type Attributes,
  execute,
  float32,
  type NodeBackend,
  type OutputMetadata,
} from '../../native/backend.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { type BatchNormAttributes, batchNormGradKernel, batchNormKernel } from './operation.ts';

/**
 * TensorFlow's FusedBatchNormV3, where our own operations (native.ts) are missing. On the CPU its reserved outputs are the
 * batch's mean and biased variance, which its gradient takes. cuDNN's differ, so on a GPU operation.ts composes batch
 * normalisation of other operations.
 */

function attributesOf(attributes: tf.NamedAttrMap): Attributes {
  const { epsilon } = attributes as unknown as BatchNormAttributes;
  return { T: float32, U: float32, epsilon: { float: epsilon }, data_format: 'NHWC', is_training: true };
}

/**
 * The ids of tensors as feature maps, which FusedBatchNormV3 takes: a row of features becomes a map of one pixel.
 * @param use gets them, and may not keep them.
 */
function withMaps<T>(backend: NodeBackend, tensors: tf.TensorInfo[], use: (ids: number[]) => T): T {
  const maps = tensors.map((x) =>
    x.shape.length === 4
      ? x
      : tf.reshape(x as tf.Tensor, [x.shape[0] as number, 1, 1, x.shape.at(-1) as number]),
  );
  const result = use(backend.getInputTensorIds(maps));
  for (const [index, map] of maps.entries()) if (map !== tensors[index]) (map as tf.Tensor).dispose();
  return result;
}

/** Maps in another shape; they themselves are released, which would live until the whole pass is over. */
function reshaped(maps: tf.Tensor, shape: number[]): tf.Tensor {
  if (shape.length === 4) return maps;
  const output = tf.reshape(maps, shape);
  maps.dispose();
  return output;
}

/** The outputs at the indices `wanted`, in this order, as tensors; the others are released. */
function take(backend: NodeBackend, outputs: OutputMetadata[], wanted: number[]): tf.Tensor[] {
  for (const [index, { id }] of outputs.entries())
    if (!wanted.includes(index)) backend.binding.deleteTensor(id);
  return wanted.map((index) => backend.createOutputTensor(outputs[index] as OutputMetadata));
}

function emptyTensor({ binding }: NodeBackend): number {
  return binding.createTensor([0], binding.TF_FLOAT as number, new Float32Array(0));
}

export const batchNormPlain: OwnKernel = {
  name: batchNormKernel,
  needs: 'cpu',
  run(backend, inputs, attributes) {
    const { x, scale, offset } = inputs as Record<'x' | 'scale' | 'offset', tf.TensorInfo>;
    const none = emptyTensor(backend);
    const others = backend.getInputTensorIds([scale, offset]);
    const outputs = withMaps(backend, [x], (maps) => {
      const ids = [...maps, ...others, none, none];
      return execute(backend, 'FusedBatchNormV3', attributesOf(attributes), ids, 6);
    });
    backend.binding.deleteTensor(none);
    const [y, mean, variance] = take(backend, outputs, [0, 3, 4]) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return [reshaped(y, x.shape), mean, variance];
  },
};

export const batchNormGradientPlain: OwnKernel = {
  name: batchNormGradKernel,
  needs: 'cpu',
  run(backend, inputs, attributes) {
    const { dy, x, scale, mean, variance } = inputs as Record<
      'dy' | 'x' | 'scale' | 'mean' | 'variance',
      tf.TensorInfo
    >;
    const none = emptyTensor(backend);
    const rest = backend.getInputTensorIds([scale, mean, variance]);
    const outputs = withMaps(backend, [dy, x], (maps) => {
      const ids = [...maps, ...rest, none];
      return execute(backend, 'FusedBatchNormGradV3', attributesOf(attributes), ids, 5);
    });
    backend.binding.deleteTensor(none);
    const [dx, ...others] = take(backend, outputs, [0, 1, 2]) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return [reshaped(dx, x.shape), ...others];
  },
};
