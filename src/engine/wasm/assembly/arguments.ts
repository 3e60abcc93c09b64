/** A kernel's arguments are 32-bit words, in the order of its table in kernels/*.ts. */

// @ts-ignore: decorator
@inline
export function integer(base: usize, index: usize): i32 {
  return load<i32>(base + (index << 2));
}

// @ts-ignore: decorator
@inline
export function address(base: usize, index: usize): usize {
  return <usize>load<u32>(base + (index << 2));
}

// @ts-ignore: decorator
@inline
export function real(base: usize, index: usize): f32 {
  return load<f32>(base + (index << 2));
}

/** The first item of a chunk, where `items` are cut into `chunks` parts as equal as can be. */
// @ts-ignore: decorator
@inline
export function chunkStart(items: i32, chunks: i32, chunk: i32): i32 {
  return <i32>((<i64>items * <i64>chunk) / <i64>chunks);
}
