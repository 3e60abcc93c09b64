import { tf } from '../tensors/tf.ts';
import { relu } from './kernels/activation/gradient.ts';
import { convolutionGradient } from './kernels/conv/gradient.ts';
import { fusedMatMul } from './kernels/mat_mul/gradient.ts';
import { maxPool } from './kernels/max_pool/gradient.ts';
import { reshape } from './kernels/reshape/gradient.ts';

/**
 * Registers the gradients of the operations that the layers use. tfjs-core's build for Node has none, and the fused
 * operations of its other builds always compute the gradient of the pictures too, which nobody needs.
 * An engine whose packages register gradients of their own calls this again.
 */
export function registerGradients(): void {
  const gradients = [
    convolutionGradient('FusedConv2D', 'Conv2DBackprop'),
    convolutionGradient('FusedDepthwiseConv2D', 'DepthwiseConv2dNativeBackprop'),
    convolutionGradient('GroupedConv2D', 'GroupedConv2DBackprop'),
    fusedMatMul,
    maxPool,
    relu,
    reshape,
  ];
  for (const gradient of gradients) tf.registerGradient(gradient);
}

registerGradients();
