/**
 * Makes the WebAssembly modules.
 * The embedded engine has two: kernels.wasm, our kernels compiled from AssemblyScript, and backend.wasm, tfjs's own
 * module whose memory is declared shared, so that worker threads can compute on it.
 * Augmentation has warp.wasm, its resampling; the pictures have jpeg.wasm, the decoder that shrinks as it decodes.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** The limits of the module's one memory, and where their flags stand (WebAssembly core specification 5.5.8). */
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
    `${original} declares its memory in another way than expected; look at this tfjs version's build.`,
  );
}

const bytes = readFileSync(original);
const { flags, initial, maximum } = findMemory(bytes);
bytes[flags] = hasMaximumAndIsShared;
writeFileSync(join(root, wasm, 'backend.wasm'), bytes);

const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');

function compile(sources, outFile, ...options) {
  const files = [join(root, sources, 'assembly/index.ts'), '--outFile', join(root, sources, outFile)];
  const optimise = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
  execFileSync(process.execPath, [asc, ...files, ...optimise, ...options], { stdio: 'inherit' });
}

const memory = ['--initialMemory', String(initial), '--maximumMemory', String(maximum)];
compile(wasm, 'kernels.wasm', '--enable', 'threads', '--importMemory', '--sharedMemory', ...memory);
compile('src/augment/warp', 'warp.wasm');
compile('src/images/jpeg', 'jpeg.wasm');
