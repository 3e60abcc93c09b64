import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as util from 'node:util';
import { reason } from '../../errors.ts';
import { cpuQuota, usableCores } from '../../system/cores.ts';
import { tf } from '../../tensors/tf.ts';
import { type EngineOptions, EngineUnavailable } from '../engine.ts';
import { registerGradients } from '../gradients.ts';
import type { NodeBackend } from './backend.ts';
import { type Installation, packageFolder, packageName } from './installation.ts';
import { whyNoTensorFlow } from './supported.ts';

const require = createRequire(import.meta.url);

/** tfjs-node 4.22 calls util.isNullOrUndefined, which Node 22 deprecated with a warning and Node 23 removed. */
function replaceRemovedUtil(): void {
  const legacy = util as unknown as { default: Record<string, unknown> };
  legacy.default.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
}

function setDefaults(environment: Record<string, string>): void {
  for (const [name, value] of Object.entries(environment)) process.env[name] ??= value;
}

function wantsMessages(): boolean {
  return process.argv.includes('--verbose');
}

/** Runs `task` with the standard error stream muted, unless --verbose asks for the libraries' messages. */
function quietly<T>(stderr: string | undefined, task: () => T): T {
  if (!stderr || wantsMessages()) return task();
  const stream = require(stderr) as { mute(): void; unmute(): void };
  stream.mute();
  try {
    return task();
  } finally {
    stream.unmute();
  }
}

/**
 * Registers TensorFlow as the tfjs backend 'tensorflow'. The package's own entry point is not used, since it looks for
 * its library in node_modules only.
 * @throws {EngineUnavailable} if nothing is installed or the library does not load.
 */
export function loadBackend(
  installation: Installation | undefined,
  { threads, precision }: EngineOptions,
): NodeBackend {
  const folder = packageFolder();
  if (!folder || !installation) {
    throw new EngineUnavailable(
      whyNoTensorFlow() ??
        'The native engine is not set up; run "bat-sup setup", or take --engine wasm, which needs nothing more.',
    );
  }
  setDefaults({
    TF_CPP_MIN_LOG_LEVEL: wantsMessages() ? '0' : '2',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    OMP_WAIT_POLICY: 'passive',
  });
  // Always set, since an earlier start in this process may have set another mode.
  process.env.TF_SET_ONEDNN_FPMATH_MODE = precision === 'bf16' ? 'BF16' : 'FP32';
  // TensorFlow and OpenMP count cores by themselves, which leaves out a quota.
  const count = threads || (cpuQuota() && usableCores());
  if (count) setDefaults({ TF_NUM_INTRAOP_THREADS: String(count), OMP_NUM_THREADS: String(count) });
  replaceRemovedUtil();
  try {
    return register(folder, installation);
  } catch (error) {
    throw new EngineUnavailable(
      `TensorFlow's library does not load (${reason(error).split('\n')[0]}); run "bat-sup setup" again.`,
    );
  }
}

/**
 * Runs `task` while the package's files get our tfjs-core for both names that they require: there must be only one copy
 * of it, and @tensorflow/tfjs, of which they use only tfjs-core, takes 0.15 s to load.
 */
function withOurCore<T>(folder: string, task: () => T): T {
  const { resolve } = createRequire(join(folder, 'package.json'));
  const files = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'].map((name) => resolve(name));
  const before = files.map((file) => require.cache[file]);
  require('@tensorflow/tfjs-core');
  const ours = require.cache[require.resolve('@tensorflow/tfjs-core')];
  for (const file of files) require.cache[file] ??= ours;
  try {
    return task();
  } finally {
    for (const [index, file] of files.entries()) {
      if (!before[index]) delete require.cache[file];
    }
  }
}

function register(folder: string, { binding, stderr }: Installation): NodeBackend {
  const known = tf.findBackend('tensorflow');
  if (known) return known as unknown as NodeBackend;
  const { NodeJSKernelBackend } = withOurCore(folder, () => {
    require(join(folder, 'dist', 'register_all_kernels.js'));
    return require(join(folder, 'dist', 'nodejs_kernel_backend.js'));
  });
  const backend = quietly(stderr, () => new NodeJSKernelBackend(require(binding), packageName));
  tf.registerBackend('tensorflow', () => backend);
  registerGradients();
  return backend;
}
