import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { reason } from '../../errors.ts';
import { type Engine, type EngineName, type EngineOptions, EngineUnavailable } from '../engine.ts';

const packageName = '@tensorflow/tfjs-node-gpu';
const require = createRequire(import.meta.url);

/** The package installs without its library; the binding is there once that has been installed as well. */
function findBinding(): string | undefined {
  try {
    const folder = dirname(require.resolve(`${packageName}/package.json`));
    const binding = join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');
    return existsSync(binding) ? binding : undefined;
  } catch {
    return undefined;
  }
}

/** tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 removed. */
function restoreRemovedUtil(): void {
  const legacy = util as unknown as { default: Record<string, unknown> };
  legacy.default.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
}

function load(): void {
  if (!findBinding()) {
    throw new EngineUnavailable(
      `The native engine needs ${packageName} with its TensorFlow library, which is not installed here; --engine wasm needs nothing more.`,
    );
  }
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  restoreRemovedUtil();
  try {
    require(packageName);
  } catch (error) {
    throw new EngineUnavailable(`The TensorFlow library does not load: ${reason(error).split('\n')[0]}`);
  }
}

/** tfjs-node's own backend tells whether TensorFlow found a CUDA device. */
function hasCudaDevice(): boolean {
  return (tf.backend() as unknown as { isUsingGpuDevice: boolean }).isUsingGpuDevice;
}

async function start(name: EngineName): Promise<Engine> {
  load();
  await tf.setBackend('tensorflow');
  const device = hasCudaDevice() ? 'CUDA' : 'the CPU';
  if (name === 'cuda' && !hasCudaDevice()) {
    throw new EngineUnavailable(
      'TensorFlow finds no CUDA device; check nvidia-smi and CUDA_VISIBLE_DEVICES, or take --engine native for the CPU.',
    );
  }
  return { name, description: `TensorFlow on ${device}`, dispose: async () => {} };
}

/** TensorFlow through tfjs-node-gpu on a CUDA device. @throws {EngineUnavailable} where there is none. */
export function startCuda(_options: EngineOptions): Promise<Engine> {
  return start('cuda');
}

/** TensorFlow through tfjs-node-gpu on the CPU. @throws {EngineUnavailable} where the library is missing. */
export function startNative(_options: EngineOptions): Promise<Engine> {
  return start('native');
}
