import { applyAdam } from '../../kernels/adam/wasm.assembly';
import { convolve } from '../../kernels/conv/wasm.assembly';
import { convolveFilterGradient } from '../../kernels/conv/wasm_filter_gradient.assembly';
import { matMul } from '../../kernels/mat_mul/wasm.assembly';
import { matMulTransposeA } from '../../kernels/mat_mul/wasm_transpose_a.assembly';
import { matMulTransposeB } from '../../kernels/mat_mul/wasm_transpose_b.assembly';
import { maxPool } from '../../kernels/max_pool/wasm.assembly';
import { maxPoolGradient } from '../../kernels/max_pool/wasm_gradient.assembly';
import { pad } from '../../kernels/conv/wasm_pad.assembly';
import { reluGradient } from '../../kernels/activation/wasm.assembly';
import { sumRows } from '../../kernels/bias/wasm.assembly';

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
