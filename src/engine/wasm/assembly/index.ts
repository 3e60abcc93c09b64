export { packFilter, packTransposedFilter } from '../../kernels/conv/wasm_pack_filter.assembly';
export { tableChecksum } from './dispatch';
export { runJob, workerLoop } from './pool';
