import { tf } from '../../tensors/tf.ts';
import { type Engine, type EngineName, type EngineOptions, EngineUnavailable } from '../engine.ts';
import { findInstallation, type Installation } from './installation.ts';
import { registerKernels } from './kernels.ts';
import { loadBackend } from './load.ts';
import { useMixedPrecision } from './product.ts';

/** A started installation. */
export interface Running {
  /** TensorFlow's version. */
  version: string;
  gpu: boolean;
}

/** Makes an installation the tfjs backend. @throws {EngineUnavailable} where it does not load. */
export async function startInstallation(
  installation: Installation | undefined,
  options: EngineOptions = { threads: 0 },
): Promise<Running> {
  const backend = loadBackend(installation, options);
  registerKernels(backend, { operations: installation?.operations === true });
  // On the CPU oneDNN does it by itself; see load.ts.
  useMixedPrecision(backend, options.precision === 'bf16' && backend.isUsingGpuDevice);
  await tf.setBackend('tensorflow');
  return { version: backend.binding.TF_Version, gpu: backend.isUsingGpuDevice };
}

/** Whether oneDNN uses bfloat16: its mode only permits it, and it does so only where the processor is faster with it. */
function multipliesInBfloat16(): boolean {
  const belowEpsilon = 2 ** -10;
  return tf.tidy(() => {
    const x = tf.fill([1, 16, 16, 32], 1 + belowEpsilon) as tf.Tensor4D;
    const filter = tf.ones([1, 1, 32, 32]) as tf.Tensor4D;
    return tf.conv2d(x, filter, 1, 'same').dataSync()[0] === 32;
  });
}

async function start(name: EngineName, options: EngineOptions): Promise<Engine> {
  const installation = findInstallation();
  const { version, gpu } = await startInstallation(installation, options);
  if (name === 'cuda' && !gpu) {
    throw new EngineUnavailable(
      installation?.device === 'cpu'
        ? 'TensorFlow is set up for the CPU only; run "bat-sup setup --cuda" for an NVIDIA GPU, or take --engine native.'
        : 'TensorFlow finds no CUDA device; check nvidia-smi and CUDA_VISIBLE_DEVICES, or take --engine native for the CPU.',
    );
  }
  if (!gpu && options.precision === 'bf16' && !multipliesInBfloat16()) {
    throw new EngineUnavailable(
      '--precision bf16 makes nothing faster on this processor, whose bfloat16 instructions (AMX) are missing or not used; leave it out.',
    );
  }
  const precision = options.precision === 'bf16' ? ', bfloat16' : '';
  return {
    name: gpu ? 'cuda' : 'native',
    description: `TensorFlow ${version} on ${gpu ? 'CUDA' : 'the CPU'}${precision}`,
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
