import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine } from '../engine.ts';

/** Plain JavaScript: runs everywhere, and is the reference that the kernels of the others are tested against. */
export async function startCpu(): Promise<Engine> {
  await tf.setBackend('cpu');
  return { name: 'cpu', description: 'plain JavaScript (slow; a last resort)', dispose: async () => {} };
}
