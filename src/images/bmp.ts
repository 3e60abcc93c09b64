/** Microsoft's BITMAPFILEHEADER and BITMAPINFOHEADER: where these numbers stand, little-endian. */
const offsets = { pixels: 10, width: 18, height: 22, bits: 28, compression: 30 };
const headerBytes = 34;
const runLengths = [1, 2];

/**
 * Pixels that a BMP claims to have.
 * @throws {Error} where it claims none.
 */
export function readBmpSize(bytes: Buffer): { width: number; height: number } {
  if (bytes.length < headerBytes) throw new Error('its header is not whole');
  const width = bytes.readInt32LE(offsets.width);
  const height = Math.abs(bytes.readInt32LE(offsets.height));
  if (!(width * height > 0)) throw new Error('it has no pixels');
  return { width, height };
}

/**
 * Pixels of a BMP, which sharp does not read: uint8 RGB [height, width, 3].
 * @throws {Error} where it is damaged or has more pixels than `mostPixels`.
 */
export async function decodeBmp(
  bytes: Buffer,
  mostPixels: number,
): Promise<{ data: Buffer; width: number; height: number }> {
  const { width: columns, height: rows } = readBmpSize(bytes);
  if (columns * rows > mostPixels) throw new Error('it exceeds the pixel limit');
  // Before the decoder makes room for what a few bytes claim to be there.
  const isPlain = !runLengths.includes(bytes.readUInt32LE(offsets.compression));
  const rowBytes = Math.ceil((columns * bytes.readUInt16LE(offsets.bits)) / 32) * 4;
  if (isPlain && bytes.length < bytes.readUInt32LE(offsets.pixels) + rows * rowBytes)
    throw new Error('it ends too early');
  const { decode } = await import('bmp-ts');
  const { data: abgr, width, height } = decode(bytes);
  const data = Buffer.alloc(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = abgr[from + 3] as number;
    data[to + 1] = abgr[from + 2] as number;
    data[to + 2] = abgr[from + 1] as number;
  }
  return { data, width, height };
}
