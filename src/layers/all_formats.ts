/** How other formats read and write each layer, one line each. */
export { formats as activation } from './activation/formats.ts';
export { formats as add } from './add/formats.ts';
export { formats as averagePool } from './average_pool/formats.ts';
export { formats as batchNorm } from './batch_norm/formats.ts';
export { formats as concat } from './concat/formats.ts';
export { formats as conv } from './conv/formats.ts';
export { formats as depthwiseConv } from './depthwise_conv/formats.ts';
export { formats as dropout } from './dropout/formats.ts';
export { formats as flatten } from './flatten/formats.ts';
export { formats as fullyConnected } from './fully_connected/formats.ts';
export { formats as globalAveragePool } from './global_average_pool/formats.ts';
export { formats as multiply } from './multiply/formats.ts';
export { formats as pool } from './pool/formats.ts';
export { formats as zeroPadding } from './zero_padding/formats.ts';
