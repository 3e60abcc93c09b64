import * as tf from '@tensorflow/tfjs-core';
import { type Engine, type EngineName, type EngineOptions, EngineUnavailable } from '../engine.ts';
import { registerKernels } from './kernels/index.ts';
import { loadBackend } from './load.ts';

async function start(name: EngineName, { threads }: EngineOptions): Promise<Engine> {
  const { backend, installation } = loadBackend(threads);
  if (name === 'cuda' && !backend.isUsingGpuDevice) {
    throw new EngineUnavailable(
      installation.device === 'cpu'
        ? 'TensorFlow is set up for the CPU only; run "bat-sup setup --cuda" for an NVIDIA GPU, or take --engine native.'
        : 'TensorFlow finds no CUDA device; check nvidia-smi and CUDA_VISIBLE_DEVICES, or take --engine native for the CPU.',
    );
  }
  registerKernels(backend, installation);
  await tf.setBackend('tensorflow');
  const device = backend.isUsingGpuDevice ? 'CUDA' : 'the CPU';
  return {
    name,
    description: `TensorFlow ${backend.binding.TF_Version} on ${device}`,
    dispose: async () => {},
  };
}

/** TensorFlow through tfjs-node-gpu on a CUDA device. @throws {EngineUnavailable} where there is none. */
export function startCuda(options: EngineOptions): Promise<Engine> {
  return start('cuda', options);
}

/** TensorFlow through tfjs-node-gpu on the CPU. @throws {EngineUnavailable} where the library is missing. */
export function startNative(options: EngineOptions): Promise<Engine> {
  return start('native', options);
}
