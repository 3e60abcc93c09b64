/**
 * Copies that were made with a crop say so in a comment (COM), so that they are not cropped again when they are trained on,
 * evaluated or predicted.
 */
export const cropMark = 'bat-sup cropped';

/** Adds the mark to a JPEG that begins with SOI and a JFIF segment. */
export function markCropped(jpeg: Uint8Array): Uint8Array {
  const at = 4 + (((jpeg[4] as number) << 8) | (jpeg[5] as number));
  const text = new TextEncoder().encode(cropMark);
  const marked = new Uint8Array(jpeg.length + 4 + text.length);
  marked.set(jpeg.subarray(0, at));
  marked.set([0xff, 0xfe, 0, 2 + text.length, ...text], at);
  marked.set(jpeg.subarray(at), at + 4 + text.length);
  return marked;
}

/** Whether a JPEG has the mark; for files that {@link readJpegHeader} does not read, as another program may have changed it. */
export function isMarkedCropped(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 1024);
  return (
    bytes[0] === 0xff &&
    bytes[1] === 0xd8 &&
    new TextDecoder('latin1').decode(head).includes(`\xff\xfe\0\x11${cropMark}`)
  );
}
