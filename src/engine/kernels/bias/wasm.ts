import { sizeOf } from '../../../tensors/shape.ts';
import { runInChunks, withScratch } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';

/** Does not depend on the number of threads, so that neither does the result. */
const maxParts = 16;
const rowsPerPart = 64;

/** The sum over all axes but the last, as for the gradient of a bias. Other sums are left to the backend. */
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
    const parts = Math.max(1, Math.min(maxParts, Math.floor(rows / rowsPerPart)));
    const output = context.backend.makeOutput([columns], 'float32');
    withScratch(context, { partial: parts * columns }, ({ partial }) => {
      runInChunks(context, 'sumRows', parts, { input: x, output: partial, rows, columns });
      runInChunks(context, 'sumRows', 1, { input: partial, output, rows: parts, columns });
    });
    return output;
  },
};
