/** Every layer, and the function that adds it to an architecture, one line each. */
export * from './activation/layer.ts';
export * from './add/layer.ts';
export * from './average_pool/layer.ts';
export * from './batch_norm/layer.ts';
export * from './concat/layer.ts';
export * from './conv/layer.ts';
export * from './depthwise_conv/layer.ts';
export * from './dropout/layer.ts';
export * from './flatten/layer.ts';
export * from './fully_connected/layer.ts';
export * from './global_average_pool/layer.ts';
export * from './multiply/layer.ts';
export * from './pool/layer.ts';
export * from './zero_padding/layer.ts';
