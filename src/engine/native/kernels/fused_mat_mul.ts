import type * as tf from '@tensorflow/tfjs-core';
import { executeOnTensors, float32 } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

/** a times b, plus bias. a [batch, inputs], b [inputs, outputs], bias [outputs] -> [batch, outputs] */
export const fusedMatMulPlain: OwnKernel = {
  name: '_FusedMatMul',
  run(backend, inputs, attributes) {
    const { a, b, bias } = inputs as Record<'a' | 'b' | 'bias', tf.TensorInfo>;
    const transposed = {
      transpose_a: attributes.transposeA as boolean,
      transpose_b: attributes.transposeB as boolean,
    };
    const product = executeOnTensors(backend, 'MatMul', { T: float32, ...transposed }, [a, b]);
    const output = executeOnTensors(backend, 'BiasAdd', { T: float32, data_format: 'NHWC' }, [product, bias]);
    product.dispose();
    return output;
  },
};
