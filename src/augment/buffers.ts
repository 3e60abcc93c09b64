/**
 * Memory of pictures that is used again. To ask the system for memory takes as long as many a change of its pixels, and
 * the garbage collector would free it late.
 */
const unused: Buffer[] = [];
const maxUnused = 4;

/** A buffer of this length, with any content. */
export function takeBuffer(length: number): Buffer {
  const at = unused.findIndex((buffer) => buffer.length === length);
  const [buffer = Buffer.allocUnsafeSlow(length)] = at < 0 ? [] : unused.splice(at, 1);
  return buffer;
}

/** Takes back a buffer that nobody else reads or writes any more. */
export function giveBack(buffer: Buffer): void {
  unused.push(buffer);
  if (unused.length > maxUnused) unused.shift();
}

/** A copy, in a buffer of takeBuffer. */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = takeBuffer(bytes.length);
  copy.set(bytes);
  return copy;
}
