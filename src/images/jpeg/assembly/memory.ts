/** Everything that one picture needs lies one after the other, and goes when the next one begins. */
let top: usize = 0;

export function forget(): void {
  top = (__heap_base + 15) & ~15;
}

/** Bytes at a multiple of 16, not zeroed, and some more after them that a vector may reach into. */
export function allocate(bytes: usize): usize {
  const at = top;
  top = (at + bytes + 64 + 15) & ~15;
  const pages = <i32>((top + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  return at;
}
