import { applyAdam } from './apply_adam';
import { convolve } from './convolve';
import { convolveFilterGradient } from './convolve_filter_gradient';
import { matMul } from './mat_mul';
import { matMulTransposeA } from './mat_mul_transpose_a';
import { matMulTransposeB } from './mat_mul_transpose_b';
import { maxPool } from './max_pool';
import { maxPoolGradient } from './max_pool_gradient';
import { pad } from './pad';
import { reluGradient } from './relu_gradient';
import { sumRows } from './sum_rows';

/** The numbers are those of ../kernel_numbers.ts. */
export function runChunk(kernel: i32, args: usize, chunk: i32): void {
  switch (kernel) {
    case 0:
      return pad(args, chunk);
    case 1:
      return convolve(args, chunk);
    case 2:
      return convolveFilterGradient(args, chunk);
    case 3:
      return maxPool(args, chunk);
    case 4:
      return maxPoolGradient(args, chunk);
    case 5:
      return matMul(args, chunk);
    case 6:
      return matMulTransposeA(args, chunk);
    case 7:
      return matMulTransposeB(args, chunk);
    case 8:
      return applyAdam(args, chunk);
    case 9:
      return reluGradient(args, chunk);
    case 10:
      return sumRows(args, chunk);
  }
}
