import { createRequire } from 'node:module';
import { tf } from '../../tensors/tf.ts';
import type { Engine } from '../engine.ts';

// Required for the reason given in tensors/tf.ts.
createRequire(import.meta.url)('@tensorflow/tfjs-backend-cpu');

/** Plain JavaScript: runs everywhere, and is the reference that the kernels of the other engines are tested against. */
export async function startCpu(): Promise<Engine> {
  await tf.setBackend('cpu');
  return { name: 'cpu', description: 'plain JavaScript (slow; a last resort)', dispose: async () => {} };
}
