import type * as tf from '@tensorflow/tfjs-core';
import type { Threads } from './threads.ts';

/** What of tfjs's WebAssembly backend our kernels use. */
export interface WasmBackend {
  wasm: {
    asm: { memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  dataIdMap: { get(id: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
}

/** What each of our kernels is given. */
export interface KernelContext {
  backend: WasmBackend;
  threads: Threads;
}

export function addressOf({ backend }: KernelContext, tensor: tf.TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** Working memory for as long as `use` runs. `floats` by name -> addresses by name. */
export function withScratch<Name extends string, Result>(
  { backend }: KernelContext,
  floats: Record<Name, number>,
  use: (addresses: Record<Name, number>) => Result,
): Result {
  const { _malloc, _free } = backend.wasm;
  const addresses = {} as Record<Name, number>;
  const names = Object.keys(floats) as Name[];
  try {
    for (const name of names) {
      const address = _malloc(floats[name] * 4);
      if (address === 0) throw new Error(`Out of memory for ${floats[name] * 4} bytes; lower --batch-size.`);
      addresses[name] = address;
    }
    return use(addresses);
  } finally {
    for (const name of names) if (addresses[name]) _free(addresses[name]);
  }
}
