export { packFilter, packTransposedFilter } from '../../kernels/conv/wasm_pack_filter.assembly';
export { runJob, workerLoop } from './pool';
