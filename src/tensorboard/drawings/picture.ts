import sharp from 'sharp';

export interface PixelSize {
  width: number;
  height: number;
  channels: 1 | 3;
}

/** uint8 [height, width, channels] -> a JPEG file, a fraction of what PNG would take of every epoch's log. */
export function encodePicture(pixels: Uint8Array, size: PixelSize): Promise<Buffer> {
  return sharp(pixels, { raw: size }).jpeg({ quality: 90 }).toBuffer();
}
