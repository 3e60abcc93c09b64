import { readFileSync } from 'node:fs';
import { UserError } from '../../errors.ts';

const pageBytes = 65536;
const maxPages = 65536;

/** The exports of logistic.wasm; see assembly/. Addresses are in bytes. */
export interface Kernels {
  evaluate(
    rows: number,
    count: number,
    features: number,
    width: number,
    lengths: number,
    weights: number,
    labels: number,
    soft: number,
    classes: number,
    parameters: number,
    gradient: number,
    work: number,
    curvature: number,
  ): number;
  evaluateSingle(
    rows: number,
    count: number,
    features: number,
    width: number,
    lengths: number,
    weights: number,
    labels: number,
    soft: number,
    classes: number,
    parameters: number,
    sums: number,
    gradient: number,
    work: number,
  ): number;
  logits(
    rows: number,
    count: number,
    features: number,
    width: number,
    lengths: number,
    tiles: number,
    parameters: number,
    to: number,
  ): void;
  gram(features: number, count: number, width: number, to: number): void;
  cholesky(
    kernel: number,
    stride: number,
    count: number,
    factor: number,
    width: number,
    diagonal: number,
    pivots: number,
    lengths: number,
    tolerance: number,
  ): number;
}

let compiled: WebAssembly.Module | undefined;

/** An instance of the kernels in this thread, on a memory that threads share. */
export function loadKernels(memory: WebAssembly.Memory): Kernels {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./logistic.wasm', import.meta.url)));
  const abort = () => {
    throw new Error('a kernel aborted');
  };
  return new WebAssembly.Instance(compiled, { env: { memory, abort } }).exports as unknown as Kernels;
}

/** A memory that threads share. What is allocated is zero, at a multiple of 16, and stays until the memory goes. */
export class SharedMemory {
  // The first page holds the kernels' own tables.
  #next = pageBytes;
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: maxPages, shared: true });

  /** @returns the address. @throws {UserError} beyond 4 GiB. */
  allocate(bytes: number): number {
    const address = this.#next;
    this.#next += Math.ceil(bytes / 16) * 16;
    const missing = Math.ceil((this.#next - this.memory.buffer.byteLength) / pageBytes);
    if (this.#next > maxPages * pageBytes)
      throw new UserError(
        'The features take more than the 4 GiB that logistic regression can use; take fewer pictures, or a network with fewer features.',
      );
    if (missing > 0) this.memory.grow(missing);
    return address;
  }

  doubles(address: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, address, length);
  }

  singles(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  integers(address: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length);
  }
}
