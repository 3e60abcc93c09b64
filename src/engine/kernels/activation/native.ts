import type * as tf from '@tensorflow/tfjs-core';
import { execute, executeOnTensors, firstId, float32 } from '../../native/backend.ts';
import { defer } from '../../native/deferred.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { isReluOfPooled, reluOfPooled } from '../max_pool/native.ts';
import { reluGradKernel } from './gradient.ts';

/** A max-pooling takes the relu that follows it along. */
export const relu: OwnKernel = {
  name: 'Relu',
  needs: 'operations',
  run(backend, inputs) {
    const x = inputs.x as tf.TensorInfo;
    return reluOfPooled(backend, x) ?? backend.executeSingleInput('Relu', x);
  },
};

export const reluGradient: OwnKernel = {
  name: reluGradKernel,
  run(backend, inputs) {
    const { dy, y } = inputs as Record<'dy' | 'y', tf.TensorInfo>;
    if (!isReluOfPooled(y)) return executeOnTensors(backend, 'ReluGrad', { T: float32 }, [dy, y]);
    // Left to the max-pooling's gradient, whose places tell the same.
    return defer(backend, y.shape, { kind: 'masked', inputs: [dy, y] }, () =>
      firstId(execute(backend, 'ReluGrad', { T: float32 }, backend.getInputTensorIds([dy, y]))),
    );
  },
};
