import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { usableCores } from '../../system/cores.ts';
import { tf } from '../../tensors/tf.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { failWhereFull, type WasmBackend } from './engine_memory.ts';
import { registerKernels } from './kernels.ts';
import { hasRelaxedSimd, useRelaxedSimd } from './relaxed_simd.ts';
import { controlBytes, startThreads, type Threads } from './threads.ts';

// Required for the reason given in tensors/tf.ts.
const { setWasmPaths }: typeof import('@tensorflow/tfjs-backend-wasm') = createRequire(import.meta.url)(
  '@tensorflow/tfjs-backend-wasm',
);

/** More jobs than it takes to predict one picture: EfficientNet-Lite2 takes about fifty. */
const jobsBeforeWorkers = 60;

let running: Threads | undefined;

/** Removes the listeners that the backend's loader adds: on any uncaught error they print its whole source. */
async function withoutNewListeners(start: () => Promise<unknown>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = events.map((event) => process.listeners(event as 'exit'));
  await start();
  for (const [index, event] of events.entries()) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before[index]?.includes(listener)) process.removeListener(event, listener);
    }
  }
}

/**
 * tfjs's WebAssembly backend on shared memory (scripts/build-wasm.mjs), with our kernels. Where the host has relaxed SIMD,
 * they fuse multiplications with additions, unless the precision is strict, so that the last bits differ from those of other
 * hosts.
 */
export async function startWasm(options: EngineOptions): Promise<Engine> {
  const backendFile = fileURLToPath(new URL('./backend.wasm', import.meta.url));
  setWasmPaths({
    'tfjs-backend-wasm.wasm': backendFile,
    'tfjs-backend-wasm-simd.wasm': backendFile,
    'tfjs-backend-wasm-threaded-simd.wasm': backendFile,
  });
  await withoutNewListeners(() => tf.setBackend('wasm'));
  await running?.dispose();
  const backend = tf.backend() as unknown as WasmBackend;
  const { memory } = backend.wasm.asm;
  const control = backend.wasm._malloc(controlBytes);
  if (!running) failWhereFull(backend);
  new Uint8Array(memory.buffer, control, controlBytes).fill(0);
  const strict = options.precision === 'strict';
  const relaxed = hasRelaxedSimd() && !strict;
  useRelaxedSimd(relaxed);
  const file = relaxed ? './kernels_relaxed.wasm' : './kernels.wasm';
  const module = await WebAssembly.compile(await readFile(new URL(file, import.meta.url)));
  const count = options.threads || usableCores();
  const threads = startThreads(module, memory, { count, control, startAfter: jobsBeforeWorkers });
  running = threads;
  registerKernels({ backend, threads });
  const simd = `${relaxed ? 'relaxed SIMD' : 'SIMD'}${strict ? ', strict' : ''}`;
  return {
    name: 'wasm',
    description: `WebAssembly with ${simd}, ${count} ${count === 1 ? 'thread' : 'threads'}`,
    dispose: () => threads.dispose(),
  };
}
