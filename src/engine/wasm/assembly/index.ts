export { packFilter, packTransposedFilter } from '../../kernels/conv/wasm_pack_filter.assembly';
export { tableChecksum } from './dispatch';
export { runJob, workerLoop } from './pool';
// Exported so that the optimiser does not inline them: within their caller, V8 keeps their sums in memory.
export { fiveRows, oneRow } from '../../kernels/fused_convolution/wasm_gemm.assembly';
