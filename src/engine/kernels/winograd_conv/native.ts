import { tf } from '../../../tensors/tf.ts';
import { executeOnTensors, type NodeBackend } from '../../native/backend.ts';
import { hasOwnOperations } from '../../native/own_operations.ts';
import { usesMixedPrecision } from '../../native/product.ts';

/** 3 x 3 convolutions with fewer multiplications (native.cc); undefined where TensorFlow's own is as fast. */

interface Shapes {
  inputShape: number[];
  filterShape: number[];
  attributes: tf.NamedAttrMap;
}

/** kPadding of native/vectors.h. */
const lanes = 16;
/** Products for each number of a transform: below, the transforms take as long as they save. */
const minChannels = 32;

/** Sizes and padding; undefined where the operations do not compute this convolution. */
function infoOf({ inputShape, filterShape, attributes }: Shapes, backend: NodeBackend) {
  if (!hasOwnOperations(backend) || usesMixedPrecision(backend)) return undefined;
  const [height, width, inputs = 0, outputs = 0] = filterShape;
  const { strides, pad } = attributes as { strides: number | [number, number]; pad: 'same' | 'valid' };
  const isDense = [strides].flat().every((stride) => stride === 1);
  if (height !== 3 || width !== 3 || !isDense) return undefined;
  if (inputs % lanes !== 0 || outputs % lanes !== 0 || Math.min(inputs, outputs) < minChannels)
    return undefined;
  const shape = inputShape as [number, number, number, number];
  return tf.backend_util.computeConv2DInfo(shape, [3, 3, inputs, outputs], 1, 1, pad);
}

export function winogradConvolution(
  backend: NodeBackend,
  { x, filter }: Record<'x' | 'filter', tf.TensorInfo>,
  attributes: tf.NamedAttrMap,
): tf.Tensor | undefined {
  const info = infoOf({ inputShape: x.shape, filterShape: filter.shape, attributes }, backend);
  if (!info) return undefined;
  const padding = [info.padInfo.top, info.padInfo.left, info.outHeight, info.outWidth];
  return executeOnTensors(backend, 'BatSupWinogradConv', { padding }, [x, filter]);
}

export function winogradInputGradient(
  backend: NodeBackend,
  { dy, filter }: Record<'dy' | 'filter', tf.TensorInfo>,
  attributes: tf.NamedAttrMap,
): tf.Tensor | undefined {
  const inputShape = attributes.inputShape as number[];
  const info = infoOf({ inputShape, filterShape: filter.shape, attributes }, backend);
  if (!info) return undefined;
  const padding = [info.padInfo.top, info.padInfo.left, info.inHeight, info.inWidth];
  return executeOnTensors(backend, 'BatSupWinogradConvInputGrad', { padding }, [dy, filter]);
}

export function winogradFilterGradient(
  backend: NodeBackend,
  { x, dy }: Record<'x' | 'dy', tf.TensorInfo>,
  attributes: tf.NamedAttrMap,
): tf.Tensor | undefined {
  const filterShape = attributes.filterShape as number[];
  const info = infoOf({ inputShape: x.shape, filterShape, attributes }, backend);
  if (!info) return undefined;
  const padding = [info.padInfo.top, info.padInfo.left, info.outHeight, info.outWidth];
  return executeOnTensors(backend, 'BatSupWinogradConvFilterGrad', { padding }, [x, dy]);
}
