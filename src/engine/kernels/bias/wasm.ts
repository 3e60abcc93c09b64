import { sizeOf } from '../../../tensors/shape.ts';
import { addressOf, withScratch } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { kernelNumbers } from '../../wasm/kernel_numbers.ts';

/** Fixed, so that the result does not depend on the number of threads. */
const mostParts = 16;
const rowsPerPart = 64;

/** Sum over all axes but the last, as a bias's gradient is; other sums are the backend's. */
export const sum: OwnKernel = {
  name: 'Sum',
  accepts({ x }, { axis, keepDims }) {
    const axes = [axis].flat() as number[];
    const leading = axes.length === (x?.shape.length ?? 0) - 1 && axes.every((one, index) => one === index);
    return x?.dtype === 'float32' && leading && axes.length > 0 && !keepDims;
  },
  run(context, { x }) {
    if (!x) throw new Error('Sum needs x.');
    const columns = x.shape.at(-1) ?? 1;
    const rows = sizeOf(x.shape) / columns;
    const parts = Math.max(1, Math.min(mostParts, Math.floor(rows / rowsPerPart)));
    const output = context.backend.makeOutput([columns], 'float32');
    const { threads } = context;
    withScratch(context, { partial: parts * columns }, ({ partial }) => {
      threads.runChunks(kernelNumbers.sumRows, parts, [addressOf(context, x), partial, parts, rows, columns]);
      threads.runChunks(kernelNumbers.sumRows, 1, [partial, addressOf(context, output), 1, parts, columns]);
    });
    return output;
  },
};
