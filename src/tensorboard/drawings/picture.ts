import sharp from 'sharp';

export interface PixelSize {
  width: number;
  height: number;
  channels: 1 | 3;
}

/** uint8 [height, width, channels] -> the bytes of a JPEG file: PNG would make the logs several times as large. */
export function encodePicture(pixels: Uint8Array, size: PixelSize): Promise<Buffer> {
  return sharp(pixels, { raw: size }).jpeg({ quality: 90 }).toBuffer();
}
