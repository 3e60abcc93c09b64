import { chunkStart } from '../../wasm/assembly/chunks';

/** Copies some channels of each pixel: from [pixels, fromChannels] to [pixels, toChannels]. */
export function copyChannels(
  chunk: i32,
  chunks: i32,
  from: usize,
  to: usize,
  pixels: i32,
  fromChannels: i32,
  toChannels: i32,
  fromFirst: i32,
  toFirst: i32,
  count: i32,
): void {
  const bytes = <usize>count << 2;
  const last = chunkStart(pixels, chunks, chunk + 1);
  for (let pixel = chunkStart(pixels, chunks, chunk); pixel < last; pixel++) {
    const source = from + (<usize>(pixel * fromChannels + fromFirst) << 2);
    memory.copy(to + (<usize>(pixel * toChannels + toFirst) << 2), source, bytes);
  }
}
