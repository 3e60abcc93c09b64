export { packFilter, packTransposedFilter } from '../../kernels/conv/wasm_pack_filter.assembly';
export { tableChecksum } from './dispatch';
export { runJob, workerLoop } from './pool';
// Exported so that the optimiser does not inline them: within their caller, V8 keeps their sums in memory.
export { fiveRows, oneRow, sixRows } from '../../kernels/fused_convolution/wasm_gemm.assembly';
export { eight1, eight2, seven1, seven2 } from '../../kernels/fused_convolution/wasm_depthwise.assembly';
export { addPatches1, addPatches4, addPatches8, addToPatches1, addToPatches8 } from '../../kernels/pooled_conv/wasm.assembly';
export { multiplyFiveRows, multiplyOneRow } from '../../kernels/mat_mul/wasm_transpose_b.assembly';
