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

/** Given to each of our kernels. */
export interface KernelContext {
  backend: WasmBackend;
  threads: Threads;
}

export function addressOf({ backend }: KernelContext, tensor: tf.TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
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
      const address = _malloc(floats[name] * 4);
      if (address === 0) throw new Error(`Out of memory for ${floats[name] * 4} bytes; lower --batch-size.`);
      addresses[name] = address;
    }
    return use(addresses);
  } finally {
    for (const name of names) if (addresses[name]) _free(addresses[name]);
  }
}
