import { sizeOf } from '../../../tensors/shape.ts';
import type { tf } from '../../../tensors/tf.ts';
import { type KernelContext, runKernel } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';

interface Channels {
  tensor: tf.TensorInfo;
  first: number;
}

/** Copies `count` channels of each pixel. */
function copy(context: KernelContext, from: Channels, to: Channels, count: number): void {
  const fromChannels = from.tensor.shape.at(-1) as number;
  const pixels = sizeOf(from.tensor.shape) / fromChannels;
  runKernel(context, 'copyChannels', pixels, {
    from: from.tensor,
    to: to.tensor,
    pixels,
    fromChannels,
    toChannels: to.tensor.shape.at(-1) as number,
    fromFirst: from.first,
    toFirst: to.first,
    count,
  });
}

/** Along the last axis. tfjs's own copies pixel by pixel in JavaScript. Other axes are left to it. */
export const concat: OwnKernel = {
  name: 'Concat',
  accepts(inputs, { axis }) {
    const tensors = Object.values(inputs);
    const rank = tensors[0]?.shape.length ?? 0;
    const isOfChannels = rank > 1 && (axis === -1 || axis === rank - 1);
    return isOfChannels && tensors.every((one) => one?.dtype === 'float32' && sizeOf(one.shape) > 0);
  },
  run(context, inputs) {
    const tensors = Object.values(inputs) as [tf.TensorInfo, ...tf.TensorInfo[]];
    const widths = tensors.map(({ shape }) => shape.at(-1) as number);
    const channels = widths.reduce((sum, width) => sum + width, 0);
    const output = context.backend.makeOutput([...tensors[0].shape.slice(0, -1), channels], 'float32');
    let first = 0;
    for (const [index, tensor] of tensors.entries()) {
      copy(context, { tensor, first: 0 }, { tensor: output, first }, widths[index] as number);
      first += widths[index] as number;
    }
    return output;
  },
};

/** Of the last axis alone, as for the gradient of a concatenation. */
export const slice: OwnKernel = {
  name: 'Slice',
  accepts({ x }, attributes) {
    const { begin, size } = attributes as { begin: number[]; size: number[] };
    const shape = x?.shape ?? [];
    const whole = shape.slice(0, -1).every((length, axis) => begin[axis] === 0 && size[axis] === length);
    return (
      x?.dtype === 'float32' && shape.length > 1 && whole && (size.at(-1) as number) > 0 && sizeOf(size) > 0
    );
  },
  run(context, inputs, attributes) {
    const { x } = inputs as { x: tf.TensorInfo };
    const { begin, size } = attributes as { begin: number[]; size: number[] };
    const output = context.backend.makeOutput(size, 'float32');
    copy(
      context,
      { tensor: x, first: begin.at(-1) as number },
      { tensor: output, first: 0 },
      size.at(-1) as number,
    );
    return output;
  },
};
