import type { tf } from '../../../tensors/tf.ts';
import { execute, firstId, type NodeBackend } from '../../native/backend.ts';
import { type BatchNormParts, defer, keepWith, partsOf, remember } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import {
  type BatchNormAttributes,
  batchNormGradKernel,
  batchNormKernel,
  followBatchKernel,
} from './operation.ts';

/** Batch normalisation with operations of our own, fused with what surrounds it (native.cc, native/fusion.ts). */

function normalised(backend: NodeBackend, shape: number[], parts: BatchNormParts): tf.Tensor {
  const { x, coefficients, other, relu } = parts;
  const inputs = other ? [x, coefficients, other] : [x, coefficients];
  return defer(backend, shape, 'batchNorm', parts, () => {
    const attributes = { N: other ? 1 : 0, relu };
    return firstId(execute(backend, 'BatSupBatchNorm', attributes, backend.getInputTensorIds(inputs)));
  });
}

export const batchNorm: OwnKernel = {
  name: batchNormKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { x, scale, offset } = inputs as Record<'x' | 'scale' | 'offset', tf.TensorInfo>;
    const { epsilon } = attributes as unknown as BatchNormAttributes;
    const ids = backend.getInputTensorIds([x, scale, offset]);
    const outputs = execute(backend, 'BatSupBatchNormStatistics', { epsilon: { float: epsilon } }, ids, 3);
    const [mean, variance, coefficients] = outputs.map((output) => backend.createOutputTensor(output)) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const y = normalised(backend, x.shape, { x, coefficients, relu: false });
    remember(mean, 'batchMean', { coefficients });
    keepWith(backend, mean, coefficients);
    return [y, mean, variance];
  },
};

export const followBatch: OwnKernel = {
  name: followBatchKernel,
  needs: 'operations',
  run(backend, { mean, variance, batchMean, batchVariance }, attributes) {
    const momentum = { float: attributes.momentum as number };
    const tensors = [mean, variance, batchMean, batchVariance] as tf.TensorInfo[];
    const ids = backend.getInputTensorIds(tensors);
    const outputs = execute(backend, 'BatSupFollowBatch', { momentum }, ids, 2);
    return outputs.map((output) => backend.createOutputTensor(output));
  },
};

/** The relu of a batch normalisation; undefined where x comes from anything else. */
export function reluOfBatchNorm(backend: NodeBackend, x: tf.TensorInfo): tf.Tensor | undefined {
  const norm = partsOf(x, 'batchNorm');
  return norm && !norm.relu ? normalised(backend, x.shape, { ...norm, relu: true }) : undefined;
}

/** A batch normalisation plus `other`; undefined where x comes from anything else. */
export function sumOfBatchNorm(
  backend: NodeBackend,
  x: tf.TensorInfo,
  other: tf.TensorInfo,
): tf.Tensor | undefined {
  const norm = partsOf(x, 'batchNorm');
  return norm && !norm.relu && !norm.other ? normalised(backend, x.shape, { ...norm, other }) : undefined;
}

/** The gradient before the relu, and before the max-pooling after it, where these can be fused. */
function gradientAfter(dy: tf.TensorInfo, x: tf.TensorInfo) {
  const masked = partsOf(dy, 'reluGrad');
  const norm = masked && partsOf(masked.y, 'batchNorm');
  if (!masked || norm?.x.dataId !== x.dataId) return { inputs: [dy], relu: false, window: [] };
  const pooled = partsOf(masked.dy, 'maxPoolGrad');
  const [height = 0, width = 0, down = 0, across = 0] = pooled?.window ?? [];
  if (!pooled || height > down || width > across) return { inputs: [masked.dy], relu: true, window: [] };
  return { inputs: [pooled.dy, pooled.indices], relu: true, window: pooled.window };
}

export const batchNormGradient: OwnKernel = {
  name: batchNormGradKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { dy, x, mean, variance } = inputs as Record<'dy' | 'x' | 'mean' | 'variance', tf.TensorInfo>;
    const { epsilon } = attributes as unknown as BatchNormAttributes;
    const { coefficients } = partsOf(mean, 'batchMean') as { coefficients: tf.TensorInfo };
    const {
      inputs: [gradient, ...indices],
      relu,
      window,
    } = gradientAfter(dy, x);
    const tensors = [gradient as tf.TensorInfo, x, coefficients, variance, ...indices];
    const options = { N: indices.length, relu, epsilon: { float: epsilon }, window };
    const ids = backend.getInputTensorIds(tensors);
    const outputs = execute(backend, 'BatSupBatchNormGrad', options, ids, 3);
    return outputs.map((output) => backend.createOutputTensor(output));
  },
};
