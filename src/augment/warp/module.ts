import { readFileSync } from 'node:fs';

const pageBytes = 65536;

/** The exports of warp.wasm (assembly/index.ts). */
interface Exports {
  memory: WebAssembly.Memory;
  warp(...words: number[]): void;
  coordinates(...words: number[]): void;
  moreColour(start: number, pixels: number, factor: number): void;
  sumColours(start: number, pixels: number, to: number): void;
  replaceValues(start: number, pixels: number, table: number): void;
}

let instance: Exports | undefined;

/** The module's instance for this thread. */
export function loadKernels(): Exports {
  if (!instance) {
    const module = new WebAssembly.Module(readFileSync(new URL('./warp.wasm', import.meta.url)));
    const abort = () => {
      throw new Error('a kernel aborted');
    };
    instance = new WebAssembly.Instance(module, { env: { abort } }).exports as unknown as Exports;
  }
  return instance;
}

/** Kernels read and write up to this many bytes past the end of a picture. */
export const margin = 16;
export const tableBytes = 768;

const start = 1024;

/**
 * Lays out blocks of memory one after the other, each at a multiple of 16, and grows the memory where needed.
 * @param sizes bytes. @returns their addresses.
 */
export function allocate(sizes: number[]): number[] {
  const addresses = [];
  let next = start;
  for (const size of sizes) {
    addresses.push(next);
    next += (size + 15) & ~15;
  }
  reserve(next);
  return addresses;
}

function reserve(bytes: number): void {
  const { memory } = loadKernels();
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
}
