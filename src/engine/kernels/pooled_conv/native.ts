import { tf } from '../../../tensors/tf.ts';
import { executeOnTensors, type NodeBackend } from '../../native/backend.ts';
import { partsOf } from '../../native/fusion.ts';
import { usesMixedPrecision } from '../../native/product.ts';

/**
 * The gradients of a convolution whose output was max-pooled, from the maxima alone (native.cc). Undefined where dy comes
 * from anything else, or where the windows lie so close that there are nearly as many maxima as pixels.
 */

/** From this share of pixels on, TensorFlow's convolution with all of dy is as fast. */
const maxShare = 0.5;

interface Convolution {
  inputShape: number[];
  filterShape: number[];
  attributes: tf.NamedAttrMap;
}

function pooledParts(backend: NodeBackend, dy: tf.TensorInfo) {
  const parts = partsOf(dy, 'maxPoolGrad');
  if (!parts || usesMixedPrecision(backend)) return undefined;
  const [, pooledHeight = 0, pooledWidth = 0] = parts.dy.shape;
  const [, height = 0, width = 0] = dy.shape;
  return pooledHeight * pooledWidth <= maxShare * height * width ? parts : undefined;
}

/** The struct Sizes of native.cc. @param window of the max-pooling, as max_pool/native.ts gives it. */
function sizesOf({ inputShape, filterShape, attributes }: Convolution, window: number[]): number[] {
  const { strides, pad } = attributes as { strides: [number, number]; pad: 'same' | 'valid' };
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    1,
    pad,
  );
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  const ofPicture = [info.outHeight, info.outWidth, info.inHeight, info.inWidth, padInfo.top, padInfo.left];
  return [filterHeight, filterWidth, strideHeight, strideWidth, ...window.slice(0, 6), ...ofPicture];
}

export function pooledFilterGradient(
  backend: NodeBackend,
  { x, dy }: Record<'x' | 'dy', tf.TensorInfo>,
  attributes: tf.NamedAttrMap,
): tf.Tensor | undefined {
  const pooled = pooledParts(backend, dy);
  if (!pooled) return undefined;
  const convolution = { inputShape: x.shape, filterShape: attributes.filterShape as number[], attributes };
  const sizes = sizesOf(convolution, pooled.window);
  const inputs = [x, pooled.dy, pooled.indices];
  return executeOnTensors(backend, 'BatSupPooledConvFilterGrad', { sizes }, inputs);
}

export function pooledInputGradient(
  backend: NodeBackend,
  { dy, filter }: Record<'dy' | 'filter', tf.TensorInfo>,
  attributes: tf.NamedAttrMap,
): tf.Tensor | undefined {
  const pooled = pooledParts(backend, dy);
  if (!pooled) return undefined;
  const convolution = {
    inputShape: attributes.inputShape as number[],
    filterShape: filter.shape,
    attributes,
  };
  const sizes = sizesOf(convolution, pooled.window);
  const inputs = [pooled.dy, pooled.indices, filter];
  return executeOnTensors(backend, 'BatSupPooledConvInputGrad', { sizes }, inputs);
}
