/** tf.ts for browsers, whose bundles have tfjs-core in them. */
export * as tf from '@tensorflow/tfjs-core';
