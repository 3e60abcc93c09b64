export { packFilter, packTransposedFilter } from './pack_filter';
export { runJob, workerLoop } from './pool';
