import type { tf } from '../../../tensors/tf.ts';
import { runKernel } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { scaleMapsKernel, spreadMapsKernel, sumMapsKernel } from './operation.ts';

function sizesOf({ shape: [batch = 0, height = 0, width = 0, channels = 0] }: tf.TensorInfo) {
  return { batch, pixels: height * width, channels };
}

/** Channels that a chunk of sums computes at once, as in wasm.assembly.ts. */
const group = 16;

export const scaleMaps: OwnKernel = {
  name: scaleMapsKernel,
  run(context, inputs) {
    const { x, factors } = inputs as Record<'x' | 'factors', tf.TensorInfo>;
    const y = context.backend.makeOutput(x.shape, 'float32');
    const sizes = sizesOf(x);
    runKernel(context, 'scaleMaps', sizes.batch * sizes.pixels, { x, factors, y, ...sizes });
    return y;
  },
};

export const sumMaps: OwnKernel = {
  name: sumMapsKernel,
  run(context, inputs, attributes) {
    const { a, b } = inputs as { a: tf.TensorInfo; b?: tf.TensorInfo };
    const sizes = sizesOf(a);
    const { batch, channels } = sizes;
    const sums = context.backend.makeOutput([batch, 1, 1, channels], 'float32');
    const divisor = attributes.divisor as number;
    runKernel(context, 'sumMaps', batch * Math.ceil(channels / group), { a, b, sums, ...sizes, divisor });
    return sums;
  },
};

export const spreadMaps: OwnKernel = {
  name: spreadMapsKernel,
  run(context, inputs, attributes) {
    const { values } = inputs as { values: tf.TensorInfo };
    const { height, width, divisor } = attributes as Record<'height' | 'width' | 'divisor', number>;
    const [batch = 0, , , channels = 0] = values.shape;
    const y = context.backend.makeOutput([batch, height, width, channels], 'float32');
    const sizes = sizesOf(y);
    runKernel(context, 'spreadMaps', batch * sizes.pixels, { values, y, ...sizes, divisor });
    return y;
  },
};
