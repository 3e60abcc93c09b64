/** Rare processes by the marker of the frame (ITU-T T.81, table B.1; T.87 for JPEG-LS). */
const rareProcesses: Record<number, string> = {
  195: 'lossless JPEG',
  197: 'hierarchical JPEG',
  198: 'hierarchical JPEG',
  199: 'hierarchical JPEG',
  201: 'arithmetic-coded JPEG',
  202: 'arithmetic-coded JPEG',
  203: 'arithmetic-coded JPEG',
  205: 'arithmetic-coded JPEG',
  206: 'arithmetic-coded JPEG',
  207: 'arithmetic-coded JPEG',
  247: 'JPEG-LS picture',
};

/** Names the process of a JPEG that most decoders do not support, from its first frame; undefined for common ones. */
export function rareJpeg(bytes: Uint8Array): string | undefined {
  for (let at = 2; at + 4 < bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] as number;
    // A fill byte, or a marker without a segment.
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) return undefined;
    const isFrame = (marker & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(marker);
    const bits = bytes[at + 4] as number;
    if (isFrame && bits > 8) return `JPEG of ${bits} bits`;
    if (isFrame || marker === 0xf7) return rareProcesses[marker];
    at += 2 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }
  return undefined;
}
