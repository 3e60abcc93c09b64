import type { tf } from '../../../tensors/tf.ts';
import { runKernel } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { poolInfoOf, poolSizesOf } from '../max_pool/wasm.ts';
import { averagePoolGradKernel } from './operation.ts';

export const averagePool: OwnKernel = {
  name: 'AvgPool',
  accepts: ({ x }) => x?.dtype === 'float32',
  run(context, inputs, attributes) {
    const { x } = inputs as { x: tf.TensorInfo };
    const info = poolInfoOf(x.shape, attributes);
    const output = context.backend.makeOutput(info.outShape, 'float32');
    const rows = info.batchSize * info.outHeight;
    runKernel(context, 'averagePool', rows, { input: x, output, ...poolSizesOf(info) });
    return output;
  },
};

export const averagePoolGradient: OwnKernel = {
  name: averagePoolGradKernel,
  run(context, { dy }, { inputShape, ...attributes }) {
    const info = poolInfoOf(inputShape as number[], attributes);
    const dx = context.backend.makeOutput(info.inShape, 'float32');
    const rows = info.batchSize * info.inHeight;
    runKernel(context, 'averagePoolGradient', rows, { dy, dx, ...poolSizesOf(info) });
    return dx;
  },
};
