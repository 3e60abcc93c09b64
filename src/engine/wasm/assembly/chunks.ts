/** The first item of a chunk, where `items` are cut into `chunks` parts as equal as possible. */
// @ts-ignore: decorator
@inline
export function chunkStart(items: i32, chunks: i32, chunk: i32): i32 {
  return <i32>((<i64>items * <i64>chunk) / <i64>chunks);
}
