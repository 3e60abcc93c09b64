/**
 * Builds the WebAssembly modules.
 * The wasm engine has our kernels, compiled from AssemblyScript twice: kernels_relaxed.wasm, with fused multiply-add
 * (relaxed SIMD), and kernels.wasm, for hosts without; and backend.wasm, tfjs's own module with its memory declared
 * shared, so that worker threads can compute on it.
 * Augmentation has warp.wasm, which resamples; src/images has jpeg.wasm, the decoder that shrinks while it decodes;
 * src/transfer has logistic.wasm, the sums of logistic regression, whose threads share one memory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dispatcherSource, readKernels, tableSource } from './kernel_table.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wasm = 'src/engine/wasm';
const original = join(root, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm');

const memorySection = 5;
const hasMaximum = 1;
const hasMaximumAndIsShared = 3;

function readLeb128(bytes, start) {
  let value = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return { value: value >>> 0, next: at };
  }
}

/** The limits of the module's only memory, and the offset of their flags (WebAssembly core specification 5.5.8). */
function findMemory(bytes) {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const { value: size, next } = readLeb128(bytes, at + 1);
    if (id === memorySection) {
      const count = readLeb128(bytes, next);
      const flags = count.next;
      const initial = readLeb128(bytes, flags + 1);
      const maximum = readLeb128(bytes, initial.next);
      if (count.value !== 1 || bytes[flags] !== hasMaximum) break;
      return { flags, initial: initial.value, maximum: maximum.value };
    }
    at = next + size;
  }
  throw new Error(
    `${original} does not declare its memory as expected; check how this version of tfjs is built.`,
  );
}

const bytes = readFileSync(original);
const { flags, initial, maximum } = findMemory(bytes);
bytes[flags] = hasMaximumAndIsShared;
writeFileSync(join(root, wasm, 'backend.wasm'), bytes);

/** A file that has not changed keeps its time, by which scripts/prepare.mjs knows whether to build. */
function writeGenerated(file, source) {
  const path = join(root, wasm, file);
  if (!existsSync(path) || readFileSync(path, 'utf8') !== source) writeFileSync(path, source);
}

const kernels = readKernels(root);
writeGenerated('kernel_table.ts', tableSource(kernels));
writeGenerated('assembly/dispatch.ts', dispatcherSource(kernels));

const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');

function compile(sources, outFile, ...options) {
  const files = [join(root, sources, 'assembly/index.ts'), '--outFile', join(root, sources, outFile)];
  const optimise = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
  execFileSync(process.execPath, [asc, ...files, ...optimise, ...options], { stdio: 'inherit' });
}

/** Options of a module whose threads share a memory. */
function sharedMemory(initial, maximum) {
  const limits = ['--initialMemory', String(initial), '--maximumMemory', String(maximum)];
  return ['--enable', 'threads', '--importMemory', '--sharedMemory', ...limits];
}

const shared = sharedMemory(initial, maximum);
compile(wasm, 'kernels.wasm', ...shared);
compile(wasm, 'kernels_relaxed.wasm', ...shared, '--enable', 'relaxed-simd');
compile('src/augment/warp', 'warp.wasm');
compile('src/images/jpeg', 'jpeg.wasm');
compile('src/transfer/logistic', 'logistic.wasm', ...sharedMemory(1, 65536));
