import { UserError } from '../../errors.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Arguments, KernelName, Threads } from './threads.ts';

/** The parts of tfjs's WebAssembly backend that our kernels use. */
export interface WasmBackend {
  wasm: {
    asm: { memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  dataIdMap: { get(id: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  incRef(dataId: object): void;
}

/**
 * tfjs does not look whether there was memory, and would compute on tensors that overlap. To be called after the first
 * allocation, in which the module replaces its function.
 */
export function failWhereFull({ wasm }: WasmBackend): void {
  const { _malloc } = wasm;
  wasm._malloc = (bytes) => {
    const address = _malloc(bytes);
    if (address === 0 && bytes > 0)
      throw new UserError(
        `The 4 GiB that WebAssembly can have are full (${bytes} bytes more); lower --batch-size, or take --engine native.`,
      );
    return address;
  };
}

/** Given to each of our kernels. */
export interface KernelContext {
  backend: WasmBackend;
  threads: Threads;
}

/** The backend's own addresses are signed: beyond 2 GiB they are negative. */
export function addressOf({ backend }: KernelContext, tensor: tf.TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset >>> 0;
}

/** A kernel's arguments by name, where a tensor stands for its address and undefined for the address 0. */
type Given<Name extends KernelName> = Record<keyof Arguments<Name>, number | tf.TensorInfo | undefined>;

/** Runs a kernel on every thread and returns when it is done. `items`: the most chunks that its work can be cut into. */
export function runKernel<Name extends KernelName>(
  context: KernelContext,
  kernel: Name,
  items: number,
  given: Given<Name>,
): void {
  runInChunks(context, kernel, context.threads.chunksFor(items), given);
}

/** The same, cut into exactly this many chunks. */
export function runInChunks<Name extends KernelName>(
  context: KernelContext,
  kernel: Name,
  chunks: number,
  given: Given<Name>,
): void {
  const values = Object.entries(given) as [string, number | tf.TensorInfo | undefined][];
  const addressed = values.map(([name, value]) => [
    name,
    typeof value === 'object' ? addressOf(context, value) : (value ?? 0),
  ]);
  context.threads.run(kernel, chunks, Object.fromEntries(addressed) as Arguments<Name>);
}

/** Working memory while `use` runs: numbers of floats by name -> addresses by name. */
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
      addresses[name] = _malloc(floats[name] * 4) >>> 0;
    }
    return use(addresses);
  } finally {
    for (const name of names) if (addresses[name]) _free(addresses[name]);
  }
}
